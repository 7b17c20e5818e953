"""What values would take as series: one row for each run and role, with times and values as arrays (ADR 44)."""

import re
import sqlite3
import statistics
import struct
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from service.answers import Json
from service.documents import table

from .databases import Postgres
from .report import _conditions, _number

# Hourly runs, each with so many hourly values; jobs and runs of each, so that all have some two million values.
HORIZONS = {24: (100, 960), 240: (20, 480)}
ROUNDS = 3
SECONDS = 2
CLIENTS = 4
REPORTS = 2_000
BULK = 10_000
BULKS = 12
BEGIN = "timestamptz '2026-01-01Z'"
ORGANISATION = "'77777777-7777-7777-7777-777777777700'::uuid"
JOB = "('01980000-0000-7000-8000-' || (100000000000 + {}))::uuid"

TABLES = """
    CREATE TABLE value_rows (organisation_id uuid NOT NULL, job_id uuid NOT NULL, role text COLLATE "C" NOT NULL,
        at timestamptz NOT NULL, issued_at timestamptz NOT NULL, value double precision NOT NULL);
    CREATE UNIQUE INDEX ON value_rows (organisation_id, job_id, role, at, issued_at DESC);
    CREATE INDEX ON value_rows (organisation_id, job_id, issued_at);
    CREATE TABLE value_series (organisation_id uuid NOT NULL, job_id uuid NOT NULL, issued_at timestamptz NOT NULL,
        role text COLLATE "C" NOT NULL, first_at timestamptz NOT NULL, last_at timestamptz NOT NULL,
        at timestamptz[] NOT NULL, value double precision[] NOT NULL,
        PRIMARY KEY (organisation_id, job_id, issued_at, role));
"""
OF_JOB = f"organisation_id = {ORGANISATION} AND job_id = {JOB.format(':n')} AND role = 'risk'"
ALONG = "ORDER BY organisation_id, job_id, role, at, issued_at DESC LIMIT 1"


def fill(jobs: int, runs: int, horizon: int) -> str:
    """Both tables, with the same values."""
    return f"""
        INSERT INTO value_series SELECT {ORGANISATION}, {JOB.format("job")}, issued, 'risk', issued + interval '1 hour',
            issued + interval '{horizon} hours', made.at, made.value
        FROM generate_series(0, {runs - 1}) AS run CROSS JOIN generate_series(0, {jobs - 1}) AS job
        CROSS JOIN LATERAL (SELECT {BEGIN} + run * interval '1 hour' AS issued) AS i
        CROSS JOIN LATERAL (SELECT array_agg(issued + hour * interval '1 hour' ORDER BY hour) AS at,
            array_agg(round((50 + 20 * sin(hour / 4.0) + random())::numeric, 2)::float8 ORDER BY hour) AS value
            FROM generate_series(1, {horizon}) AS hour) AS made;
        INSERT INTO value_rows SELECT organisation_id, job_id, role, u.at, issued_at, u.value
        FROM value_series CROSS JOIN LATERAL unnest(at, value) AS u (at, value);
        VACUUM (ANALYZE) value_rows; VACUUM (ANALYZE) value_series; CHECKPOINT;
    """


