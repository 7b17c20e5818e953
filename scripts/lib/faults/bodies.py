"""Bodies that are as costly as they can be, and others who ask meanwhile."""

import http.client
import json
import multiprocessing
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import cycle
from urllib.parse import urlsplit

from service.answers import Json
from service.processes import Server, mint
from service.template import ORGANISATIONS

from .client import BROKEN, PATIENCE, SETUP, Caller
from .crowd import percentile, raw_request
from .figures import Figure, at_most, exactly, holds, rate, told
from .world import World

AT_ONCE = 8
MOST_MEMORY_MIB = 200
LONGEST_ERROR = 640 * 1024
# How long the health of the process may take to be told, to a client that asks each hundredth of a second.
LONGEST_DELAY = 0.1
PROBE_EVERY = 0.01
LARGE, REPORT = 1_048_576, 4 * 1_048_576
VERSIONS = "/api/v1/source_versions"
STALLED = 200


@dataclass(frozen=True)
class Costly:
    """A request that costs more than it should be worth."""

    method: str
    path: str
    body: bytes


@dataclass
class Found:
    """What came of such requests."""

    statuses: Counter[int] = field(default_factory=Counter)
    longest: int = 0
    broken: int = 0


def costly_bodies(world: World, kind: str) -> list[Figure]:
    """Eight costly bodies at a time, by a caller who may send them and by one who may not; then many that stop
    before their end.
    """
    seconds = 4 if world.is_short else 20
    server, made = world.serve_with_template(world.new_place(kind))
    requests = list(_requests(world.caller(server), made))
    server.forget_peak()
    found, delays = _beside_probes(server, seconds, lambda: _send_all(server.url, world.token, requests, seconds))
    peak = server.peak_mib()
    powerless = mint(world.program, world.folder / "data", ORGANISATIONS, "jobs:read")
    server.forget_peak()
    refused, delays_of_refused = _beside_probes(
        server, seconds / 2, lambda: _send_all(server.url, powerless, requests, seconds / 2)
    )
    peak_of_refused = server.peak_mib()
    peak_of_stalled, neighbour = _stall(world, server, made["job"]["id"])
    sent, others = found.statuses.total(), {status for status in found.statuses if status >= 500 and status != 503}
    return [
        told(f"{sent:,} costly requests over {seconds} s, {found.statuses[503]:,} of them told to come again"),
        at_most("memory", peak, MOST_MEMORY_MIB, "MiB"),
        rate(at_most("live was told within", 1000 * max(delays), 1000 * LONGEST_DELAY, "ms")),
        told(f"p99 {1000 * percentile(delays, 0.99):.1f} ms"),
        exactly("answers of 5xx but 503", sum(found.statuses[status] for status in others), 0),
        holds("some were judged", found.statuses[422] > 0),
        at_most("the longest answer", found.longest / 1024, LONGEST_ERROR / 1024, "KiB"),
        exactly("connections that broke", found.broken, 0),
        told(f"without the scope: {refused.statuses[403]:,} refused, {refused.broken:,} while they still sent"),
        exactly("otherwise", refused.statuses.total() - refused.statuses[403], 0),
        at_most("memory", peak_of_refused, MOST_MEMORY_MIB / 2, "MiB"),
        rate(at_most("live within", 1000 * max(delays_of_refused), 1000 * LONGEST_DELAY, "ms")),
        at_most(f"{STALLED} reports of 4 MiB less a byte: memory", peak_of_stalled, MOST_MEMORY_MIB, "MiB"),
        exactly("a report of another caller beside them", neighbour, 201),
    ]


