"""The machine that a run is made on, and what its user is told meanwhile."""

import os
import platform
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from .answers import Json


def say(text: str) -> None:
    """Tells how far the run is."""
    print(text, file=sys.stderr, flush=True)


def end_on_signals() -> None:
    """Lets a signal end the run like any failure does: with everything that it started."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)


def _end(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)


def conditions(binaries: Path) -> dict[str, object]:
    """Under which a run was made."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    processors = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    lines = Path("/proc/meminfo").read_text().splitlines()
    memory = next(int(line.split()[1]) for line in lines if line.startswith("MemTotal:"))
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    version = subprocess.run([str(binaries / "postgres"), "--version"], capture_output=True, text=True)
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit,
        "processors": f"{os.cpu_count()} x {processors[0] if processors else platform.machine()}",
        "memory_gib": round(memory / 1024 / 1024),
        "system": platform.release(),
        "postgresql": version.stdout.strip(),
    }


def told(conditions: Json) -> str:
    """The same in a line."""
    return (
        f"{conditions['at'][:16].replace('T', ' ')} UTC, commit {conditions['commit']}: {conditions['processors']}, "
        f"{conditions['memory_gib']} GiB, Linux {conditions['system']}, {conditions['postgresql']}"
    )
