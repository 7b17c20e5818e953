"""PostgreSQL that goes away for a while, does not answer, or has no connection to give."""

import re
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from service.answers import Json
from service.processes import Server

from .client import BROKEN, PATIENCE, SETUP, Answer, Caller, at_once, busy, setup_of, wait_for
from .clusters import take_every_place
from .figures import Figure, exactly, holds, told, within
from .world import POSTGRES, Place, World

# The deadlines of the service (docs/operations.md).
DEADLINE, SETUP_DEADLINE, READY_DEADLINE = 5.0, 10.0, 2.0
POOL_WAIT, LOCK_WAIT = 1.0, 2.0
# What an answer at the deadline needs to get here, on a machine where client, service and database share two
# processors.
WAY = 0.25
# Between two requests of one who watches.
PAUSE = 0.01
TRIES = 10


@dataclass(frozen=True)
class Seen:
    """An answer; status 0 is a connection that broke."""

    kind: str
    status: int
    began: float
    ended: float

    @property
    def is_good(self) -> bool:
        """Whether it is what was asked for."""
        return self.status in (200, 201)


@dataclass
class Watch:
    """Asks for one of each kind, over and over, and notes what happens."""

    url: str
    token: str
    job: str
    source: str
    seen: list[Seen] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _count: int = 0

    KINDS = ("READ", "LIST", "SETUP", "CHANGE")
    HEALTH = ("ready", "live")

    @contextmanager
    def watching(self) -> Iterator[None]:
        """In the meantime, two callers for each kind of request, and one for each kind of health."""
        kinds = [*self.KINDS * 2, *self.HEALTH]
        callers = [Caller(self.url, self.token) for _ in kinds]

        def ask(number: int) -> None:
            self._ask(callers[number], kinds[number])
            time.sleep(PAUSE)

        with busy(len(kinds), ask):
            yield

    def _ask(self, caller: Caller, kind: str) -> None:
        began = time.monotonic()
        try:
            status = caller.ask(*self.request(kind)).status
        except BROKEN:
            status = 0
        self.seen.append(Seen(kind, status, began, time.monotonic()))

    def request(self, kind: str) -> tuple[str, str, Json | None]:
        """What is asked for; never the same setup or change twice."""
        with self._lock:
            self._count += 1
            number = self._count
        return {
            "READ": ("GET", f"/api/v1/jobs/{self.job}", None),
            "LIST": ("GET", "/api/v1/jobs?limit=20", None),
            "SETUP": ("POST", SETUP, setup_of(f"Watch {number}", number)),
            "CHANGE": ("PUT", f"/api/v1/sources/{self.source}", {"description": f"change {number}"}),
            "ready": ("GET", "/health/ready", None),
            "live": ("GET", "/health/live", None),
        }[kind]

    def of(self, kind: str) -> list[Seen]:
        """What was seen of a kind."""
        return [seen for seen in list(self.seen) if seen.kind == kind]

    def wait_for_failures(self, since: float, kinds: tuple[str, ...]) -> None:
        """Waits until a request of each kind has failed that was sent since then."""

        def failed(kind: str) -> bool:
            return any(not seen.is_good and seen.began >= since for seen in self.of(kind))

        wait_for(lambda: all(failed(kind) for kind in kinds), "a failure of each kind of request")

    def wait_for_successes(self, since: float, kinds: tuple[str, ...]) -> float:
        """Waits until a request of each kind was answered well; how long that took since then for the last of them."""

        def firsts(kind: str) -> list[float]:
            return [seen.ended for seen in self.of(kind) if seen.is_good and seen.ended > since]

        wait_for(lambda: all(firsts(kind) for kind in kinds), "a success of each kind of request")
        return max(min(firsts(kind)) for kind in kinds) - since


def _watch(world: World, server: Server, made: Json) -> Watch:
    return Watch(server.url, world.token, made["job"]["id"], made["source"]["id"])


