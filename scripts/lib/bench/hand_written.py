"""The same requests, answered by the service and by what a team would write by hand: fastify/app.js."""

from pathlib import Path

from service.answers import Json
from service.documents import table

from .report import TITLES, _conditions, _number, _ratio, _spread, median, ratios, samples

KINDS = ("read", "list", "setup")
CONNECTIONS = (16, 64)
SERVICE, HAND_WRITTEN = "the service", "Fastify"


def command(database_url: str, packages: Path, secret: Path) -> list[str]:
    """What starts the program written by hand; its packages are in that folder, and so is it."""
    return ["node", str(packages / "app.js"), database_url, str(secret)]


def name_of(kind: str, connections: int, who: str) -> str:
    """How a cell is called."""
    return f"hand-written {kind} {connections}: {who}"


def tables(runs: list[Json]) -> str:
    """Everything, as Markdown."""
    head = ["request", "connections", "answered by", "per second", "against Fastify", "p50 ms", "p99 ms"]
    rows = []
    for kind in KINDS:
        for connections in CONNECTIONS:
            other = name_of(kind, connections, HAND_WRITTEN)
            for who in (SERVICE, HAND_WRITTEN):
                name = name_of(kind, connections, who)
                against = "1" if who == HAND_WRITTEN else _spread(ratios(runs, name, other), _ratio)
                values = [_number(median(runs, name, value)) for value in ("p50_ms", "p99_ms")]
                rows.append([TITLES[kind], str(connections), who, _spread(samples(runs, name)), against, *values])
    return "\n\n".join([_conditions(runs), table(head, rows)])
