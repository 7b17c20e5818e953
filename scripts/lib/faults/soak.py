"""A mixed load for a long time: what a process keeps, it keeps for ever."""

import itertools
import json
import random
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from service.answers import Json
from service.machine import say
from service.processes import Server

from .client import SETUP, Caller, setup_of
from .crowd import Crowd, Tally, raw_request
from .figures import Figure, at_most, exactly, told
from .world import World

CALLERS = 16
# Requests per second, if no other rate is asked for: a load, and not the most that the machine can do.
RATE = 400
JOBS = 1_000
SAMPLE_EVERY = 5.0
# The first minutes, in which caches and pools fill, and memory that is kept is touched for the first time. Of a short
# soak, the first fifth.
WARM_UP = 10.0
# What may be added in a minute after that, in MiB: an hour, and the one after it, look the same.
SLOPE = 0.05
# Files and connections may be some more or less at any moment.
FLAT = 4


class _Mix:
    """What callers do all day, in turn."""

    def __init__(self, token: str, jobs: list[str]):
        self._token = token
        self._jobs = jobs
        self._numbers = itertools.count(JOBS)
        self._random = random.Random(1)
        self._minutes = itertools.count()

    def __call__(self) -> bytes:
        job = self._random.choice(self._jobs)
        draw = self._random.random()
        if draw < 0.50:
            return self._request("GET", f"/api/v1/jobs/{job}")
        if draw < 0.65:
            return self._request("GET", "/api/v1/jobs?limit=20&expand=source")
        if draw < 0.70:
            return self._request("GET", "/api/v1/jobs?health=overdue,failing")
        if draw < 0.80:
            return self._request("GET", f"/api/v1/jobs/{job}/predictions?limit=100")
        if draw < 0.90:
            return self._report(job)
        if draw < 0.95:
            return self._request("PUT", f"/api/v1/jobs/{job}", {"active": self._random.random() < 0.9})
        number = next(self._numbers)
        # Half of them are there already.
        number -= number % 2
        return self._request("POST", SETUP, setup_of(f"Job {number}", number))

    def _report(self, job: str) -> bytes:
        issued = datetime.now(UTC) - timedelta(seconds=next(self._minutes) % 3_000)
        hours = [(issued + timedelta(hours=hour)).isoformat() for hour in range(24)]
        values = [{"role": "risk", "at": hour, "value": self._random.random()} for hour in hours]
        body = {"issued_at": issued.isoformat(), "status": "succeeded", "predictions": values}
        return self._request("POST", f"/api/v1/jobs/{job}/runs", body)

    def _request(self, method: str, path: str, body: Json | None = None) -> bytes:
        return raw_request(method, path, self._token, json.dumps(body) if body else "")


def soak(world: World, kind: str, minutes: float, rate: float) -> list[Figure]:
    """Sends a mixture for so long, and looks at the process now and then."""
    server, made = world.serve_with_template(world.new_place(kind))
    caller = world.caller(server)
    jobs = [made["job"]["id"]]
    for number in range(JOBS):
        jobs.append(caller.ask("POST", SETUP, setup_of(f"Job {number}", number)).expect(201)["job"]["id"])
    total, samples = Tally(), []
    began = time.monotonic()
    with Crowd(server.url, CALLERS, _Mix(world.token, jobs)) as crowd:
        while (passed := time.monotonic() - began) < 60 * minutes:
            part = crowd.run(SAMPLE_EVERY, rate)
            total.statuses += part.statuses
            total.broken += part.broken
            samples.append((passed / 60, server.memory_mib(), _files(server), _connections(caller)))
            if len(samples) % 60 == 0:
                say(f"Soaking on {kind}: {passed / 60:.0f} of {minutes:g} minutes, {samples[-1][1]:.1f} MiB.")
    warm = min(WARM_UP, minutes / 5)
    later = [sample for sample in samples if sample[0] >= warm]
    files, connections = [sample[2] for sample in later], [sample[3] for sample in later]
    failures = sum(count for status, count in total.statuses.items() if status >= 500)
    return [
        told(f"{minutes:g} min, {total.statuses.total():,} requests"),
        told(f"memory {later[0][1]:.1f} MiB after {warm:g} min, {later[-1][1]:.1f} MiB in the end"),
        at_most("slope", _slope([(at, memory) for at, memory, *_ in later]), SLOPE, "MiB/min"),
        at_most(f"file descriptors {min(files)} to {max(files)}, difference", max(files) - min(files), FLAT),
        at_most(
            f"connections to the database {min(connections)} to {max(connections)}, difference",
            max(connections) - min(connections),
            FLAT,
        ),
        exactly("answers of 5xx", failures, 0),
        exactly("answers of 4xx", sum(total.statuses.values()) - failures - _good(total), 0),
        exactly("connections that broke", total.broken, 0),
    ]


def _good(tally: Tally) -> int:
    return sum(count for status, count in tally.statuses.items() if status < 300)


def _files(server: Server) -> int:
    return len(list(Path(f"/proc/{server.process.pid}/fd").iterdir()))


def _connections(caller: Caller) -> int:
    text = caller.ask("GET", "/metrics").body.decode()
    return sum(
        int(line.split()[-1]) for line in text.splitlines() if line.startswith("prediction_database_connections{")
    )


def _slope(points: list[tuple[float, float]]) -> float:
    """How much is added a minute: the line with the least squares."""
    middle = sum(at for at, _ in points) / len(points)
    mean = sum(value for _, value in points) / len(points)
    spread = sum((at - middle) ** 2 for at, _ in points)
    return sum((at - middle) * (value - mean) for at, value in points) / spread if spread else 0.0
