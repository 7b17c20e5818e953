"""Databases with the same jobs in each, made by cloning one job that was set up through the API."""

import sqlite3
import subprocess
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from service.template import INPUTS

# Ids are the same in every run, so that runs compare. The digits of the number are those of the id, so that pgbench,
# which only knows numbers, can write them, too.
FIRST_ID = 100_000_000_000
# 2026-01-01T00:00:00Z; the jobs come a second apart.
FIRST_TIME = 1_767_225_600
COLUMNS = (
    "organisation_id, id, source_id, source_version_id, name, active, role_bindings, outputs, revision, "
    "created_at, updated_at, updated_by"
)


MIGRATIONS = Path(__file__).parents[3] / "migrations"


class DeadlockError(RuntimeError):
    """PostgreSQL ended a statement that waited in a circle."""


class Postgres:
    """A database of the throw-away server."""

    def __init__(self, server_url: str, binaries: Path, name: str):
        self._psql = binaries / "psql"
        self._admin = server_url
        self.url = urlunsplit(urlsplit(server_url)._replace(path="/" + name))
        self._filled = ["jobs", "run_summaries", "job_health", "job_inputs", "outputs"]
        self.run(f"CREATE DATABASE {name}", self._admin)

    def run(self, sql: str, url: str | None = None) -> str:
        """What psql prints."""
        command = [self._psql, "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"]
        result = subprocess.run(
            [*map(str, command), "--record-separator=\x1e", url or self.url],
            input=sql,
            capture_output=True,
            text=True,
        )
        if "deadlock detected" in result.stderr:
            raise DeadlockError(result.stderr.strip())
        if result.returncode != 0:
            raise RuntimeError(f"psql failed: {result.stderr.strip()}")
        return result.stdout

    def empty(self, *tables: str) -> None:
        """Empties tables. A statement of the service that holds some of them and waits for others goes first."""
        for _ in range(10):
            try:
                self.run(f"TRUNCATE {', '.join(tables)}")
                return
            except DeadlockError:
                continue
        raise RuntimeError(f"{', '.join(tables)} could not be emptied: each attempt was a deadlock")

    def clone_jobs(self, count: int) -> None:
        """Adds that many jobs, spread over the organisations."""
        bindings = "role_bindings::text"
        for offset, template in enumerate(INPUTS):
            bindings = (
                f"replace({bindings}, '{template}', '01990000-0000-7000-8000-' || ({FIRST_ID} + 3 * n + {offset}))"
            )
        at = f"to_timestamp({FIRST_TIME} + n)"
        # Each has an output of its own, as jobs have.
        outputs = f"jsonb_set(outputs, '{{0,id}}', to_jsonb('01990000-0000-7000-a000-' || ({FIRST_ID} + n)))"
        self.run(f"""
            INSERT INTO jobs ({COLUMNS})
            SELECT ('77777777-7777-7777-7777-7777777770' || lpad((n % 10)::text, 2, '0'))::uuid,
                ('01980000-0000-7000-8000-' || ({FIRST_ID} + n))::uuid, source_id, source_version_id, 'Job ' || n,
                active, ({bindings})::jsonb, {outputs}, revision, {at}, {at}, updated_by
            FROM jobs CROSS JOIN generate_series(0::bigint, {count - 1}) AS n WHERE name = 'Template';
        """)
        self.tidy()

    def tidy(self) -> None:
        """Removes what setups added, and everything else that would make the next measurement another one.

        Each job has run once, as jobs have: otherwise PostgreSQL would plan for a table of summaries that is empty.
        """
        self.run("DELETE FROM jobs WHERE name LIKE 'Set up %'")
        self.empty("runs", "predictions", "run_summaries", "run_counters", "deleted_jobs")
        self.run("""
            INSERT INTO run_summaries
            SELECT organisation_id, id, source_id, created_at, true, created_at, 0, NULL FROM jobs
        """)
        # They ran long ago, and are overdue: judged as they would be, so that the service does not do that while it is
        # measured.
        self.run("UPDATE job_health SET status = 2, judged_until = 'infinity' WHERE judged_until = '-infinity'")
        for table in self._filled:
            self.run(f"VACUUM (ANALYZE) {table}")
        self.run("CHECKPOINT")

    def take_chains_back(self) -> None:
        """Makes it what it was before chains were kept. A service that runs on it goes on."""
        self.run(_undo_of_chains("postgres"))
        self._filled.remove("outputs")

    def watch_statements(self) -> None:
        """Starts noting which statements come."""
        self.run("CREATE EXTENSION IF NOT EXISTS pg_stat_statements; SELECT pg_stat_statements_reset()")
        self.run("ALTER SYSTEM SET pg_stat_statements.track = 'top'")
        self.run("SELECT pg_reload_conf()")

    def noted_statements(self) -> list[str]:
        """The statements that came, the most frequent first; stops noting."""
        rows = self.run("SELECT query FROM pg_stat_statements ORDER BY calls DESC")
        self.run("ALTER SYSTEM RESET pg_stat_statements.track")
        self.run("SELECT pg_reload_conf()")
        return rows.strip("\x1e\n").split("\x1e")


