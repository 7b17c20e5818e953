"""Clients that ask for much and do not read it."""

import contextlib
import select
import signal
import socket
import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlsplit

from service.processes import Server

from .crowd import Crowd, raw_request
from .figures import Figure, at_most, between, exactly, holds, rate, told, within
from .load import READERS, VALUES, other_process, values_of
from .world import World

STATIC = "/docs/swagger-ui-bundle.js"
STALLED, FEW_STALLED = 300, 60
# Fewer than there can be of one tenant.
STREAMS = 24
# The service looks each second whether a client has read enough in ten.
WINDOW, LOOK = 10.0, 1.0
# What closing so many connections may take beyond that.
CLOSING = 2.0
DRIBBLE_EVERY = 0.5
MEMORY = 200.0
# Bytes a second of a client that reads all the time.
PACE = 40_000
# Small, so that little is taken before a client stalls.
RECEIVE_BUFFER = 4_096


@dataclass
class Reader:
    """A connection whose answer is not read, or a byte now and then."""

    socket: socket.socket
    kind: str
    began: float
    status: bytes = b""
    seconds: float = float("inf")


def _ask(url: str, request: bytes, kind: str) -> Reader:
    where = urlsplit(url)
    connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    connection.settimeout(10)
    connection.connect((where.hostname, where.port))
    connection.sendall(request)
    connection.setblocking(False)
    return Reader(connection, kind, time.monotonic())


def _requests(token: str, job: str, count: int) -> list[tuple[str, bytes]]:
    """A file without a token, and values with one; of each, some are read a byte at a time."""
    file = f"GET {STATIC} HTTP/1.1\r\nHost: faults\r\nConnection: close\r\n\r\n".encode()
    extra = "Accept: text/csv\r\nConnection: close\r\n"
    values = raw_request("GET", f"/api/v1/jobs/{job}/predictions", token, extra=extra)
    return [
        *[("file", file)] * (count // 2),
        *[("dribbled file", file)] * (count // 2),
        *[("values", values)] * (STREAMS // 2),
        *[("dribbled values", values)] * (STREAMS // 2),
    ]


def stall(url: str, requests: list[tuple[str, bytes]]) -> list[tuple[str, bytes, float]]:
    """Asks for all of it, and reads nothing or next to nothing until the server has ended each connection.

    Of each: its kind, the beginning of what was told, and after how many seconds it ended.
    """
    poll, readers = select.epoll(), {}
    for kind, request in requests:
        reader = _ask(url, request, kind)
        readers[reader.socket.fileno()] = reader
        # That the connection was reset is told in any case; the other is for clients that were refused.
        poll.register(reader.socket.fileno(), select.EPOLLRDHUP)
    ended, ends = [], time.monotonic() + 60
    while readers and time.monotonic() < ends:
        for number, _ in poll.poll(DRIBBLE_EVERY):
            reader = readers.pop(number)
            _read(reader, 12 - len(reader.status))
            reader.seconds = time.monotonic() - reader.began
            poll.unregister(number)
            ended.append(reader)
        for reader in readers.values():
            if len(reader.status) < 12 or reader.kind.startswith("dribbled"):
                _read(reader, max(1, 12 - len(reader.status)))
    ended += readers.values()
    for reader in ended:
        reader.socket.close()
    return [(reader.kind, reader.status[:12], reader.seconds) for reader in ended]


def _read(reader: Reader, count: int) -> None:
    with contextlib.suppress(OSError):
        reader.status += reader.socket.recv(count) if count > 0 else b""


class Watch:
    """The most memory that a server has, in MiB."""

    def __init__(self, server: Server):
        self._server, self.most = server, 0.0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join(10)

    def _look(self) -> None:
        while not self._done.wait(0.05):
            self.most = max(self.most, self._server.memory_mib())


def slow_readers(world: World, kind: str) -> list[Figure]:
    """Many who do not read, beside some who do; and an end of the service that does not wait for them."""
    count = FEW_STALLED if world.is_short else STALLED
    server, made = world.serve_with_template(world.new_place(kind))
    job = made["job"]["id"]
    for _ in range(2 if world.is_short else 10):
        world.caller(server).ask("POST", f"/api/v1/jobs/{job}/runs", values_of("risk", VALUES)).expect(201)
    requests = _requests(world.token, job, count)
    read = raw_request("GET", f"/api/v1/jobs/{job}", world.token)
    with Crowd(server.url, READERS, lambda: read) as reader, other_process() as process, Watch(server) as watch:
        reader.run(1)
        quiet = server.memory_mib()
        before = reader.run(3)
        stalling = process.submit(stall, server.url, requests)
        during = reader.run(90, is_over=stalling.done)
        ended = stalling.result()
    # Values need the database, which a busy machine may not have done with in time. Who is refused has nothing to read.
    refused = [status for _, status, _ in ended if status.endswith(b"503")]
    seconds = [took for _, status, took in ended if not status.endswith(b"503")]
    calm, beside = (statistics.median(p99s) for p99s in (before.p99s(1), during.p99s(1)))
    again = sum(status.endswith(b"200") for _, status, _ in ended)
    return [
        between(
            f"{len(seconds)} who do not read are left after",
            min(seconds),
            max(seconds),
            (WINDOW - LOOK, WINDOW + 2 * LOOK + CLOSING),
        ),
        exactly("of them had been answered 200", again, len(seconds)),
        rate(exactly("others were refused", len(refused), 0)),
        holds("files were answered", all(status.endswith(b"200") for kind, status, _ in ended if "file" in kind)),
        at_most(f"memory, {quiet:.0f} MiB before, beside them", watch.most, MEMORY, "MiB"),
        told(f"{READERS} readers' p99 {calm * 1000:.2f} ms without them, {beside * 1000:.2f} ms beside them"),
        rate(at_most("times", beside / calm, 2)),
        exactly("reads that failed", during.broken + sum(during.statuses.values()) - len(during.good), 0),
        *_end(server, requests),
    ]


def _read_on(url: str) -> tuple[int, int]:
    """Reads a document at a steady pace until it ends: how many bytes of how many came."""
    where = urlsplit(url)
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        connection.settimeout(30)
        connection.connect((where.hostname, where.port))
        connection.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: faults\r\nConnection: close\r\n\r\n")
        answer, began = b"", time.monotonic()
        while True:
            # What is late is caught up with.
            time.sleep(max(0.0, began + len(answer) / PACE - time.monotonic()))
            try:
                part = connection.recv(4_096)
            except OSError:
                break
            if not part:
                break
            answer += part
    head, _, body = answer.partition(b"\r\n\r\n")
    length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    return len(body), int(length.removeprefix(b"content-length:"))


def _end(server: Server, requests: list[tuple[str, bytes]]) -> list[Figure]:
    """Stops the server while many do not read, and one reads all the time."""
    stalled = [_ask(server.url, request, kind) for kind, request in requests]
    with ThreadPoolExecutor(1) as threads:
        reading = threads.submit(_read_on, server.url)
        time.sleep(1)
        server.process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        code = server.process.wait(60)
        took = time.monotonic() - began
        came, length = reading.result()
    for reader in stalled:
        reader.socket.close()
    return [
        within(f"the end of the service beside {len(stalled)} of them takes", took, length / PACE + 2 * LOOK + CLOSING),
        exactly("exit code", code, 0),
        exactly("a client that read all the time lacks", length - came, 0),
    ]
