"""More than the service can do, clients that dawdle, and a service that is to stop."""

import contextlib
import heapq
import json
import multiprocessing
import select
import signal
import socket
import statistics
import subprocess
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from service.answers import Json
from service.processes import Server

from .client import BROKEN, SETUP, Caller, setup_of, wait_for
from .crowd import Crowd, Tally, raw_request
from .figures import Figure, at_least, at_most, between, exactly, holds, rate, told, within
from .world import World

NORMAL = 64
# More than wait in any lane, so that some are refused.
CROWD = 2_048
TIMES = 10
# A request of which ten times as many as can be answered can be sent and refused in passing, on the same two
# processors.
COSTLY = 0.010
VALUES = 10_000
FIRST_TIME = datetime(2026, 1, 1, tzinfo=UTC)
WINDOW = 0.5

READERS = 8
DRIBBLERS = 500
HEAD_TIMEOUT, BODY_TIMEOUT = 5.0, 10.0
# What closing so many connections may take beyond that.
CLOSING = 1.0
# The framework's clock ticks each half second, so that a head may be given up as much too early.
TICK = 0.55
DRIBBLE_EVERY = 0.5

DRAIN = 2.0


def overload(world: World, kind: str) -> list[Figure]:
    """Costly requests: as many as 64 callers get, then ten times as many a second, then again as in the beginning."""
    seconds = 3 if world.is_short else 30
    server, made = world.serve_with_template(world.new_place(kind))
    values = _costly_page(world, server, made["job"]["id"])
    page = raw_request("GET", f"/api/v1/jobs/{made['job']['id']}/predictions?limit={values}", world.token)
    with Crowd(server.url, NORMAL, lambda: page) as calm:
        calm.run(1)
        normal = calm.run(min(seconds, 10))
        with Crowd(server.url, CROWD, lambda: page) as storm:
            much = storm.run(seconds, TIMES * normal.goodput)
        over = time.monotonic()
        again = later = calm.run(5)
        for _ in range(11):
            # What was left over takes its time on a busy machine.
            if later.good:
                break
            later = calm.run(5)

    def is_normal(window: Tally) -> bool:
        return window.goodput >= 0.8 * normal.goodput and window.p99 <= 2 * normal.p99

    refused = much.statuses[503]
    return [
        told(
            f"{NORMAL} callers get {normal.goodput:,.0f} pages of {values:,} values a second, "
            f"p99 {normal.p99 * 1000:.0f} ms"
        ),
        told(
            f"{much.sent / much.seconds / normal.goodput:.1f} times as many asked for over {seconds} s, "
            f"{refused:,} refused"
        ),
        rate(at_least("answered well, of what is normal", 100 * much.goodput / normal.goodput, 80, "%")),
        rate(at_most("p99 of those, times normal", much.p99 / normal.p99, 3)),
        exactly(
            "other answers than 200 and 503 with Retry-After", much.statuses.total() - len(much.good) - much.advised, 0
        ),
        holds("some of them were answered well", bool(much.good)),
        exactly("connections that broke", much.broken, 0),
        rate(at_most("normal again after", again.first_window(over, WINDOW, is_normal), 2, "s")),
        holds("and afterwards, too", bool(later.good)),
    ]


def _costly_page(world: World, server: Server, job: str) -> int:
    """Reports values of the job; how many of them make a page that is costly, but not more than that."""
    caller = world.caller(server)
    caller.ask("POST", f"/api/v1/jobs/{job}/runs", values_of("risk", VALUES)).expect(201)
    path = f"/api/v1/jobs/{job}/predictions?limit={VALUES // 10}"
    tenth = min(caller.ask("GET", path).seconds for _ in range(10))
    return max(100, min(VALUES, round(VALUES / 10 * COSTLY / tenth)))


def values_of(role: str, count: int) -> Json:
    """A report of so many values."""
    at = [(FIRST_TIME + timedelta(minutes=number)).isoformat() for number in range(count)]
    values = [{"role": role, "at": when, "value": number / 7} for number, when in enumerate(at)]
    # Issued now, since what is older than the source's retention is not shown.
    return {"status": "succeeded", "predictions": values}


