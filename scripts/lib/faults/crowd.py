"""A crowd of connections, driven by one thread: as fast as they are answered, or at a rate that waits for none."""

import select
import socket
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

READ_SIZE = 1_048_576
# Requests that are sent before answers are looked for again, so that these are noticed when they come.
BURST = 128
LONGEST_LAG = 0.1
HEAD_END = b"\r\n\r\n"


def raw_request(method: str, path: str, token: str, body: str = "", extra: str = "") -> bytes:
    """A request as it goes over the wire."""
    head = f"{method} {path} HTTP/1.1\r\nHost: faults\r\nAuthorization: Bearer {token}\r\n{extra}"
    if body:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body.encode())}\r\n"
    return (head + "\r\n" + body).encode()


@dataclass
class Tally:
    """What came of it."""

    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    # Of each good answer: when it came, and how long after its request.
    good: list[tuple[float, float]] = field(default_factory=list)
    # Of each refusal: how long after its request it came.
    refused: list[float] = field(default_factory=list)
    broken: int = 0
    sent: int = 0
    # Refusals that say when to come again.
    advised: int = 0

    @property
    def goodput(self) -> float:
        """Good answers per second."""
        return len(self.good) / self.seconds

    @property
    def p99(self) -> float:
        """Of the good answers, in seconds."""
        return percentile([took for _, took in self.good], 0.99)

    def first_window(self, began: float, width: float, is_normal: Callable[["Tally"], bool]) -> float:
        """When, after it began, the first window of requests ended that were served as usual; infinite if none was.

        A request belongs to the window in which it was sent: what usually takes a while does so afterwards, too.
        """
        normal = [number for number, window in self._windows(began, width).items() if is_normal(window)]
        return (min(normal) + 1) * width if normal else float("inf")

    def p99s(self, width: float) -> list[float]:
        """Of the good answers in each window: what happens elsewhere on the machine spoils one of them, not all."""
        return [window.p99 for window in self._windows(0, width).values()]

    def _windows(self, began: float, width: float) -> dict[int, "Tally"]:
        windows: dict[int, Tally] = {}
        for at, took in self.good:
            windows.setdefault(int((at - took - began) / width), Tally(seconds=width)).good.append((at, took))
        return windows


def percentile(values: list[float], share: float) -> float:
    """The value that this share of them does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("inf")


class _Connection:
    __slots__ = ("began", "data", "is_advised", "is_waiting", "needed", "socket")

    def __init__(self, address: tuple[str, int]):
        self.socket = socket.create_connection(address, timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.data = b""
        self.needed = 0
        self.began = 0.0
        self.is_waiting = False
        self.is_advised = False

    def take(self, more: bytes) -> int | None:
        """Adds what came; the status when the answer is complete."""
        self.data = data = self.data + more if self.data else more
        if not self.needed:
            end = data.find(HEAD_END)
            if end < 0:
                return None
            self.needed = end + 4 + _content_length(data[:end])
            self.is_advised = b"\r\nretry-after: " in data[:end].lower()
        if len(data) < self.needed:
            return None
        status = int(data[9:12])
        self.data, self.needed = b"", 0
        return status


def _content_length(head: bytes) -> int:
    at = head.lower().find(b"content-length:")
    return int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0


class Crowd:
    """Connections to one server that stay open from one run to the next."""

    def __init__(self, url: str, connections: int, request: Callable[[], bytes]):
        where = urlsplit(url)
        self._address = (where.hostname or "127.0.0.1", where.port or 80)
        self._request = request
        self._connections: dict[int, _Connection] = {}
        self._free: deque[_Connection] = deque()
        self._epoll = select.epoll()
        for _ in range(connections):
            self._open()

    def _open(self) -> None:
        connection = _Connection(self._address)
        self._connections[connection.socket.fileno()] = connection
        self._epoll.register(connection.socket.fileno(), select.EPOLLIN)
        self._free.append(connection)

    def close(self) -> None:
        """Ends all connections."""
        for connection in self._connections.values():
            connection.socket.close()
        self._connections.clear()
        self._free.clear()
        self._epoll.close()

    def __enter__(self) -> "Crowd":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, seconds: float, rate: float | None = None, is_over: Callable[[], bool] = lambda: False) -> Tally:
        """Sends requests for so long, or until it is over. Answers that come later count for nothing."""
        tally = Tally()
        self._settle()
        began = time.monotonic()
        ends = began + seconds
        due = began
        while (now := time.monotonic()) < ends and not is_over():
            wait = ends - now
            if rate is None:
                while self._free:
                    self._send(self._free.popleft(), tally)
            else:
                for _ in range(BURST):
                    if due > now or not self._free:
                        break
                    due += 1 / rate
                    self._send(self._free.popleft(), tally)
                # What could not be sent in time, because no sender was free or this was too slow, is not sent later.
                if now - due > LONGEST_LAG:
                    due = now
                wait = min(wait, due - now) if self._free else wait
            self._receive(wait, tally)
        tally.seconds = time.monotonic() - began
        return tally

    def _settle(self) -> None:
        """Waits for the answers to what was sent before."""
        patience = time.monotonic() + 15
        while len(self._free) < len(self._connections) and time.monotonic() < patience:
            self._receive(0.1, Tally())

    def _send(self, connection: _Connection, tally: Tally) -> None:
        connection.began = time.monotonic()
        connection.is_waiting = True
        tally.sent += 1
        try:
            request = self._request()
            sent = connection.socket.send(request)
            if sent < len(request):
                # What does not fit into buffers holds up this crowd: a client that sends much has a crowd of its own.
                connection.socket.settimeout(30)
                connection.socket.sendall(memoryview(request)[sent:])
                connection.socket.setblocking(False)
        except OSError:
            self._lost(connection, tally)

    def _receive(self, wait: float, tally: Tally) -> None:
        for number, _ in self._epoll.poll(max(wait, 0)):
            connection = self._connections.get(number)
            if not connection:
                continue
            try:
                data = connection.socket.recv(READ_SIZE)
            except BlockingIOError:
                continue
            except OSError:
                data = b""
            if not data or not connection.is_waiting:
                self._lost(connection, tally)
                continue
            status = connection.take(data)
            if status is not None:
                self._answered(connection, status, tally)

    def _answered(self, connection: _Connection, status: int, tally: Tally) -> None:
        now = time.monotonic()
        tally.statuses[status] += 1
        if status < 300:
            tally.good.append((now, now - connection.began))
        else:
            tally.refused.append(now - connection.began)
            tally.advised += status == 503 and connection.is_advised
        connection.is_waiting = False
        self._free.append(connection)

    def _lost(self, connection: _Connection, tally: Tally) -> None:
        """Replaces a connection that broke, or that was closed because nothing was sent for a while, as it may be."""
        tally.broken += connection.is_waiting
        number = connection.socket.fileno()
        self._epoll.unregister(number)
        del self._connections[number]
        connection.socket.close()
        if not connection.is_waiting:
            self._free.remove(connection)
        self._open()