def reads(jobs: int, runs: int, horizon: int) -> dict[str, str]:
    """What is asked again and again, in each form. The day is one in the middle of what was predicted."""
    sets = f"\\set n random(0, {jobs - 1})\n\\set h random({horizon}, {runs - 25})\n"
    begin, end = f"{BEGIN} + :h * interval '1 hour'", f"{BEGIN} + (:h + 24) * interval '1 hour'"

    def rows(last: str) -> str:
        found = f"SELECT at, value, issued_at FROM value_rows WHERE {OF_JOB}"
        return f"""{sets}WITH RECURSIVE times AS (
            ({found} AND at >= {begin} AND at < {last} {ALONG}) UNION ALL SELECT later.* FROM times CROSS JOIN LATERAL
            ({found} AND at > times.at AND at < {last} {ALONG}) AS later) SELECT * FROM times;
        """

    of_days = f"""FROM value_series WHERE {OF_JOB} AND issued_at >= {begin} - interval '{horizon} hours'
        AND issued_at < {end} AND last_at >= {begin} AND first_at < {end}"""
    return {
        "a day, rows": rows(end),
        "a day, series, put together by PostgreSQL": f"""{sets}SELECT DISTINCT ON (u.at) u.at, u.value, issued_at
            FROM (SELECT issued_at, at, value {of_days}) AS s CROSS JOIN LATERAL unnest(s.at, s.value) AS u (at, value)
            WHERE u.at >= {begin} AND u.at < {end} ORDER BY u.at, issued_at DESC;
        """,
        "a day, series, sent to be put together": f"{sets}SELECT issued_at, at, value {of_days};\n",
        "one value, rows": rows(f"{BEGIN} + (:h + 1) * interval '1 hour'"),
    }


def reports(count: int) -> dict[str, str]:
    """A report of so many values, without its run."""
    # Each client reports of a job of its own: two reports of one job have not the same time.
    sets = "\\set n 1000 + :client_id\n"
    made = f"""(SELECT clock_timestamp() AS issued, array_agg({BEGIN} + number * interval '1 hour') AS at,
        array_agg(random()) AS value FROM generate_series(1, {count}) AS number) AS made"""
    job = JOB.format(":n")
    return {
        "rows": f"""{sets}INSERT INTO value_rows SELECT {ORGANISATION}, {job}, 'risk', u.at, made.issued, u.value
            FROM {made} CROSS JOIN LATERAL unnest(made.at, made.value) AS u (at, value);
        """,
        "series": f"""{sets}INSERT INTO value_series SELECT {ORGANISATION}, {job}, issued, 'risk', at[1], at[{count}],
            at, value FROM {made};
        """,
    }


class Series:
    """Both forms in one database, asked in turns."""

    def __init__(self, folder: Path, binaries: Path, database: Postgres):
        self._folder = folder
        self._pgbench = binaries / "pgbench"
        self._database = database
        self.figures: dict[str, float] = {}

    def _run(self, script: str, until: str) -> float:
        """Transactions per second."""
        file = self._folder / "series.sql"
        file.write_text(script)
        parts = urlsplit(self._database.url)
        command = [
            str(self._pgbench),
            "-h",
            str(parts.hostname),
            "-p",
            str(parts.port),
            "-U",
            parts.username or "postgres",
        ]
        command += ["--no-vacuum", "--protocol=prepared", f"--client={CLIENTS}", "--jobs=1", until, "--file", str(file)]
        result = subprocess.run([*command, parts.path.lstrip("/")], capture_output=True, text=True, check=False)
        found = re.search(r"tps = ([0-9.]+)", result.stdout)
        if result.returncode != 0 or not found:
            raise RuntimeError(f"pgbench failed: {result.stdout} {result.stderr}")
        return float(found[1])

    def _medians(self, scripts: dict[str, str]) -> dict[str, float]:
        found: dict[str, list[float]] = {name: [] for name in scripts}
        for _ in range(ROUNDS):
            for name, script in scripts.items():
                found[name].append(self._run(script, f"--time={SECONDS}"))
        return {name: statistics.median(rates) for name, rates in found.items()}

    def measure(self) -> None:
        """All of it on PostgreSQL."""
        for horizon, (jobs, runs) in HORIZONS.items():
            self._database.run("DROP TABLE IF EXISTS value_rows, value_series;" + TABLES)
            self._database.run(fill(jobs, runs, horizon))
            values = jobs * runs * horizon
            for form in ("rows", "series"):
                size = float(self._database.run(f"SELECT pg_total_relation_size('value_{form}')"))
                self.figures[f"bytes of a value, {form}, runs of {horizon} hours"] = size / values
            for name, rate in self._medians(reads(jobs, runs, horizon)).items():
                self.figures[f"per second: {name}, runs of {horizon} hours"] = rate
            for form in ("rows", "series"):
                self.figures[f"values purged per second by one statement, {form}, runs of {horizon} hours"] = (
                    self._purge(form, runs, values)
                )
        for count in (24, BULK):
            for form, rate in self._medians(reports(count)).items():
                self.figures[f"per second: report of {count:,}, {form}"] = rate
        for form, script in reports(24).items():
            self._database.run("CHECKPOINT")
            position = self._database.run("SELECT pg_current_wal_lsn()").strip()
            self._run(script, f"--transactions={REPORTS // CLIENTS}")
            written = float(self._database.run(f"SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '{position}')"))
            self.figures[f"bytes of the log for a value, reports of 24, {form}"] = written / REPORTS / 24

    def _purge(self, form: str, runs: int, values: int) -> float:
        began = time.perf_counter()
        self._database.run(f"DELETE FROM value_{form} WHERE issued_at < {BEGIN} + {runs // 4} * interval '1 hour'")
        return values / 4 / (time.perf_counter() - began)


