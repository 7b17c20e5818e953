"""What it costs that sessions are not a connection's own: the same requests direct, and through PgBouncer."""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from faults.pgbouncer import Pooler
from service.answers import Json
from service.documents import table

from .report import TITLES, _conditions, _number, _ratio, _spread, median, ratios, samples

KINDS = ("read", "list", "setup", "report")
CONNECTIONS = 16
# As many as all clients want at the same time.
SIZE = 20
DIRECT = "direct"
# How the database is reached: through a pooler in this mode if in one, and what the service is told of it.
WAYS: dict[str, tuple[str | None, list[str]]] = {
    DIRECT: (None, []),
    "direct, no session believed": (None, ["--database-pooling=transaction"]),
    "PgBouncer, session mode": ("session", ["--database-pooling=session"]),
    "PgBouncer, transaction mode": ("transaction", []),
}


@dataclass
class Poolers:
    """Poolers before the server of the bench."""

    program: Path
    folder: Path
    user: str | None
    stack: ExitStack

    def url(self, database: str, mode: str | None) -> str:
        """The database of that URL, reached through a pooler in that mode if there is to be one."""
        if mode is None:
            return database
        place = urlsplit(database)
        pooler = Pooler(self.program, self.folder / f"pooler-{mode}", self.user, place.port or 5432, mode, SIZE)
        self.stack.callback(pooler.remove)
        pooler.start()
        return pooler.url(place.path.removeprefix("/"))


def name_of(kind: str, way: str) -> str:
    """How a cell is called."""
    return f"pooling {kind}: {way}"


def tables(runs: list[Json]) -> str:
    """Everything, as Markdown."""
    head = ["request, 16 connections", "database", "per second", "against direct", "p50 ms", "p99 ms", "processor µs"]
    rows = []
    for kind in KINDS:
        for way in WAYS:
            name = name_of(kind, way)
            against = "1" if way == DIRECT else _spread(ratios(runs, name, name_of(kind, DIRECT)), _ratio)
            values = [_number(median(runs, name, value)) for value in ("p50_ms", "p99_ms", "processor_us")]
            rows.append([TITLES[kind], way, _spread(samples(runs, name)), against, *values])
    return "\n\n".join([_conditions(runs), table(head, rows)])