class Sqlite:
    """A database file."""

    def __init__(self, path: Path):
        self.path = path
        self.url = f"sqlite:{path}"

    def clone_jobs(self, count: int) -> None:
        """Adds that many jobs, spread over the organisations."""
        bindings = "role_bindings"
        for offset, template in enumerate(INPUTS):
            bindings = (
                f"replace({bindings}, '{template}', '01990000-0000-7000-8000-' || ({FIRST_ID} + 3 * n + {offset}))"
            )
        at = f"({FIRST_TIME} + n) * 1000000"
        outputs = f"json_set(outputs, '$[0].id', '01990000-0000-7000-a000-' || ({FIRST_ID} + n))"
        with sqlite3.connect(self.path) as connection:
            connection.execute(f"""
                WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < {count})
                INSERT INTO jobs ({COLUMNS}) SELECT '77777777-7777-7777-7777-7777777770' || printf('%02d', n % 10),
                    '01980000-0000-7000-8000-' || ({FIRST_ID} + n), source_id, source_version_id, 'Job ' || n, active,
                    {bindings}, {outputs}, revision, {at}, {at}, updated_by
                FROM jobs CROSS JOIN numbers WHERE name = 'Template'
            """)
        connection.close()
        self.tidy()

    def take_chains_back(self) -> None:
        """Makes it what it was before chains were kept. A service that runs on it goes on."""
        connection = sqlite3.connect(self.path, isolation_level=None, timeout=20)
        connection.executescript(_undo_of_chains("sqlite"))
        connection.close()

    def tidy(self) -> None:
        """Removes what setups added."""
        connection = sqlite3.connect(self.path, isolation_level=None, timeout=20)
        connection.execute("DELETE FROM jobs WHERE name LIKE 'Set up %'")
        connection.execute("""
            INSERT OR REPLACE INTO run_summaries (organisation_id, job_id, source_id, last_run_at, last_run_succeeded,
                last_success_at, consecutive_failures)
            SELECT organisation_id, id, source_id, created_at, 1, created_at, 0 FROM jobs
        """)
        connection.execute("""
            UPDATE jobs SET judged_status = 'overdue', judged_until = 4000000000000000000
            WHERE judged_until = -4000000000000000000
        """)
        connection.execute("ANALYZE")
        # Not TRUNCATE: a service finds no file of the log only after its start. Then each commit makes the file longer.
        connection.execute("PRAGMA wal_checkpoint(RESTART)")
        connection.close()


def _undo_of_chains(database: str) -> str:
    return (MIGRATIONS / database / "2026-11-27-000003_know_which_jobs_read_outputs_of_others" / "down.sql").read_text()
