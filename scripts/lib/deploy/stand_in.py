"""A stand-in for a replica, which leaves requests without an answer, to see what a proxy sends again."""

import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LONGEST_IDLE = 60.0


class StandIn(ThreadingHTTPServer):
    """Is ready, answers /idle and notes how long the connection is kept then, and leaves everything else unanswered."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.received: Counter[str] = Counter()
        self.idle_seconds: list[float] = []
        self.lock = threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    def handle_error(self, *_: object) -> None:
        """Says nothing of a proxy that ends a connection without a word, as after each look at the health."""

    def close(self) -> None:
        """Ends it."""
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = LONGEST_IDLE
    server: StandIn

    def _take(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self.rfile.read(length)
        if self.path in ("/health/ready", "/idle"):
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()
            if self.path == "/idle":
                self.wfile.flush()
                self._wait_for_end()
            return
        with self.server.lock:
            self.server.received[self.command] += 1
        self.close_connection = True

    do_GET = do_POST = do_PUT = do_DELETE = _take

    def _wait_for_end(self) -> None:
        began = time.monotonic()
        try:
            ended = self.connection.recv(1) == b""
        except ConnectionError:
            ended = True
        except OSError:
            ended = False
        self.close_connection = True
        with self.server.lock:
            self.server.idle_seconds.append(time.monotonic() - began if ended else LONGEST_IDLE)

    def log_message(self, *_: object) -> None:
        """Says nothing."""