@dataclass
class _Dribble:
    """A connection that sends a byte now and then."""

    socket: socket.socket
    is_head: bool
    began: float
    data: bytes = b""


def dribble(url: str, token: str, count: int) -> list[tuple[bool, float, bytes]]:
    """Holds so many requests whose heads do not end and as many whose bodies do not, until the server has closed each.

    Of each: whether it was a head, after how many seconds it was closed, and the beginning of what it was told.
    """
    where = urlsplit(url)
    head = raw_request("GET", "/api/v1/jobs", token)[:-2] + b"X-Slow: "
    body = raw_request("POST", SETUP, token, "{" + " " * 10_000)[:-10_000]
    poll = select.epoll()
    open_ones: dict[int, _Dribble] = {}
    due: list[tuple[float, int]] = []
    closed: list[tuple[bool, float, bytes]] = []
    for number in range(2 * count):
        is_head = number % 2 == 0
        # Spread, since slow clients do not act in step.
        time.sleep(DRIBBLE_EVERY / count / 2)
        connection = socket.create_connection((where.hostname, where.port), timeout=10)
        connection.setblocking(False)
        one = _Dribble(connection, is_head, time.monotonic())
        connection.send(head if is_head else body)
        poll.register(connection.fileno(), select.EPOLLIN)
        open_ones[connection.fileno()] = one
        heapq.heappush(due, (one.began + DRIBBLE_EVERY, connection.fileno()))
    ends = time.monotonic() + 3 * BODY_TIMEOUT
    while open_ones and time.monotonic() < ends:
        now = time.monotonic()
        while due and due[0][0] <= now:
            at, number = heapq.heappop(due)
            if number in open_ones:
                with contextlib.suppress(OSError):
                    open_ones[number].socket.send(b" ")
                heapq.heappush(due, (at + DRIBBLE_EVERY, number))
        for number, _ in poll.poll(max(0, due[0][0] - now) if due else 1):
            one = open_ones[number]
            try:
                more = one.socket.recv(4_096)
            except OSError:
                more = b""
            one.data += more
            # A client that was answered is told to go; the connection may take a moment longer to be closed.
            if not more or one.data:
                closed.append((one.is_head, time.monotonic() - one.began, one.data[:12]))
                poll.unregister(number)
                one.socket.close()
                del open_ones[number]
    closed += [(one.is_head, float("inf"), b"") for one in open_ones.values()]
    return closed


def slow_clients(world: World, kind: str) -> list[Figure]:
    """Many who dawdle, and some who only read a job."""
    count = DRIBBLERS // 5 if world.is_short else DRIBBLERS
    server, made = world.serve_with_template(world.new_place(kind))
    read = raw_request("GET", f"/api/v1/jobs/{made['job']['id']}", world.token)
    with Crowd(server.url, READERS, lambda: read) as reader, other_process() as process:
        reader.run(1)
        before = reader.run(4)
        dawdling = process.submit(dribble, server.url, world.token, count)
        during = reader.run(60, is_over=dawdling.done)
        after = reader.run(4)
        closed = dawdling.result()
    heads = [seconds for is_head, seconds, _ in closed if is_head]
    bodies = [seconds for is_head, seconds, _ in closed if not is_head]
    calm, beside = (statistics.median(p99s) for p99s in (before.p99s(1) + after.p99s(1), during.p99s(1)))
    told_so = sum(data.startswith(b"HTTP/1.1 408") for _, _, data in closed)
    return [
        between(
            f"{len(heads)} heads ended after", min(heads), max(heads), (HEAD_TIMEOUT - TICK, HEAD_TIMEOUT + CLOSING)
        ),
        between(f"{len(bodies)} bodies after", min(bodies), max(bodies), (BODY_TIMEOUT - TICK, BODY_TIMEOUT + CLOSING)),
        exactly("told 408", told_so, len(closed)),
        told(f"{READERS} readers' p99 {calm * 1000:.2f} ms without them, {beside * 1000:.2f} ms beside them"),
        rate(at_most("times", beside / calm, 2)),
        exactly("reads that failed", during.broken + sum(during.statuses.values()) - len(during.good), 0),
    ]


