"""Checks how the service behaves when something fails. Run by scripts/faults."""

import argparse
import json
import resource
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from service.answers import Json
from service.documents import fill, table
from service.machine import conditions, end_on_signals, say, told

from .bodies import costly_bodies
from .crashes import crash, failover, frozen_failover
from .fairness import fairness
from .figures import Figure, Outcome
from .languages import german
from .load import drain, overload, slow_clients
from .outages import frozen, no_connection, pool_exhausted, restart_fast, restart_immediate
from .poolers import session_mode, statement_mode, transaction_mode
from .races import races
from .readers import slow_readers
from .reports import crash_reports
from .soak import RATE, soak
from .starts import backup, failing_migration, replicas
from .uses import input_uses
from .world import BOTH, POSTGRES, Tools, World

PAGE = Path("docs/reliability.md")


@dataclass(frozen=True)
class Case:
    """Something that goes wrong, and on which databases."""

    name: str
    run: Callable[[World, str], list[Figure]]
    databases: tuple[str, ...]


CASES = [
    Case("replicas", replicas, BOTH),
    Case("failing-migration", failing_migration, BOTH),
    Case("races", races, BOTH),
    Case("crash-ledger", crash, BOTH),
    Case("crash-reports", crash_reports, BOTH),
    Case("backup", backup, BOTH),
    Case("restart-fast", restart_fast, (POSTGRES,)),
    Case("restart-immediate", restart_immediate, (POSTGRES,)),
    Case("frozen", frozen, (POSTGRES,)),
    Case("failover", failover, (POSTGRES,)),
    Case("frozen-failover", frozen_failover, (POSTGRES,)),
    Case("pooler-session", session_mode, (POSTGRES,)),
    Case("pooler-transaction", transaction_mode, (POSTGRES,)),
    Case("pooler-statement", statement_mode, (POSTGRES,)),
    Case("german", german, (POSTGRES,)),
    Case("no-connection", no_connection, (POSTGRES,)),
    Case("pool-exhausted", pool_exhausted, BOTH),
    Case("drain", drain, BOTH),
    Case("overload", overload, BOTH),
    Case("slow-clients", slow_clients, BOTH),
    Case("costly-bodies", costly_bodies, BOTH),
    Case("slow-readers", slow_readers, BOTH),
    Case("fairness", fairness, BOTH),
    Case("input-uses", input_uses, BOTH),
]


def run_case(world: World, case: Case, database: str, logs: Path) -> Outcome:
    """Runs one case. Whatever happens in it ends with it."""
    outcome = Outcome(case.name, database)
    began = time.monotonic()
    try:
        with world.case():
            figures = case.run(world, database)
            outcome.figures = [figure.as_outcome for figure in figures] if world.is_short else figures
    except Exception as failure:  # noqa: BLE001, a case that fails is one of the findings
        outcome.failure = f"{type(failure).__name__}: {failure}"
        traceback.print_exc()
    outcome.seconds = time.monotonic() - began
    if not outcome.is_met:
        world.keep_logs(logs / f"{case.name}-{database.lower()}")
    return outcome


def publish(runs: list[Json], page: Path) -> None:
    """Writes the findings of some runs into the document; of a case that is in several, those of the last."""
    cases = {(case["case"], case["database"]): case for run in runs for case in run["cases"]}
    rows = [[case["case"], case["database"], case["findings"], case["verdict"]] for case in cases.values()]
    fill(
        page,
        "faults",
        {"runs": "\n".join(_told(run) for run in runs), "cases": table(["case", "on", "found (bound)", ""], rows)},
    )


def _told(run: Json) -> str:
    names = list(dict.fromkeys(case["case"] for case in run["cases"]))
    what = ", ".join(names) if len(names) < len(CASES) else "all cases"
    return f"- {told(run['conditions'])}; {what}{', outcomes only' if run.get('outcomes_only') else ''}."


def chosen(options: argparse.Namespace) -> list[Case]:
    """The cases that were asked for."""
    if options.soak is not None:
        return [Case("soak", lambda world, kind: soak(world, kind, options.soak, options.rate), BOTH)]
    known = {case.name: case for case in CASES}
    unknown = [name for name in options.only or [] if name not in known]
    if unknown:
        sys.exit(f"There is no case {', '.join(unknown)}: there are {', '.join(known)}.")
    return [case for case in CASES if not options.only or case.name in options.only]


def main() -> None:
    """Runs the cases, one line for each, and fails if one misses a bound."""
    parser = argparse.ArgumentParser(prog="scripts/faults", description=__doc__)
    parser.add_argument(
        "--outcomes", action="store_true", help="judge what comes of it, with smaller numbers, and no rates"
    )
    parser.add_argument(
        "--only", nargs="+", metavar="CASE", help=f"only these: {', '.join(case.name for case in CASES)}"
    )
    parser.add_argument(
        "--soak", nargs="?", type=float, const=30.0, metavar="MINUTES", help="a mixed load for so long [30]"
    )
    parser.add_argument(
        "--rate", type=float, default=RATE, metavar="REQUESTS", help=f"of the soak, in a second [{RATE}]"
    )
    parser.add_argument("--on", choices=BOTH, help="only on this database")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="where the findings are written")
    parser.add_argument("--report", type=Path, nargs="+", metavar="FILE", help="only write docs from these findings")
    parser.add_argument("--program", help=argparse.SUPPRESS)
    parser.add_argument("--binaries", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--postgres-user", default="", help=argparse.SUPPRESS)
    parser.add_argument("--pgbouncer", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--locales", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--target", type=Path, default=Path("target"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.report:
        publish([json.loads(path.read_text()) for path in options.report], PAGE)
        return
    cases = chosen(options)
    end_on_signals()
    # Thousands of connections are held here and by the service.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    kept_logs = options.target / "faults"
    kept_logs.mkdir(parents=True, exist_ok=True)
    outcomes = []
    # Not in TMPDIR: the path of a socket is limited to about 100 bytes, and PostgreSQL's user has to get in.
    with tempfile.TemporaryDirectory(prefix="prediction-faults.", dir="/tmp") as folder:
        Path(folder).chmod(0o711)
        tools = Tools(options.binaries, options.postgres_user or None, options.pgbouncer, options.locales)
        world = World(options.program, tools, options.outcomes, Path(folder))
        try:
            for case in cases:
                for database in case.databases:
                    if options.on not in (None, database):
                        continue
                    outcome = run_case(world, case, database, kept_logs)
                    outcomes.append(outcome)
                    print(f"{outcome.line()} [{outcome.seconds:.1f} s]", flush=True)
        finally:
            world.close()
    run = {
        "conditions": conditions(options.binaries),
        "outcomes_only": options.outcomes,
        "cases": [
            {
                "case": outcome.case,
                "database": outcome.database,
                "findings": outcome.findings,
                "verdict": "met" if outcome.is_met else "**missed**",
                "seconds": round(outcome.seconds, 1),
            }
            for outcome in outcomes
        ],
    }
    kept = options.keep or kept_logs / f"{run['conditions']['at'].replace(':', '')}.json"
    kept.write_text(json.dumps(run, indent=1) + "\n")
    missed = [f"{outcome.case} ({outcome.database})" for outcome in outcomes if not outcome.is_met]
    say(f"The findings are in {kept}.")
    if missed:
        sys.exit(f"{len(missed)} of {len(outcomes)} missed: {', '.join(missed)}. What servers said is in {kept_logs}.")
    say(f"All {len(outcomes)} are as they must be.")


if __name__ == "__main__":
    main()