def seconds_on_sqlite(folder: Path) -> dict[str, float]:
    """How long SQLite's one writer is occupied by a report of 10,000 values, in each form: the median of some."""
    connection = sqlite3.connect(folder / "series.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.executescript("""
        CREATE TABLE value_rows (organisation_id TEXT NOT NULL, job_id TEXT NOT NULL, role TEXT NOT NULL,
            at INTEGER NOT NULL, issued_at INTEGER NOT NULL, value REAL NOT NULL,
            PRIMARY KEY (organisation_id, job_id, role, at, issued_at)) STRICT, WITHOUT ROWID;
        CREATE INDEX value_rows_issued_at ON value_rows (organisation_id, job_id, issued_at);
        CREATE TABLE value_series (organisation_id TEXT NOT NULL, job_id TEXT NOT NULL, issued_at INTEGER NOT NULL,
            role TEXT NOT NULL, first_at INTEGER NOT NULL, last_at INTEGER NOT NULL,
            at BLOB NOT NULL, value BLOB NOT NULL,
            PRIMARY KEY (organisation_id, job_id, issued_at, role)) STRICT, WITHOUT ROWID;
    """)
    organisation, job = "7" * 36, "0" * 36
    ats = [1_767_225_600_000_000 + number * 3_600_000_000 for number in range(BULK)]
    values = [number / 7 for number in range(BULK)]

    def rows(number: int) -> None:
        connection.executemany(
            "INSERT INTO value_rows VALUES (?, ?, 'risk', ?, ?, ?)",
            ((organisation, job, at, number, value) for at, value in zip(ats, values, strict=True)),
        )

    def series(number: int) -> None:
        packed = struct.pack(f"<{BULK}q", *ats), struct.pack(f"<{BULK}d", *values)
        key = (organisation, job, number, ats[0], ats[-1])
        connection.execute("INSERT INTO value_series VALUES (?, ?, ?, 'risk', ?, ?, ?, ?)", (*key, *packed))

    forms: dict[str, Callable[[int], None]] = {"rows": rows, "series": series}
    found: dict[str, list[float]] = {form: [] for form in forms}
    for number in range(BULKS):
        for form, insert in forms.items():
            began = time.perf_counter()
            connection.execute("BEGIN IMMEDIATE")
            insert(number)
            connection.execute("COMMIT")
            found[form].append((time.perf_counter() - began) * 1_000)
    connection.close()
    return {
        f"ms of SQLite's writer, report of 10,000, {form}": statistics.median(times) for form, times in found.items()
    }


def tables(runs: list[Json]) -> str:
    """Everything, as Markdown."""
    found = [[name, _number(figure)] for run in runs for name, figure in run["figures"].items()]
    return "\n\n".join([_conditions(runs), table(["what", ""], found)])
