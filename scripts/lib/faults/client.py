"""Callers of the service, and what they were told."""

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from service.answers import Json
from service.template import ORGANISATIONS, TEMPLATE, VERSION

# Longer than any deadline of the service: what takes this long is a hang.
PATIENCE = 30.0
SETUP = "/api/v1/jobs/setup"
BROKEN = (OSError, http.client.HTTPException)
# What is asked: the method and the path, then a body and headers if there are any.
Request = tuple[str, str] | tuple[str, str, object] | tuple[str, str, object, dict[str, str]]


@dataclass(frozen=True)
class Answer:
    """What the service said, and when. Times are those of `time.monotonic`."""

    status: int
    headers: dict[str, str]
    body: bytes
    began: float
    ended: float

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.ended - self.began

    def json(self) -> Json:
        """The body."""
        body: Json = json.loads(self.body)
        return body

    def expect(self, *statuses: int) -> Json:
        """The body, if it is one of these answers."""
        if self.status not in statuses:
            raise RuntimeError(f"the answer was {self.status}, not {statuses}: {self.body[:500]!r}")
        return self.json()


class Caller:
    """One connection that is kept for the next request, as client libraries do."""

    def __init__(self, url: str, token: str | None):
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE)
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def ask(self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None) -> Answer:
        """Sends one request. What breaks the connection is raised, and the next request gets a new one."""
        sent = self._headers | (headers or {})
        data = None
        if body is not None:
            data, sent = json.dumps(body).encode(), sent | {"Content-Type": "application/json"}
        began = time.monotonic()
        try:
            self._connection.request(method, path, data, sent)
            response = self._connection.getresponse()
            content = response.read()
        except BROKEN:
            self.close()
            raise
        found = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, found, content, began, time.monotonic())

    def close(self) -> None:
        """Ends the connection."""
        self._connection.close()


@contextmanager
def busy(count: int, work: Callable[[int], None]) -> Iterator[None]:
    """Threads that do this over and over meanwhile, each with its number. What one raises is raised at the end."""
    done, failures = threading.Event(), []

    def go_on(number: int) -> None:
        try:
            while not done.is_set():
                work(number)
        except Exception as failure:  # noqa: BLE001, it is raised below
            failures.append(failure)

    threads = [threading.Thread(target=go_on, args=(number,), daemon=True) for number in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        done.set()
        for thread in threads:
            thread.join(2 * PATIENCE)
    if failures:
        raise failures[0]


def at_once(url: str, token: str, requests: Sequence[Request]) -> list[Answer]:
    """Sends all of them at the same time, each on a connection of its own that is there before."""
    start = threading.Barrier(len(requests))

    def send(request: Request) -> Answer:
        caller = Caller(url, token)
        caller.ask("GET", "/health/live").expect(200)
        start.wait(PATIENCE)
        try:
            return caller.ask(*request)
        finally:
            caller.close()

    with ThreadPoolExecutor(len(requests)) as threads:
        return list(threads.map(send, requests))


def wait_for(condition: Callable[[], object], what: str, patience: float = PATIENCE) -> float:
    """Waits until something is so; gives the time at which it was."""
    ends = time.monotonic() + patience
    while not condition():
        if time.monotonic() > ends:
            raise RuntimeError(f"it did not come to this within {patience:.0f} s: {what}")
        time.sleep(0.002)
    return time.monotonic()


def inputs(number: int) -> list[Json]:
    """Bindings of the roles of the template; no two numbers share an input."""
    return [
        {"role": binding["role"], "input_id": f"01990000-0000-7000-8000-{number * 10 + place:012}"}
        for place, binding in enumerate(TEMPLATE["role_bindings"])
    ]


def setup_of(name: str, number: int) -> Json:
    """The setup of a job of the template's version."""
    return {
        "organisation_id": ORGANISATIONS[number % len(ORGANISATIONS)],
        "job": {"name": name, "source_version_id": VERSION},
        "role_bindings": inputs(number),
    }


def everything(caller: Caller, path: str) -> list[Json]:
    """All items of a list, page by page."""
    found, cursor = [], ""
    while True:
        page = caller.ask("GET", f"{path}{'&' if '?' in path else '?'}limit=200{cursor}").expect(200)
        found += page["items"]
        if not page["next_cursor"]:
            return found
        cursor = f"&cursor={page['next_cursor']}"