def _requests(caller: Caller, made: Json) -> Iterator[Costly]:
    """The most costly ones that are known, at the operations that decode the most."""
    names = [f"{'r' * 96}{number:04}" for number in range(200)]
    wide = {
        "source_id": made["source"]["id"],
        "version": "wide",
        "input_roles": [{"role": name, "input_kind": "sensor", "metric": "m", "required": False} for name in names],
        "output_roles": [{"role": name, "metric": "m", "required": False} for name in names],
    }
    version = caller.ask("POST", VERSIONS, wide).expect(201)["id"]
    job = f"/api/v1/jobs/{made['job']['id']}"
    setup = {"organisation_id": ORGANISATIONS[0], "job": {"name": "Costly", "source_version_id": version}}
    unknown = [{"role": f"{'e' * 96}{number:04}", "input_id": version} for number in range(200)]
    yield Costly("POST", SETUP, json.dumps(setup | {"role_bindings": unknown}).encode())
    for items in ("1", "[[1]]", '{"a":1}', '{"role":"a","role":"a"}'):
        for path, member, most in [
            (SETUP, "role_bindings", LARGE),
            (VERSIONS, "input_roles", LARGE),
            (f"{job}/runs", "predictions", REPORT),
        ]:
            begun, ended = f'{{"status":"succeeded","{member}":[', "]}"
            count = (most - len(begun) - len(ended)) // (len(items) + 1)
            yield Costly("POST", path, (begun + ",".join([items] * count) + ended).encode())
    values = [
        {"role": f"{'e' * 96}{number % 10_000:04}", "at": "2026-01-01T00:00:00Z", "value": 1}
        for number in range(10_000)
    ]
    yield Costly("POST", f"{job}/runs", json.dumps({"status": "succeeded", "predictions": values}).encode())
    yield Costly("PUT", job, json.dumps({f"m{number}": 1 for number in range(70_000)}).encode())
    yield Costly("POST", "/api/v1/sources", ('{"name":"' + "e\u0301" * (LARGE // 3 - 10) + '"}').encode())
    yield Costly("POST", "/api/v1/sources", ('{"retention_hours":' + "9" * (LARGE - 100) + "}").encode())
    yield Costly(
        "POST",
        "/api/v1/sources",
        ('{"name":[' + ",".join(["[" * 100 + "]" * 100] * (LARGE // 201 - 1)) + "]}").encode(),
    )


def _send_all(url: str, token: str, requests: list[Costly], seconds: float) -> Found:
    """Sends them over and over from so many connections at a time."""
    found, lock, ends, turns = Found(), threading.Lock(), time.monotonic() + seconds, cycle(requests)

    def send() -> None:
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        while time.monotonic() < ends:
            with lock:
                request = next(turns)
            try:
                connection.request(request.method, request.path, request.body, headers)
                response = connection.getresponse()
                status, length = response.status, len(response.read())
            except BROKEN:
                # What is refused before it is read may be refused while it is still being sent.
                connection.close()
                with lock:
                    found.broken += 1
                continue
            with lock:
                found.statuses[status] += 1
                found.longest = max(found.longest, length)
        connection.close()

    with ThreadPoolExecutor(AT_ONCE) as threads:
        for sender in [threads.submit(send) for _ in range(AT_ONCE)]:
            sender.result()
    return found


def _beside_probes(server: Server, seconds: float, work: Callable[[], Found]) -> tuple[Found, list[float]]:
    """Does the work while another process asks for the health of the process, and gives how long each answer took."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("fork")) as process:
        probes = process.submit(_probe, server.url, seconds)
        return work(), probes.result()


def _probe(url: str, seconds: float) -> list[float]:
    caller, delays, ends = Caller(url, None), [], time.monotonic() + seconds
    while time.monotonic() < ends:
        answer = caller.ask("GET", "/health/live")
        answer.expect(200)
        delays.append(answer.seconds)
        time.sleep(PROBE_EVERY)
    return delays


def _stall(world: World, server: Server, job: str) -> tuple[float, int]:
    """Many reports of which the last byte never comes, and one of another caller; the peak of memory, and what that one
    was told.
    """
    where = urlsplit(server.url)
    body = b'{"status":"succeeded"' + b" " * (REPORT - 40)
    head = raw_request("POST", f"/api/v1/jobs/{job}/runs", world.token, extra="Content-Type: application/json\r\n")
    head = head[:-2] + f"Content-Length: {len(body) + 1}\r\n\r\n".encode()
    server.forget_peak()

    def stall() -> None:
        with socket.create_connection((where.hostname, where.port), timeout=PATIENCE) as connection:
            try:
                connection.sendall(head + body)
                connection.recv(1)
            except OSError:
                # It was refused before it was all there.
                pass

    with ThreadPoolExecutor(STALLED) as threads:
        stalled = [threads.submit(stall) for _ in range(STALLED)]
        time.sleep(1)
        other = Caller(server.url, mint(world.program, world.folder / "data", ORGANISATIONS[:1]))
        report = {
            "status": "succeeded",
            "message": "x" * 1_000_000,
            "predictions": [{"role": "risk", "at": "2026-01-01T00:00:00Z", "value": 1}],
        }
        status = other.ask("POST", f"/api/v1/jobs/{job}/runs", report).status
        other.close()
        for one in stalled:
            one.result()
    return server.peak_mib(), status
