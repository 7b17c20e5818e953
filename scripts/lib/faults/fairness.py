"""One customer floods the service; another one should hardly notice."""

import itertools
import json
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from service.answers import Json
from service.processes import Server, mint
from service.template import ORGANISATIONS, VERSION

from .client import BROKEN, SETUP, Caller, inputs
from .crowd import Crowd, Tally, raw_request
from .figures import Figure, at_most, exactly, holds, rate, told
from .load import VALUES, values_of
from .world import World

FLOODING, OTHER = ORGANISATIONS[0], ORGANISATIONS[1]
JOBS, FEW_JOBS = 100_000, 2_000
CONNECTIONS = 16
# So many that the other one's page is full from the start: it must be the same page alone and beside the flood.
PAGE = 20
# How much longer than alone the slowest hundredth of the other's requests may take.
BOUND = 3
# Of an answer as CSV: so many values that it takes some pages.
CSV_VALUES = 20 * VALUES


def fairness(world: World, kind: str) -> list[Figure]:
    """Measures what the other customer gets alone, and then beside the flood."""
    seconds = 1.0 if world.is_short else 8.0
    place = world.new_place(kind)
    server, _ = world.serve_with_template(place)
    flooding, other = (mint(world.program, world.folder / "data", [one]) for one in (FLOODING, OTHER))
    jobs = FEW_JOBS if world.is_short else JOBS
    _set_up_many(server, flooding, jobs)
    theirs = _set_up(server, flooding, FLOODING, "Flood", 1)
    own, *_ = [_set_up(server, other, OTHER, f"First {number}", 10 + number) for number in range(PAGE)]
    for _ in range(2 if world.is_short else CSV_VALUES // VALUES):
        Caller(server.url, flooding).ask("POST", f"/api/v1/jobs/{theirs}/runs", values_of("risk", VALUES)).expect(201)
    world.settle(place)
    requests = _requests(other, own)
    alone = {name: _measure(server, request, seconds) for name, request in requests.items()}
    with (
        ProcessPoolExecutor(1, multiprocessing.get_context("fork")) as process,
        multiprocessing.Manager() as manager,
    ):
        started, done = manager.Event(), manager.Event()
        flood = process.submit(_flood, server.url, flooding, theirs, started, done)
        started.wait(60)
        beside = {name: _measure(server, request, seconds) for name, request in requests.items()}
        done.set()
        sent, refused = flood.result()
    figures = [told(f"{jobs:,} jobs; {sent:,} answers to the flood, {refused:,} of them 503")]
    for name in requests:
        before, during = alone[name], beside[name]
        figures.append(
            told(f"{name}: p99 {before.p99 * 1000:.2f} ms alone, {during.p99 * 1000:.2f} ms beside the flood")
        )
        figures.append(rate(at_most(f"{name}, times alone", during.p99 / before.p99, BOUND)))
    bad = [tally.broken + tally.statuses.total() - len(tally.good) for tally in beside.values()]
    return [
        *figures,
        exactly("requests of the other that were refused or broke", sum(bad), 0),
        holds("each kind was answered", all(tally.good for tally in beside.values())),
        holds("the flood was answered, too", sent > refused),
    ]


def _set_up_many(server: Server, token: str, count: int) -> None:
    """Through the service, so that everything is there that belongs to a job."""
    numbers = iter(range(1_000, 1_000 + count))
    last = raw_request("GET", "/api/v1/jobs?limit=1", token)

    def request() -> bytes:
        number = next(numbers, None)
        if number is None:
            done.set()
            return last
        return raw_request("POST", SETUP, token, json.dumps(_setup_of(FLOODING, f"Job {number}", number)))

    done = threading.Event()
    with Crowd(server.url, 32, request) as crowd:
        crowd.run(900, is_over=done.is_set)


def _setup_of(organisation: str, name: str, number: int) -> Json:
    return {
        "organisation_id": organisation,
        "job": {"name": name, "source_version_id": VERSION},
        "role_bindings": inputs(number),
    }


def _set_up(server: Server, token: str, organisation: str, name: str, number: int) -> str:
    answer = Caller(server.url, token).ask("POST", SETUP, _setup_of(organisation, name, number)).expect(201)
    return str(answer["job"]["id"])


def _requests(token: str, job: str) -> dict[str, Callable[[], bytes]]:
    """What the other customer does, one kind after the other."""
    numbers = itertools.count(1)

    def set_up() -> bytes:
        number = next(numbers)
        return raw_request("POST", SETUP, token, json.dumps(_setup_of(OTHER, f"Own {number}", 500_000 + number)))

    read = raw_request("GET", f"/api/v1/jobs/{job}", token)
    page = raw_request("GET", f"/api/v1/jobs?limit={PAGE}", token)
    report = raw_request("POST", f"/api/v1/jobs/{job}/runs", token, json.dumps(values_of("risk", 24)))
    return {"read": lambda: read, "list": lambda: page, "report": lambda: report, "setup": set_up}


def _measure(server: Server, request: Callable[[], bytes], seconds: float) -> Tally:
    with Crowd(server.url, 1, request) as caller:
        caller.run(seconds / 8)
        return caller.run(seconds)


def _stand_back() -> None:
    """Takes only what no other process wants of the processors.

    Linux weighs processes within their session, and sessions as a whole (sched_autogroup).
    """
    os.setsid()
    os.nice(19)
    group = Path("/proc/self/autogroup")
    if group.exists():
        group.write_text("19")


def _flood(url: str, token: str, job: str, started: threading.Event, done: threading.Event) -> tuple[int, int]:
    """Sends whatever costs much, on many connections at a time, until it is told to end.

    It goes after everything else on the machine: what it does itself is not the service's.
    """
    _stand_back()
    wrong: Json = {"organisation_id": FLOODING, "job": {"name": "Wrong", "source_version_id": VERSION}}
    wrong["role_bindings"] = [
        {"role": f"unknown_{number}", "input_id": inputs(3)[0]["input_id"]} for number in range(200)
    ]
    large = raw_request("POST", f"/api/v1/jobs/{job}/runs", token, json.dumps(values_of("risk", VALUES)))
    mistaken = raw_request("POST", SETUP, token, json.dumps(wrong))
    used = inputs(1_000)[0]["input_id"]
    costly = [
        raw_request("GET", f"/api/v1/jobs?{query}", token)
        for query in ("health=on_time", "health=overdue,failing", f"input_id={used}", "health=late&limit=200")
    ]
    lists, mistakes, reports = itertools.cycle(costly), itertools.repeat(mistaken), itertools.repeat(large)
    counts, over = [], threading.Event()

    def watch() -> None:
        done.wait()
        over.set()

    def crowd(connections: int, requests: Iterator[bytes]) -> None:
        with Crowd(url, connections, lambda: next(requests)) as flood:
            tally = flood.run(600, is_over=over.is_set)
        counts.append((tally.statuses.total(), tally.statuses[503]))

    def csv() -> None:
        caller, count, refused = Caller(url, token), 0, 0
        while not over.is_set():
            try:
                status = caller.ask("GET", f"/api/v1/jobs/{job}/predictions", headers={"Accept": "text/csv"}).status
                count, refused = count + 1, refused + (status == 503)
            except BROKEN:
                pass
        counts.append((count, refused))

    work = [
        threading.Thread(target=watch),
        threading.Thread(target=crowd, args=(CONNECTIONS // 2, lists)),
        threading.Thread(target=crowd, args=(CONNECTIONS // 4, mistakes)),
        *(threading.Thread(target=crowd, args=(1, reports)) for _ in range(CONNECTIONS // 4)),
        *(threading.Thread(target=csv) for _ in range(2)),
    ]
    for thread in work:
        thread.start()
    time.sleep(1)
    started.set()
    for thread in work:
        thread.join()
    return sum(count for count, _ in counts), sum(refused for _, refused in counts)
