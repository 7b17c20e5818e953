"""A pooler between the service and PostgreSQL, which gives each transaction, or each session, any connection."""

import itertools
import random
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from service.answers import Json
from service.processes import Server, mint
from service.template import ORGANISATIONS, TEMPLATE, VERSION

from .client import BROKEN, SETUP, Answer, Caller, everything, inputs
from .figures import Figure, exactly, holds, told
from .pgbouncer import Pooler
from .starts import REPLICAS
from .world import Place, World

CLIENTS = 8
FIRST_HOUR = datetime(2027, 1, 1, tzinfo=UTC)
# Fewer connections than clients, so that all use each; in session mode a client keeps the one that it has.
SIZES = {"session": 40, "transaction": 3, "statement": 3}
LONGEST_LOCK = 10.0
# What a session of ours sets for itself, and no other client may find set.
SETTINGS = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "default_transaction_isolation")


def session_mode(world: World, _kind: str) -> list[Figure]:
    """A pooler that gives a session a connection of its own until it ends."""
    return _right_answers(world, "session")


def transaction_mode(world: World, _kind: str) -> list[Figure]:
    """A pooler that gives each transaction another connection."""
    return _right_answers(world, "transaction")


def statement_mode(world: World, _kind: str) -> list[Figure]:
    """A pooler that knows no transactions: nothing can be done through it, and so the service does not start."""
    place = _new_database(world)
    world.serve(place.url).stop()
    pooler = world.new_pooler(world.cluster, "statement", SIZES["statement"])
    figures = []
    for options in ((), ("--no-migrate",)):
        command, environment = world.command(pooler.url(place.name), *options)
        name = " ".join(["serve", *options])
        try:
            ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30)
        except subprocess.TimeoutExpired:
            figures.append(holds(f"{name} ends", False))
            continue
        complaint = ended.stderr.strip()
        figures += [
            exactly(f"{name}: exit code", ended.returncode, 1),
            exactly("lines of complaint", len(complaint.splitlines()), 1),
            holds("which is about pooling", "pool" in complaint),
        ]
    return figures


def _right_answers(world: World, mode: str) -> list[Figure]:
    """Two replicas through a pooler, on a schema that was migrated beside it, and then replicas that migrate through
    it, all at once.
    """
    seconds = 1.5 if world.is_short else 4
    pooler = world.new_pooler(world.cluster, mode, SIZES[mode])
    beside = _new_database(world)
    world.serve(beside.url).stop()
    through = _new_database(world)

    def start(place: Place, *options: str) -> Server:
        return world.serve(pooler.url(place.name), *options)

    with ThreadPoolExecutor(REPLICAS) as threads:
        ready_made = list(threads.map(lambda _: start(beside, "--no-migrate"), range(2)))
        first = _Clients(world, ready_made).work(seconds)
        for server in ready_made:
            server.stop()
        migrating = list(threads.map(lambda _: start(through), range(REPLICAS)))
    second = _Clients(world, migrating).work(seconds)
    left = _locks_left(world)
    left_over = 0 if mode == "session" else _settings_left(pooler, through)
    return [
        *first.figures("migrated beside it"),
        exactly(
            "replicas that migrate through it and come up",
            sum(one.process.poll() is None for one in migrating),
            REPLICAS,
        ),
        exactly("advisory locks left", left, 0),
        exactly("settings left for others", left_over, 0),
        *second.figures("migrated through it"),
    ]


def _new_database(world: World) -> Place:
    return world.new_place("PostgreSQL")


def _locks_left(world: World) -> int:
    """How many advisory locks are held for longer than any client needs one."""
    ends = time.monotonic() + LONGEST_LOCK
    with world.cluster.session() as session:
        while (
            left := int(session.value("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") or 0)
        ) and time.monotonic() < ends:
            time.sleep(0.1)
    return left


def _settings_left(pooler: Pooler, place: Place) -> int:
    """How many settings another client finds on the pooler's connections, each of which is held until all are seen."""
    names = ", ".join(f"'{name}'" for name in SETTINGS)
    sessions, found = [], 0
    try:
        for _ in range(SIZES["transaction"]):
            sessions.append(pooler.session(place.name))
            sessions[-1].rows("BEGIN")
            found += int(
                sessions[-1].value(f"SELECT count(*) FROM pg_settings WHERE source = 'session' AND name IN ({names})")
                or 0
            )
    finally:
        for session in sessions:
            session.close()
    return found


