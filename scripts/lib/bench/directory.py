"""What a directory of a million inputs costs: those who look for an input, and those who bind one."""

import random
import sqlite3
from collections.abc import Callable
from functools import partial
from urllib.parse import quote

from service.answers import Json
from service.documents import table
from service.processes import Server
from service.template import ORGANISATIONS, TEMPLATE

from .asking import p99
from .databases import FIRST_ID, Postgres, Sqlite
from .report import _conditions, _number, compared

ASKED = 400
# In a thousand organisations. The loads know these numbers, too.
IN_EACH = 1_000
COLUMNS = "organisation_id, id, kind, name, name_key, metric, unit, revision, created_at, updated_at"
# Half of them can be bound to the role that is asked for, the others to the roles of all other versions.
CONTENT = """'sensor', 'Sensor ' || i || ' of ' || n, 'sensor ' || i || ' of ' || n,
    CASE WHEN i < 500 THEN 'temperature' END, CASE WHEN i >= 500 THEN '%' WHEN i % 3 = 0 THEN '°C' ELSE 'K' END, 1"""


def fill_postgres(database: Postgres, organisations: int) -> None:
    """A thousand inputs for each organisation."""
    database.run(f"""
        INSERT INTO inputs ({COLUMNS})
        SELECT ('77777777-7777-7777-7777-777777777' || lpad(n::text, 3, '0'))::uuid,
            ('01990000-0000-7000-9000-' || ({FIRST_ID} + n * 100000 + i))::uuid, {CONTENT}, now(), now()
        FROM generate_series(0::bigint, {organisations - 1}) AS n, generate_series(0::bigint, {IN_EACH - 1}) AS i
    """)
    database.run("VACUUM (ANALYZE) inputs")


def fill_sqlite(file: Sqlite, organisations: int) -> None:
    """The same."""
    connection = sqlite3.connect(file.path, isolation_level=None, timeout=20)
    connection.execute(f"""
        WITH RECURSIVE
            ns (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM ns WHERE n + 1 < {organisations}),
            numbers (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM numbers WHERE i + 1 < {IN_EACH})
        INSERT INTO inputs ({COLUMNS})
        SELECT '77777777-7777-7777-7777-777777777' || printf('%03d', n),
            '01990000-0000-7000-9000-' || ({FIRST_ID} + n * 100000 + i), {CONTENT}, 0, 0
        FROM ns CROSS JOIN numbers
    """)
    connection.execute("ANALYZE")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def milliseconds_to_look(server: Server, token: str) -> dict[str, float]:
    """The p99 of questions for candidates and for a part of a name."""
    source = server.get("/api/v1/sources", token)["items"][0]["id"]
    air = {"role": "air", "input_kind": "sensor", "metric": "temperature", "unit": "°C"}
    version = {**TEMPLATE["source_version"], "source_id": source, "version": "air", "input_roles": [air]}
    del version["id"]
    version_id = server.post("/api/v1/source_versions", token, version)["id"]
    chance = random.Random(1)

    def candidates() -> str:
        organisation = chance.choice(ORGANISATIONS)
        return f"/api/v1/source_versions/{version_id}/candidates?organisation_id={organisation}&role=air"

    def part_of_name() -> str:
        part = quote(f"SENSOR {chance.randrange(IN_EACH)} of")
        return f"/api/v1/inputs?organisation_id={chance.choice(ORGANISATIONS)}&q={part}"

    def ask(question: Callable[[], str]) -> None:
        path = question()
        assert server.get(path, token)["items"], path

    questions = {"candidates": candidates, "q": part_of_name}
    return {name: p99(partial(ask, question), ASKED) for name, question in questions.items()}


def tables(runs: list[Json]) -> str:
    """Everything, as Markdown."""
    looks = [[name, _number(figure)] for run in runs for name, figure in run["figures"].items()]
    head = ["SETUP", "unknown inputs, per second", "known inputs, per second", "known against unknown"]
    rows = compared(runs, ["postgres", "sqlite"], ("setup", "known"))
    return "\n\n".join([_conditions(runs), table(["what", "measured"], looks), table(head, rows)])
