"""Tries each file of examples/deploy with the program that it is for. Run by scripts/deploy-examples."""

import argparse
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from faults.figures import Figure
from service.machine import end_on_signals, say

from .images import image
from .monitoring import alerts, dashboard
from .patroni import patroni
from .poolers import pgbouncer
from .proxies import haproxy, nginx
from .site import CannotTry, Site, Tools
from .units import unit


@dataclass(frozen=True)
class Case:
    """A file, and how it is tried."""

    name: str
    run: Callable[[Site], list[Figure]]


CASES = [
    Case("haproxy", haproxy),
    Case("nginx", nginx),
    Case("systemd", unit),
    Case("alerts", alerts),
    Case("dashboard", dashboard),
    Case("pgbouncer", pgbouncer),
    Case("patroni", patroni),
    Case("image", image),
]
# What nothing that can be installed here is the program for.
NOT_TRIED = "compose.yaml, and the stage of the Dockerfile that compiles: they need images of a registry"


def try_one(site: Site, case: Case, logs: Path) -> bool | None:
    """Tries a file, and prints a line; whether all is as it must be, or nothing where it cannot be tried here.

    Whatever happens in it ends with it.
    """
    began = time.monotonic()
    try:
        with site.case():
            figures = case.run(site)
    except CannotTry as reason:
        print(f"none {case.name}: NOT TRIED: {reason}", flush=True)
        return None
    except Exception as failure:  # noqa: BLE001, a file that cannot be tried to its end is one of the findings
        traceback.print_exc()
        figures = [Figure(f"{type(failure).__name__}: {failure}", "", False)]
    is_met = all(figure.is_met for figure in figures)
    said = "; ".join(str(figure) for figure in figures)
    print(f"{'ok  ' if is_met else 'MISS'} {case.name}: {said} [{time.monotonic() - began:.1f} s]", flush=True)
    if not is_met:
        site.keep_logs(logs / case.name)
    return is_met


def main() -> None:
    """Tries the files, one line for each, and fails if one is not as it must be."""
    names = ", ".join(case.name for case in CASES)
    parser = argparse.ArgumentParser(prog="scripts/deploy-examples", description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="CASE", help=f"only these: {names}")
    parser.add_argument("--program", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--binaries", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--postgres-user", default="", help=argparse.SUPPRESS)
    parser.add_argument("--pgbouncer", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--patroni", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--target", type=Path, default=Path("target"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    unknown = [name for name in options.only or [] if name not in [case.name for case in CASES]]
    if unknown:
        sys.exit(f"There is no case {', '.join(unknown)}: there are {names}.")
    end_on_signals()
    logs = options.target / "deploy-examples"
    verdicts: dict[str, bool | None] = {}
    # Not in TMPDIR: the path of a socket is limited to about 100 bytes, and other users have to get in.
    with tempfile.TemporaryDirectory(prefix="prediction-deploy.", dir="/tmp") as folder:
        Path(folder).chmod(0o711)
        tools = Tools(options.binaries, options.postgres_user or None, options.pgbouncer, options.patroni)
        site = Site(str(options.program.resolve()), tools, Path(folder))
        try:
            for case in CASES:
                if options.only and case.name not in options.only:
                    continue
                verdicts[case.name] = try_one(site, case, logs)
        finally:
            site.close()
    not_tried = [name for name, is_met in verdicts.items() if is_met is None]
    say(f"Not tried: {'; '.join([*not_tried, NOT_TRIED])}.")
    if missed := [name for name, is_met in verdicts.items() if is_met is False]:
        sys.exit(f"Not as it must be: {', '.join(missed)}. What programs said is in {logs}.")
    say("What was tried is as it must be.")


if __name__ == "__main__":
    main()