def _restart(how: signal.Signals) -> Callable[[World, str], list[Figure]]:
    def case(world: World, kind: str) -> list[Figure]:
        server, made = world.serve_with_template(world.new_place(kind))
        watch = _watch(world, server, made)
        with watch.watching():
            watch.wait_for_successes(0, watch.KINDS)
            world.cluster.shut_down(how)
            down = time.monotonic()
            for _ in range(1 if world.is_short else 5):
                # Long enough that the service has been refused some times.
                watch.wait_for_failures(time.monotonic(), watch.KINDS)
            away = time.monotonic() - down
            returned = world.cluster.start()
            took = watch.wait_for_successes(returned, (*watch.KINDS, "ready"))
        return [
            told(f"away for {away:.1f} s"),
            within("READ, LIST, SETUP, CHANGE and ready all answered well after its return within", took, 1),
            exactly("connections that broke", sum(seen.status == 0 for seen in watch.seen), 0),
            holds("the process is the same", server.process.poll() is None),
        ]

    return case


restart_fast = _restart(signal.SIGINT)
restart_immediate = _restart(signal.SIGQUIT)


def frozen(world: World, kind: str) -> list[Figure]:
    """Stops every process of PostgreSQL where it is: connections stay, and are not answered."""
    server, made = world.serve_with_template(world.new_place(kind))
    watch = _watch(world, server, made)
    with watch.watching():
        watch.wait_for_successes(0, (*watch.KINDS, *watch.HEALTH))
        world.cluster.freeze()
        since = time.monotonic()
        try:
            for _ in range(1 if world.is_short else 2):
                watch.wait_for_failures(time.monotonic(), (*watch.KINDS, "ready"))
        finally:
            world.cluster.thaw()
        thawed = time.monotonic()
        first = watch.wait_for_successes(thawed, (*watch.KINDS, "ready"))
        # What was sent while it was frozen has to be over, too, before "normal" can be said.
        wait_for(lambda: time.monotonic() > thawed + 2, "two more seconds")

    def longest(*kinds: str) -> float:
        return max(seen.ended - seen.began for kind in kinds for seen in watch.of(kind) if seen.ended > since)

    failures = [seen for seen in watch.seen if not seen.is_good and seen.ended > thawed]
    last = max((seen.ended for seen in failures), default=thawed) - thawed
    unready = min(seen.ended for seen in watch.of("ready") if not seen.is_good) - since
    broken = sum(seen.status not in (200, 201, 503) for seen in watch.seen)
    return [
        told(f"frozen for {thawed - since:.1f} s"),
        within("longest READ, LIST or CHANGE", longest("READ", "LIST", "CHANGE"), DEADLINE + WAY),
        within("longest SETUP", longest("SETUP"), SETUP_DEADLINE + WAY),
        within("not ready after", unready, READY_DEADLINE + WAY),
        exactly("not live", sum(not seen.is_good for seen in watch.of("live")), 0),
        within("longest live", longest("live"), WAY),
        exactly("other answers than 2xx and 503", broken, 0),
        within("after the thaw, the first success of each kind within", first, 1),
        within("the last 503 within", last, 1),
    ]


def no_connection(world: World, kind: str) -> list[Figure]:
    """Other sessions have taken every connection that PostgreSQL admits, and those of the service were ended."""
    server, made = world.serve_with_template(world.new_place(kind))
    watch = _watch(world, server, made)
    cluster = world.cluster
    held, began = [], time.monotonic()
    try:
        ours = "FROM pg_stat_activity WHERE application_name = 'prediction-api'"
        admin = cluster.session()
        held.append(admin)
        # The quicker client gets a place that comes free, so until the service has none.
        while admin.value(f"SELECT count(pg_terminate_backend(pid, 5000)) {ours}") != "0" or not held[1:]:
            held += take_every_place(cluster.port)
            if time.monotonic() - began > PATIENCE:
                raise RuntimeError("the service kept a connection")
        # The service notices that its connections are dead.
        _each_once(watch)
        alone = _each_once(watch)
        together = _each_at_once(watch, 16)
    finally:
        for session in held:
            session.close()
    refusals = [*alone, *together]
    recovered = time.monotonic()
    with watch.watching():
        back = watch.wait_for_successes(recovered, (*watch.KINDS, "ready"))
    return [
        within("one request at a time: 503 after", max(answer.seconds for answer in alone), POOL_WAIT + 0.05),
        exactly("other answers than 503 with Retry-After", sum(not is_refusal(answer) for answer in refusals), 0),
        within(f"{len(together)} at once: the last after", max(answer.seconds for answer in together), DEADLINE + WAY),
        within("normal again after", back, 1),
    ]


