"""What grows with time: values that are read among ever more of them, and values that have expired."""

import sqlite3
import statistics
import time
import urllib.request
from collections.abc import Callable

from service.processes import Server

from .databases import Postgres, Sqlite
from .load import Load, measure

# Each job has one run a day with 24 values; the jobs of a database are so many.
JOBS = 100
# A month of a thousand jobs: somewhat more than a million values, all older than the 30 days that they are kept for.
EXPIRED_JOBS, EXPIRED_DAYS = 1_000, 42
EXPIRED = EXPIRED_JOBS * (EXPIRED_DAYS - 1) * 24
# What expires in one more day, as it does in the long run; it goes first.
EXPIRED_IN_A_DAY = EXPIRED_JOBS * 24
# The longest that the purge is waited for, in seconds.
PATIENCE = 180
VALUE_KINDS = ["day", "newest"]


def purged(server: Server) -> float:
    """How many values the server has deleted."""
    with urllib.request.urlopen(server.url + "/metrics", timeout=10) as answer:
        for line in answer.read().decode().splitlines():
            if line.startswith('prediction_purged_total{what="values"} '):
                return float(line.split()[-1])
    return 0.0


def fill_postgres(database: Postgres, days: int) -> None:
    """Gives each job one run a day, with 24 values."""
    database.run("ALTER TABLE runs DISABLE TRIGGER USER")
    database.run(f"""
        TRUNCATE run_summaries;
        INSERT INTO runs (organisation_id, job_id, issued_at, id, job_revision, source_version_id, succeeded, message,
            prediction_count, predictions_digest, received_at)
        SELECT organisation_id, id, timestamptz '2026-01-01Z' + day * interval '1 day', gen_random_uuid(), 1,
            source_version_id, true, NULL, 24, decode(repeat('00', 32), 'hex'), timestamptz '2026-01-01Z'
        FROM jobs CROSS JOIN generate_series(0, {days - 1}) AS day WHERE name LIKE 'Job %';
        INSERT INTO predictions
        SELECT organisation_id, job_id, 'risk', issued_at + hour * interval '1 hour', issued_at, random()
        FROM runs CROSS JOIN generate_series(1, 24) AS hour;
        INSERT INTO run_summaries
        SELECT organisation_id, job_id, source_id, max(issued_at), true, max(issued_at), 0, min(issued_at)
        FROM runs JOIN jobs USING (organisation_id) WHERE jobs.id = runs.job_id
        GROUP BY organisation_id, job_id, source_id;
    """)
    database.run("ALTER TABLE runs ENABLE TRIGGER USER")
    for table in ("runs", "predictions", "run_summaries"):
        database.run(f"VACUUM (ANALYZE) {table}")
    database.run("CHECKPOINT")


def fill_sqlite(file: Sqlite, days: int) -> None:
    """The same in a file."""
    connection = sqlite3.connect(file.path, timeout=20)
    random_id = (
        "lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-8' || "
    )
    random_id += "substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))"
    connection.executescript(f"""
        DELETE FROM run_summaries;
        WITH RECURSIVE days (day) AS (SELECT 0 UNION ALL SELECT day + 1 FROM days WHERE day + 1 < {days})
        INSERT INTO runs (organisation_id, job_id, issued_at, id, job_revision, source_version_id, succeeded, message,
            prediction_count, predictions_digest, received_at)
        SELECT organisation_id, id, (1767225600 + day * 86400) * 1000000, {random_id}, 1, source_version_id, 1,
            NULL, 24, zeroblob(32), 1767225600000000
        FROM jobs CROSS JOIN days WHERE name LIKE 'Job %';
        WITH RECURSIVE hours (hour) AS (SELECT 1 UNION ALL SELECT hour + 1 FROM hours WHERE hour < 24)
        INSERT INTO predictions SELECT organisation_id, job_id, 'risk', issued_at + hour * 3600000000, issued_at, 0.5
        FROM runs CROSS JOIN hours ORDER BY 1, 2, 4;
        ANALYZE;
    """)
    connection.close()


def keep_all_but_a_day(database: Postgres | Sqlite) -> None:
    """Has all values last but those of the first day: few of each job are due, in front of many that are not."""
    second_day = 1_767_225_600 + 86_400
    keep_for(database, int(time.time() - second_day) // 3_600 + 1)


def keep_for(database: Postgres | Sqlite, hours: int) -> None:
    """Changes how long values are kept, of all sources."""
    statement = f"UPDATE sources SET retention_hours = {hours}"
    if isinstance(database, Postgres):
        database.run(statement)
    else:
        with sqlite3.connect(database.path, timeout=20) as connection:
            connection.execute(statement)
        connection.close()


def seconds_to_purge(server: Server, values: int) -> float:
    """How long it takes until the server has deleted so many values."""
    began = time.perf_counter()
    while purged(server) < values:
        if time.perf_counter() - began > PATIENCE:
            raise RuntimeError(f"only {purged(server):,.0f} of {values:,} values were purged in {PATIENCE} s")
        time.sleep(0.05)
    return time.perf_counter() - began


class ReadsDuringPurge:
    """READ while nothing is purged, while it is, and afterwards, in windows of a second."""

    def __init__(self, load: Load):
        self._load = load
        self._salt = 0

    def window(self, server: Server) -> float:
        """The p99 of a second, in ms."""
        self._salt += 1
        return measure(server, self._load, 1, self._salt)["p99_ms"]

    def compare(self, quiet: Server, start_purging: Callable[[], Server]) -> dict[str, float]:
        """Seconds until all is purged, and how the p99 changed: its median against that before and after."""
        before = [self.window(quiet) for _ in range(8)]
        began = time.perf_counter()
        purging = start_purging()
        during = []
        while purged(purging) < EXPIRED:
            if time.perf_counter() - began > PATIENCE:
                raise RuntimeError(f"only {purged(purging):,.0f} of {EXPIRED:,} values were purged in {PATIENCE} s")
            during.append(self.window(purging))
        took = time.perf_counter() - began
        after = [self.window(quiet) for _ in range(8)]
        calm = statistics.median(before + after)
        busy = statistics.median(during)
        return {"seconds": took, "calm_p99_ms": calm, "busy_p99_ms": busy, "ratio": busy / calm}
