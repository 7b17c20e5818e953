"""READ in an open loop: how long an answer takes when requests come when they come. wrk waits for answers, and so asks
little while the service stands still.
"""

import json
import os
import statistics
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

from service.processes import Server

CONNECTIONS = 64
SECONDS = 5
# The program that asks: crates/server/examples/open_loop.rs.
CLIENT = Path("release/examples/open_loop")


def milliseconds(target: Path, server: Server, token: str, jobs: int, most: float, windows: int) -> dict[str, float]:
    """Of so many windows the medians of their percentiles, at half of what the service answered in a closed loop."""
    rate = most / 2
    environment = {
        "BENCH_ADDRESS": urlsplit(server.url).netloc,
        "BENCH_TOKEN": token,
        "BENCH_JOBS": str(jobs),
        "BENCH_RATE": str(rate),
        "BENCH_SECONDS": str(SECONDS),
        "BENCH_CONNECTIONS": str(CONNECTIONS),
    }
    found = []
    for _ in range(windows):
        result = subprocess.run([target / CLIENT], capture_output=True, text=True, env=os.environ | environment)
        if result.returncode != 0:
            raise RuntimeError(f"the client in an open loop failed: {result.stderr}")
        window = json.loads(result.stdout)
        if window["refused"] or window["broken"]:
            raise RuntimeError(f"not all requests were answered: {result.stdout}")
        found.append(window)
    return {
        "per second": rate,
        **{part: statistics.median(window[part] for window in found) / 1000 for part in ("p50", "p99")},
    }
