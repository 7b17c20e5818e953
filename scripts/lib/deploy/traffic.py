"""Clients that read and set up jobs all the time, and note each request that was not answered as it must be."""

import http.client
import itertools
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from faults.client import BROKEN, PATIENCE, SETUP, Answer, Caller, everything, setup_of
from faults.figures import Figure, exactly, holds, told
from service.answers import Json
from service.template import TEMPLATE

# Of each kind of client. A few, with a rest in between: what is asked is not how much the machine can do.
CLIENTS = 3
REST = 0.005


class TlsCaller(Caller):
    """A caller of a proxy that has a certificate."""

    def __init__(self, url: str, token: str | None, trust: ssl.SSLContext):
        super().__init__(url, token)
        self._connection = http.client.HTTPSConnection(urlsplit(url).netloc, timeout=PATIENCE, context=trust)

    def announce(self, method: str, path: str, length: int) -> Answer:
        """What is said to the head of a request whose body is so long, before any of it is sent."""
        began = time.monotonic()
        self._connection.putrequest(method, path)
        for name, value in (
            self._headers | {"Content-Type": "application/json", "Content-Length": str(length)}
        ).items():
            self._connection.putheader(name, value)
        self._connection.endheaders()
        response = self._connection.getresponse()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, headers, response.read(), began, time.monotonic())


@dataclass
class Door:
    """Where clients reach the service: a proxy, or a replica itself."""

    url: str
    token: str
    trust: ssl.SSLContext | None = None

    def caller(self) -> Caller:
        """A caller with a connection of its own."""
        return TlsCaller(self.url, self.token, self.trust) if self.trust else Caller(self.url, self.token)


@dataclass
class Traffic:
    """What was asked, and what came of it."""

    doors: list[Door]
    # What the names of its jobs begin with.
    prefix: str = "Traffic"
    answered: int = 0
    # The ids of the jobs that were acknowledged, by their names.
    jobs: dict[str, str] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._done = threading.Event()
        first = self.doors[0].caller().ask("POST", SETUP, TEMPLATE).expect(200, 201)
        self.jobs[first["job"]["name"]] = first["job"]["id"]
        self._first: str = first["job"]["id"]

    @contextmanager
    def flowing(self) -> Iterator[None]:
        """Clients meanwhile: readers that keep their connection, readers with a new one each time, and writers."""
        work = [self._read_on, self._read_anew, self._set_up] * CLIENTS
        threads = [threading.Thread(target=one, args=(self.doors[n % len(self.doors)],)) for n, one in enumerate(work)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._done.set()
            for thread in threads:
                thread.join(2 * PATIENCE)

    def _ask(self, caller: Caller, what: str, path: str, body: object = None) -> Json | None:
        time.sleep(REST)
        try:
            answer = caller.ask("POST" if body else "GET", path, body)
        except BROKEN as failure:
            self._note(f"{what}: {failure!r}")
            return None
        if answer.status not in (200, 201):
            self._note(f"{what}: {answer.status} {answer.body[:200]!r}")
            return None
        with self._lock:
            self.answered += 1
        return answer.json()

    def _note(self, failure: str) -> None:
        with self._lock:
            self.failures.append(failure)

    def _read_on(self, door: Door) -> None:
        caller = door.caller()
        while not self._done.is_set():
            self._ask(caller, "read", f"/api/v1/jobs/{self._first}")

    def _read_anew(self, door: Door) -> None:
        while not self._done.is_set():
            caller = door.caller()
            self._ask(caller, "read on a new connection", f"/api/v1/jobs/{self._first}")
            caller.close()

    def _set_up(self, door: Door) -> None:
        caller = door.caller()
        while not self._done.is_set():
            number = next(self._numbers)
            name = f"{self.prefix} {number}"
            made = self._ask(caller, "setup", SETUP, setup_of(name, number))
            if made:
                with self._lock:
                    self.jobs[name] = made["job"]["id"]

    def figures(self) -> list[Figure]:
        """The verdict: every request was answered well, and every job that was acknowledged is there, once."""
        stored: dict[str, list[str]] = {}
        for job in everything(self.doors[0].caller(), "/api/v1/jobs"):
            if job["name"] in self.jobs or job["name"].startswith(f"{self.prefix} "):
                stored.setdefault(job["name"], []).append(job["id"])
        lost = sum(stored.get(name) != [identity] for name, identity in self.jobs.items())
        examples = f", for example {'; '.join(self.failures[:3])}" if self.failures else ""
        return [
            told(f"{self.answered:,} reads and setups answered"),
            exactly(f"refused or broken{examples}", len(self.failures), 0),
            exactly(f"of {len(self.jobs):,} jobs that were acknowledged, lost or doubled", lost, 0),
            exactly("jobs that nobody was told of", len(stored) - len(self.jobs), 0),
            holds("there was traffic", self.answered > 0),
        ]
