"""A ledger of setups: what was asked for, what of it was acknowledged, and whether the service still has it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from service.answers import Json
from service.template import TEMPLATE

from .client import BROKEN, SETUP, Answer, Caller, busy, everything, setup_of, wait_for
from .figures import Figure, exactly

WRITERS = 8
# Each of so many setups makes its own source and version: three tables have to fit together then.
EVERY = 4


@dataclass(frozen=True)
class Review:
    """What was found when all was read back."""

    lost: int
    different: int
    half_written: int
    doubled: int


class Ledger:
    """Writes setups from several threads, whatever happens to the service, and notes each."""

    def __init__(self, url: str, token: str):
        self.url = url
        self._token = token
        self._lock = threading.Lock()
        self._next = 0
        self._asked: dict[str, Json] = {}
        self.acknowledged: dict[str, Json] = {}
        self.unexpected: list[str] = []
        # Closed while there is no server to write to: a request that could not even be sent tells nothing.
        self.open = threading.Event()
        self.open.set()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Writers in the meantime."""
        # Each writer has its own connection to each server that there was.
        callers: dict[tuple[int, str], Caller] = {}

        def write(number: int) -> None:
            self.open.wait()
            name, body = self._new_request()
            caller = callers.setdefault((number, self.url), Caller(self.url, self._token))
            try:
                answer = caller.ask("POST", SETUP, body)
            except ConnectionRefusedError:
                # It was never sent, so its fate is not unknown.
                with self._lock:
                    del self._asked[name]
                return
            except BROKEN:
                return
            self._note(name, answer)

        with busy(WRITERS, write):
            try:
                yield
            finally:
                self.open.set()

    def _new_request(self) -> tuple[str, Json]:
        with self._lock:
            self._next += 1
            number = self._next
            name = f"Ledger {number}"
            body = setup_of(name, number)
            if number % EVERY == 0:
                body["job"] = {"name": name}
                body["source"] = TEMPLATE["source"] | {"name": name}
                body["source_version"] = {
                    key: value for key, value in TEMPLATE["source_version"].items() if key != "id"
                }
            self._asked[name] = body
            return name, body

    def _note(self, name: str, answer: Answer) -> None:
        if answer.status in (200, 201):
            self.acknowledged[name] = answer.json()
        elif answer.status != 503:
            self.unexpected.append(f"{answer.status}: {answer.body[:200]!r}")

    def wait_for_more(self, count: int) -> None:
        """Waits until so many more are acknowledged."""
        wanted = len(self.acknowledged) + count
        wait_for(lambda: len(self.acknowledged) >= wanted or self.unexpected, f"{wanted} acknowledged setups", 120)

    def review(self, url: str, acknowledged: dict[str, Json]) -> Review:
        """Reads everything, and compares it with what was acknowledged."""
        caller = Caller(url, self._token)
        jobs: dict[str, list[Json]] = {}
        for job in everything(caller, "/api/v1/jobs?expand=source,source_version"):
            jobs.setdefault(job["name"], []).append(job)
        lost = different = half_written = 0
        for name, answer in acknowledged.items():
            stored = answer["job"] | {"source": answer["source"], "source_version": answer["source_version"]}
            if name not in jobs:
                lost += 1
            elif jobs[name][0] != stored:
                different += 1
        for name, body in self._asked.items():
            half_written += any(not _is_whole(job, body) for job in jobs.get(name, []))
        # A source that a setup made cannot be there without its version and job.
        sources = {source["name"]: source["id"] for source in everything(caller, "/api/v1/sources")}
        versions = {version["source_id"] for version in everything(caller, "/api/v1/source_versions")}
        made = [name for name in sources if name in self._asked]
        half_written += sum(name not in jobs or sources[name] not in versions for name in made)
        doubled = sum(len(found) > 1 for found in jobs.values())
        return Review(lost, different, half_written, doubled)

    def send_again(self, url: str) -> tuple[int, int]:
        """Sends what was not acknowledged twice more; how many those are, and of how many not exactly one job came."""
        caller = Caller(url, self._token)
        uncertain = {name: body for name, body in self._asked.items() if name not in self.acknowledged}
        wrong, first = 0, {}
        for name, body in uncertain.items():
            first[name] = caller.ask("POST", SETUP, body).expect(200, 201)["job"]
            again = caller.ask("POST", SETUP, body)
            wrong += again.status != 200 or again.json()["job"] != first[name]
        jobs = everything(caller, "/api/v1/jobs")
        ids = {job["name"]: job["id"] for job in jobs}
        wrong += sum(ids.get(name) != job["id"] for name, job in first.items())
        # The template's job is there, too.
        wrong += len(jobs) != len(self._asked) + 1
        return len(uncertain), wrong

    def figures(self, url: str) -> list[Figure]:
        """The verdict: everything that was acknowledged is there, whole, and the rest can be sent again."""
        acknowledged = dict(self.acknowledged)
        review = self.review(url, acknowledged)
        uncertain, wrong = self.send_again(url)
        return [
            *of_review(review, len(acknowledged)),
            exactly(f"{uncertain} without an answer sent again, not one job each", wrong, 0),
            exactly("unforeseen answers", len(self.unexpected), 0),
        ]


def of_review(review: Review, acknowledged: int) -> list[Figure]:
    """What was found, as figures."""
    return [
        exactly(f"of {acknowledged:,} acknowledged, lost", review.lost, 0),
        exactly("different", review.different, 0),
        exactly("half-written", review.half_written, 0),
        exactly("doubled", review.doubled, 0),
    ]


def _is_whole(job: Json, body: Json) -> bool:
    bound = {(binding["role"], binding["input_id"]) for binding in job["role_bindings"]}
    asked = {(binding["role"], binding["input_id"]) for binding in body["role_bindings"]}
    version = job["source_version"]
    roles = [len(version["input_roles"]), len(version["output_roles"])]
    wanted = [len(TEMPLATE["source_version"]["input_roles"]), len(TEMPLATE["source_version"]["output_roles"])]
    return (
        bound == asked
        and roles == wanted
        and len(job["outputs"]) == wanted[1]
        and version["source_id"] == job["source_id"]
    )
