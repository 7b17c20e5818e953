"""The beginning of a service: several at once, and with a schema that cannot be made. And what backups hold."""

import json
import sqlite3
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from service.processes import Server

from .client import everything
from .figures import Figure, exactly, holds, told
from .ledger import Ledger, of_review
from .world import POSTGRES, Place, World

REPLICAS = 4
APPLIED = "SELECT version FROM __diesel_schema_migrations ORDER BY version"
TABLES = {
    POSTGRES: "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE '\\_\\_%' ORDER BY 1",
    "SQLite": "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '\\_\\_%' ESCAPE '\\' ORDER BY 1",
}


def replicas(world: World, kind: str) -> list[Figure]:
    """Starts four at once on an empty database."""
    place = world.new_place(kind)
    with ThreadPoolExecutor(REPLICAS) as threads:
        servers = list(threads.map(lambda _: world.serve(place.url), range(REPLICAS)))
    stored = place.query(world.cluster, APPLIED)
    return [
        exactly("replicas that came up", sum(server.process.poll() is None for server in servers), REPLICAS),
        exactly("migrations applied, each by one of them", sum(map(_migrations, servers)), len(stored)),
    ]


def _migrations(server: Server) -> int:
    """How many a server says that it applied."""
    lines = [json.loads(line) for line in server.log.read_text().splitlines()]
    return sum(line.get("migrations", 0) for line in lines)


def failing_migration(world: World, kind: str) -> list[Figure]:
    """Starts where another program's table is in the way, and again when it is gone."""
    place = world.new_place(kind)
    place.query(world.cluster, "CREATE TABLE jobs (of_another_program text)")
    command, environment = world.command(place.url)
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30)
    complaint = ended.stderr.strip()
    tables = [name for (name,) in place.query(world.cluster, TABLES[kind])]
    says_why = (
        all(part in complaint for part in ("create_catalogue_and_jobs", "jobs")) and "already exists" in complaint
    )
    place.query(world.cluster, "DROP TABLE jobs")
    repaired = world.serve(place.url)
    return [
        exactly("exit code", ended.returncode, 1),
        exactly("lines of complaint", len(complaint.splitlines()), 1),
        holds("it says which migration and why", says_why),
        exactly("tables afterwards", ", ".join(tables), "jobs"),
        holds("starts when the table is gone", repaired.process.poll() is None),
    ]


def backup(world: World, kind: str) -> list[Figure]:
    """Makes a backup in the middle of writes as docs/operations.md says, restores it, and reads it."""
    place = world.new_place(kind)
    server, _ = world.serve_with_template(place)
    ledger = Ledger(server.url, world.token)
    with ledger.writing():
        ledger.wait_for_more(300 if world.is_short else 3_000)
        before = dict(ledger.acknowledged)
        copy = _postgres_copy(world, place) if kind == POSTGRES else _sqlite_copy(world, place)
        ledger.wait_for_more(100)
    restored = world.serve(copy)
    jobs = len(everything(world.caller(restored), "/api/v1/jobs"))
    return [
        told(f"of {len(ledger.acknowledged):,} jobs in the end {jobs - 1:,} restored"),
        *of_review(ledger.review(restored.url, before), len(before)),
    ]


def _postgres_copy(world: World, place: Place) -> str:
    dump = world.new_path("dump")
    world.cluster.dump(place.name, dump)
    world.cluster.restore(dump, f"{place.name}_restored")
    return world.cluster.url(f"{place.name}_restored")


def _sqlite_copy(world: World, place: Place) -> str:
    copy: Path = world.new_path("copy")
    connection = sqlite3.connect(place.path, timeout=20, isolation_level=None)
    connection.execute("VACUUM INTO ?", (str(copy),))
    connection.close()
    return f"sqlite:{copy}"