class _Client:
    """A caller with an organisation of its own, who knows everything that there has to be in it."""

    def __init__(self, servers: list[Server], token: str, number: int, notes: "_Clients"):
        self._callers = itertools.cycle([Caller(server.url, token) for server in servers])
        self._organisation = ORGANISATIONS[number + 1]
        self._number = number
        self._notes = notes
        self._count = itertools.count()
        self._random = random.Random(number)
        self._jobs: dict[str, Json] = {}

    def step(self) -> None:
        """Asks for something, and compares what comes with what is right."""
        doing = self._random.choice((self._set_up, self._read, self._read, self._list, self._report, self._rename))
        if not self._jobs:
            doing = self._set_up
        try:
            doing(next(self._callers))
        except BROKEN as failure:
            self._notes.wrong(f"broken: {failure!r}")

    def _check(
        self, what: str, answer: Answer, status: int, found: Callable[[Json], object], right: object
    ) -> Json | None:
        if answer.status != status:
            self._notes.wrong(f"{what}: {answer.status} {answer.body[:200]!r}", is_5xx=answer.status >= 500)
            return None
        body = answer.json()
        if found(body) != right:
            self._notes.wrong(f"{what}: {str(found(body))[:200]} instead of {str(right)[:200]}")
            return None
        self._notes.right()
        return body

    def _set_up(self, caller: Caller) -> None:
        number = next(self._count)
        name = f"Client {self._number}, job {number}"
        bound = inputs(1_000 * (self._number + 1) + number)
        body = {
            "organisation_id": self._organisation,
            "job": {"name": name, "source_version_id": VERSION},
            "role_bindings": bound,
        }
        answer = caller.ask("POST", SETUP, body)
        made = self._check("SETUP", answer, 201, lambda body: body["job"]["name"], name)
        if made:
            self._jobs[made["job"]["id"]] = made["job"]
        elif answer.status in (200, 201):
            raise RuntimeError(f"a setup made another job: {answer.body[:300]!r}")

    def _some(self) -> str:
        return self._random.choice(list(self._jobs))

    def _read(self, caller: Caller) -> None:
        job = self._some()
        self._check("READ", caller.ask("GET", f"/api/v1/jobs/{job}"), 200, _lasting, _lasting(self._jobs[job]))

    def _list(self, caller: Caller) -> None:
        try:
            found = {job["id"]: job["name"] for job in everything(caller, "/api/v1/jobs")}
        except RuntimeError as failure:
            self._notes.wrong(f"LIST: {failure}", is_5xx="was 5" in str(failure))
            return
        right = {job: body["name"] for job, body in self._jobs.items()}
        if found != right:
            self._notes.wrong(
                f"LIST: {len(found)} jobs, "
                f"of which {len(found.keys() & right.keys())} of the {len(right)} that there are"
            )
        else:
            self._notes.right()

    def _report(self, caller: Caller) -> None:
        job, now = self._some(), datetime.now(UTC)
        values = [self._random.random() for _ in range(5)]
        # Times that no other report has values for.
        first = FIRST_HOUR + timedelta(hours=5 * next(self._count))
        at = [f"{first + timedelta(hours=hour):%Y-%m-%dT%H:%M:%SZ}" for hour in range(5)]
        told_so = [{"role": "risk", "at": when, "value": value} for when, value in zip(at, values, strict=True)]
        body = {"issued_at": now.isoformat(), "status": "succeeded", "predictions": told_so}
        answer = caller.ask("POST", f"/api/v1/jobs/{job}/runs", body)
        if self._check("REPORT", answer, 201, lambda body: body["job_id"], job):
            read = caller.ask("GET", f"/api/v1/jobs/{job}/predictions?from={at[0]}&limit=5")
            self._check("PREDICTIONS", read, 200, lambda body: [item["value"] for item in body["items"]], values)

    def _rename(self, caller: Caller) -> None:
        job, name = self._some(), f"Client {self._number}, renamed {next(self._count)}"
        answer = caller.ask("PUT", f"/api/v1/jobs/{job}", {"name": name})
        changed = self._check("CHANGE", answer, 200, lambda body: (body["id"], body["name"]), (job, name))
        if changed:
            self._jobs[job] = changed


def _lasting(job: Json) -> Json:
    """What of a job does not change by itself."""
    return {name: value for name, value in job.items() if name != "health"}


class _Clients:
    """Some clients at the same time, and what they were told."""

    def __init__(self, world: World, servers: list[Server]):
        self._lock = threading.Lock()
        self._right = self._wrong = self._failed = 0
        self._examples: list[str] = []
        world.caller(servers[0]).ask("POST", SETUP, TEMPLATE).expect(200, 201)
        data = world.folder / "data"
        tokens = [mint(world.program, data, [ORGANISATIONS[number + 1]]) for number in range(CLIENTS)]
        self._clients = [_Client(servers, token, number, self) for number, token in enumerate(tokens)]

    def right(self) -> None:
        """An answer was as it has to be."""
        with self._lock:
            self._right += 1

    def wrong(self, what: str, is_5xx: bool = False) -> None:
        """An answer was another one."""
        with self._lock:
            if is_5xx:
                self._failed += 1
            else:
                self._wrong += 1
            if len(self._examples) < 3:
                self._examples.append(what)

    def work(self, seconds: float) -> "_Clients":
        """Lets them ask for so long."""
        ends = time.monotonic() + seconds

        def go_on(client: _Client) -> None:
            while time.monotonic() < ends:
                client.step()

        with ThreadPoolExecutor(CLIENTS) as threads:
            list(threads.map(go_on, self._clients))
        return self

    def figures(self, how: str) -> list[Figure]:
        """The verdict."""
        seen = f", for example {'; '.join(self._examples)}" if self._examples else ""
        return [
            told(f"{how}, {CLIENTS} clients got {self._right:,} right answers"),
            exactly(f"wrong ones{seen if self._wrong else ''}", self._wrong, 0),
            exactly(f"5xx{seen if self._failed else ''}", self._failed, 0),
            holds("each client got some", self._right >= CLIENTS),
        ]