def other_process() -> ProcessPoolExecutor:
    """So that what one client does holds up the other no more than two programs would."""
    return ProcessPoolExecutor(1, multiprocessing.get_context("fork"))


class _Balancer:
    """Sends requests to the service while it says that it is ready, each on a new connection, as balancers do."""

    def __init__(self, url: str, token: str):
        self._url, self._token = url, token
        self.is_ready = True
        self._outcomes: list[bool] = []
        self.unready_at = 0.0
        self._done = threading.Event()
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._look, *[self._send] * 4)]

    @property
    def answered(self) -> int:
        """How many requests were answered well."""
        return self._outcomes.count(True)

    @property
    def failed(self) -> int:
        """How many were refused, broken, or answered otherwise."""
        return self._outcomes.count(False)

    def start(self) -> None:
        """Begins."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ends."""
        self._done.set()
        for thread in self._threads:
            thread.join(30)

    def _look(self) -> None:
        while not self._done.is_set() and self.is_ready:
            caller = Caller(self._url, None)
            try:
                self.is_ready = caller.ask("GET", "/health/ready").status == 200
            except BROKEN:
                # It went without a word.
                self.is_ready = False
                self._outcomes.append(False)
            caller.close()
            self._done.wait(0.05)
        self.unready_at = time.monotonic()

    def _send(self) -> None:
        while not self._done.is_set() and self.is_ready:
            caller = Caller(self._url, self._token)
            try:
                is_good = caller.ask("GET", "/api/v1/jobs?limit=1").status == 200
            except BROKEN:
                is_good = False
            caller.close()
            self._outcomes.append(is_good)


def drain(world: World, kind: str) -> list[Figure]:
    """Tells the service to stop while it has work, and while one request has only half arrived."""
    if "--drain-delay" not in subprocess.run([world.program, "serve", "--help"], capture_output=True, text=True).stdout:
        raise RuntimeError("this build of the service has no --drain-delay")
    server, made = world.serve_with_template(world.new_place(kind), f"--drain-delay={DRAIN:.0f}s")
    balancer = _Balancer(server.url, world.token)
    balancer.start()
    wait_for(lambda: balancer.answered >= 50, "requests before the end")
    server.process.send_signal(signal.SIGTERM)
    told_at = time.monotonic()
    wait_for(lambda: not balancer.is_ready, "the service says that it is not ready")
    half = _half_a_setup(server, world.token)
    served_until = _serves_until(server, made["job"]["id"], world.token)
    half.send(b" " * 10)
    answer = half.recv(65_536)
    code = server.process.wait(30)
    balancer.stop()
    served_for = served_until - told_at
    return [
        within("not ready after", balancer.unready_at - told_at, 0.5),
        exactly(f"of {balancer.answered:,} requests while it said ready, refused or broken", balancer.failed, 0),
        between("new requests are served for", served_for, served_for, (DRAIN - 0.1, DRAIN + 1)),
        exactly("a setup that was half there when it closed", answer[9:12].decode(), "201"),
        exactly("exit code", code, 0),
    ]


def _half_a_setup(server: Server, token: str) -> socket.socket:
    """A setup of which the last bytes are missing."""
    where = urlsplit(server.url)
    connection = socket.create_connection((where.hostname, where.port), timeout=30)
    body = json.dumps(setup_of("Half", 1)) + " " * 10
    connection.sendall(raw_request("POST", SETUP, token, body)[:-10])
    return connection


def _serves_until(server: Server, job: str, token: str) -> float:
    """Sends requests, each on a new connection, until one is refused; when the last one was answered."""
    last = 0.0
    while True:
        caller = Caller(server.url, token)
        try:
            caller.ask("GET", f"/api/v1/jobs/{job}").expect(200)
        except BROKEN:
            return last
        last = time.monotonic()
        caller.close()