def pool_exhausted(world: World, kind: str) -> list[Figure]:
    """The service's only connection, or SQLite's only one that writes, waits for a lock that another session holds."""
    place = world.new_place(kind)
    server, made = world.serve_with_template(place, *(["--database-connections=1"] if kind == POSTGRES else []))
    caller, other = world.caller(server), world.caller(server)
    change = ("PUT", f"/api/v1/sources/{made['source']['id']}", {"description": "changed"})
    writes: list[Answer] = []
    is_proved = False
    # Jobs are counted for the metrics now and then; not while the table is locked.
    _busy_connections(caller)
    with _locked(world, place):
        # Where this is slow, the request that holds the connection may have given up before the other one was refused:
        # then once more.
        while not is_proved and len(writes) < TRIES:
            writer = threading.Thread(
                target=lambda: writes.append(other.ask("POST", SETUP, setup_of("Waits", 1))), daemon=True
            )
            writer.start()
            wait_for(
                partial(_has_begun_to_wait, writer, world, place, caller),
                "a setup that waits for the lock",
            )
            refused = caller.ask(*change)
            is_proved = writer.is_alive()
            writer.join()
    since = time.monotonic()
    back = wait_for(lambda: caller.ask(*change).status == 200, "a free connection") - since
    return [
        within("the only connection is busy: 503 after", refused.seconds, POOL_WAIT + 0.05),
        within("who holds it waits for a lock: 503 after", writes[-1].seconds, LOCK_WAIT + WAY),
        exactly(
            "other answers than 503 with Retry-After", sum(not is_refusal(answer) for answer in (refused, *writes)), 0
        ),
        within("normal again after", back, 1),
    ]


def _has_begun_to_wait(writer: threading.Thread, world: World, place: Place, caller: Caller) -> bool:
    """Whether a setup waits for a lock, or is over already."""
    return not writer.is_alive() or _is_waiting(world, place, caller)


@contextmanager
def _locked(world: World, place: Place) -> Iterator[None]:
    """In the meantime no other session can write jobs."""
    if place.url.startswith("sqlite:"):
        connection = sqlite3.connect(place.path, isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            connection.close()
        return
    with world.cluster.session(place.name) as session:
        session.rows("BEGIN; LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE")
        yield


def _is_waiting(world: World, place: Place, caller: Caller) -> bool:
    """Whether a connection of the service waits for a lock. SQLite does not tell; but nothing else keeps it busy."""
    if place.url.startswith("sqlite:"):
        return all(_busy_connections(caller) for _ in range(20))
    waiting = "application_name = 'prediction-api' AND wait_event_type = 'Lock'"
    return place.query(world.cluster, f"SELECT count(*) FROM pg_stat_activity WHERE {waiting}") == [("1",)]


def _busy_connections(caller: Caller) -> int:
    text = caller.ask("GET", "/metrics").body.decode()
    found = re.search(r'^prediction_database_connections\{state="busy"\} (\d+)', text, re.MULTILINE)
    if found is None:
        raise RuntimeError("the metrics do not tell the busy connections")
    return int(found[1])


def is_refusal(answer: Answer) -> bool:
    """Whether it says that the service cannot answer now, and when to ask again."""
    return answer.status == 503 and answer.headers.get("retry-after", "").isdigit()


def _each_once(watch: Watch) -> list[Answer]:
    """One request of each kind, one after the other."""
    caller = Caller(watch.url, watch.token)
    return [caller.ask(*watch.request(kind)) for kind in watch.KINDS]


def _each_at_once(watch: Watch, count: int) -> list[Answer]:
    """So many of each kind, all at the same time."""
    requests = [watch.request(kind) for kind in watch.KINDS * count]
    return at_once(watch.url, watch.token, requests)
