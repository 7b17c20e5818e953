"""Load on a server, made by wrk."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from service.processes import Server

SCRIPT = Path(__file__).with_name("requests.lua")
LANES = {
    "read": "job-reads",
    "list": "reads",
    "deep": "reads",
    "setup": "setups",
    "known": "setups",
    "report": "writes",
    "bulk": "writes",
    "day": "reads",
    "newest": "reads",
}


@dataclass
class Load:
    """One kind of request, from a number of connections."""

    kind: str
    connections: int
    token: str
    jobs: int
    cursors: str = ""
    # How many days each job has values for.
    days: int = 0


def measure(server: Server, load: Load, seconds: int, salt: int) -> dict[str, float]:
    """What the server answered in that time, and what it took for it. Any answer but a good one counts as an error."""
    environment = {
        "BENCH_KIND": load.kind,
        "BENCH_TOKEN": load.token,
        "BENCH_JOBS": str(load.jobs),
        "BENCH_SALT": str(salt),
        "BENCH_CURSORS": load.cursors,
        "BENCH_DAYS": str(load.days),
    }
    command = ["wrk", "--threads=1", f"--connections={load.connections}", f"--duration={seconds}s", "--timeout=10s"]
    before, worked = server.batches(), server.processor_seconds()
    result = subprocess.run(
        [*command, "--latency", f"--script={SCRIPT}", server.url],
        capture_output=True,
        text=True,
        env=os.environ | environment,
    )
    if result.returncode != 0:
        raise RuntimeError(f"wrk failed: {result.stdout} {result.stderr}")
    report = json.loads(next(line for line in result.stdout.splitlines() if line.startswith("{")))
    lane, after = LANES[load.kind], server.batches()
    questions, batches = (new - old for new, old in zip(after.get(lane, (0, 0)), before.get(lane, (0, 0)), strict=True))
    return {
        "per_second": report["requests"] / report["microseconds"] * 1e6,
        "p50_ms": report["p50"] / 1000,
        "p99_ms": report["p99"] / 1000,
        "errors": report["refused"] + report["broken"],
        "batch": questions / batches if batches else 0.0,
        "processor_us": (server.processor_seconds() - worked) / max(report["requests"], 1) * 1e6,
    }


def middles(server: Server, token: str, organisations: list[str], jobs: int) -> str:
    """A cursor to the middle of each organisation's jobs, found as callers find it: page by page."""
    cursors = []
    for organisation in organisations:
        path, cursor = f"/api/v1/jobs?limit=200&organisation_id={organisation}", ""
        for _ in range(max(1, jobs // len(organisations) // 2 // 200)):
            cursor = server.get(path + (f"&cursor={cursor}" if cursor else ""), token)["next_cursor"]
        cursors.append(cursor)
    return " ".join(cursors)
