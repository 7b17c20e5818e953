"""What is measured, and how much of it."""

import argparse
from pathlib import Path

# What can be measured alone, by the word that asks for it.
PARTS = {
    "results": "only what concerns values: reading and purging them",
    "impact": "only how long it takes to tell what an upgrade would do",
    "directory": "only what a directory of inputs costs",
    "unknown": "only whether times tell what others have",
    "chains": "only what jobs cost that read outputs of others",
    "search": "only what people look for among a million jobs: the worst, and a part of a name",
    "series": "only what values would take as series instead of rows: about 5 minutes",
    "stored": "only what a value takes of the disk and of PostgreSQL's log: under 3 minutes",
    "apply": "only documents of a thousand jobs, and the command line: under 3 minutes",
    "row-level-security": "only what policies in PostgreSQL would cost: under 3 minutes",
    "hand-written": "only the same requests to a program written by hand with Fastify: under 2 minutes",
    "pooling": "only what a pooler before PostgreSQL costs: under 2 minutes",
}


def read(description: str | None) -> argparse.Namespace:
    """The options of the command line, and the sizes that follow from them."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=description)
    parser.add_argument("--quick", action="store_true", help="fewer jobs and rounds, no ladder: some 5 minutes")
    for part, text in PARTS.items():
        parser.add_argument(f"--{part}", dest="part", action="store_const", const=part, help=text)
    parser.add_argument("--rounds", type=int, help="rounds in which everything is measured once [default: 4]")
    parser.add_argument("--seconds", type=int, help="seconds of each measurement [default: 1]")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="where the figures are written")
    parser.add_argument("--report", type=Path, nargs="+", metavar="FILE", help="only write docs from these figures")
    parser.add_argument("--postgres", help=argparse.SUPPRESS)
    parser.add_argument("--binaries", help=argparse.SUPPRESS)
    parser.add_argument("--pgbouncer", help=argparse.SUPPRESS)
    parser.add_argument("--fastify", help=argparse.SUPPRESS)
    parser.add_argument("--postgres-user", help=argparse.SUPPRESS)
    parser.add_argument("--target", default="target", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.jobs = 100_000
    options.ladder = [] if options.quick else [10_000, 100_000, 1_000_000]
    options.values = [100_000, 1_000_000] if options.quick else [100_000, 1_000_000, 10_000_000]
    options.impact_jobs = [10_000] if options.quick else [10_000, 1_000_000]
    options.searched_jobs = 100_000 if options.quick else 1_000_000
    options.inputs = 100_000 if options.quick else 1_000_000
    options.rounds = options.rounds or (1 if options.quick else 3 if options.part == "row-level-security" else 4)
    options.seconds = options.seconds or 1
    options.reads = 1 if options.quick else 3
    options.starts = 50 if options.quick else 200
    return options
