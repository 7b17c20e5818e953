"""Measures the service, in interleaved rounds, beside what its database can do alone. Run by scripts/bench."""

import json
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from service.answers import Json
from service.machine import conditions, end_on_signals, say

from . import (
    apply,
    chains,
    directory,
    hand_written,
    options,
    pooling,
    report,
    row_level_security,
    search,
    series,
    stored,
    unknown,
)
from .run import Bench

# What is measured alone, and how it is shown.
RUNS: dict[str, Callable[[Bench], None]] = {
    "results": Bench.run_results,
    "impact": Bench.run_impact,
    "directory": Bench.run_directory,
    "unknown": Bench.run_unknown,
    "chains": Bench.run_chains,
    "search": Bench.run_search,
    "series": Bench.run_series,
    "stored": Bench.run_stored,
    "apply": Bench.run_apply,
    "row-level-security": Bench.run_row_level_security,
    "hand-written": Bench.run_hand_written,
    "pooling": Bench.run_pooling,
}
TABLES: dict[str, Callable[[list[Json]], str]] = {
    "directory": directory.tables,
    "unknown": unknown.tables,
    "chains": chains.tables,
    "search": search.tables,
    "series": series.tables,
    "stored": stored.tables,
    "apply": apply.tables,
    "row-level-security": row_level_security.tables,
    "hand-written": hand_written.tables,
    "pooling": pooling.tables,
}


def publish(runs: list[Json], part: str | None) -> None:
    """Writes what was measured into docs, or shows it where it has no place there."""
    docs = Path("docs")
    if part == "apply":
        apply.publish(runs, docs)
    elif part in TABLES:
        print(TABLES[part](runs))
    else:
        report.publish(runs, docs)
        if apply.is_in(runs):
            apply.publish(runs, docs)


def tables(run: Json, part: str | None, before: Json | None) -> str:
    """What was measured, for its reader."""
    if part in TABLES:
        return TABLES[part]([run])
    parts = [report.tables([run], before)]
    if apply.is_in([run]):
        parts.append(apply.tables([run]))
    return "\n\n".join(parts)


def main() -> None:
    """Measures, shows the tables, and keeps the figures."""
    asked = options.read(__doc__)
    if asked.report:
        publish([json.loads(path.read_text()) for path in asked.report], asked.part)
        return
    end_on_signals()
    with ExitStack() as stack:
        bench = Bench(asked, stack)
        RUNS.get(asked.part, Bench.run)(bench)
    run: Json = {
        "conditions": conditions(Path(asked.binaries))
        | {"jobs": asked.jobs, "rounds": asked.rounds, "seconds": asked.seconds},
        "cells": bench.cells,
        "figures": bench.figures,
        "statements": bench.statements,
        "plans": bench.plans,
    }
    folder = Path(asked.target) / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    last = folder / f"{asked.part or ('quick' if asked.quick else 'last')}.json"
    before = json.loads(last.read_text()) if last.exists() else None
    kept = asked.keep or folder / f"{run['conditions']['at'].replace(':', '')}.json"
    for path in (kept, last):
        path.write_text(json.dumps(run, indent=1) + "\n")
    print(tables(run, asked.part, before))
    say(f"The figures are in {kept}.")
    if errors := report.errors([run]):
        sys.exit(f"{errors} requests failed under load.")


if __name__ == "__main__":
    main()
