"""What a value takes of the disk and of PostgreSQL's log: with the short index by time of issue, and a long one."""

from datetime import UTC, datetime, timedelta

from service.answers import Json
from service.documents import table
from service.processes import Server

from .databases import Postgres
from .report import _conditions, _number

REPORTS = 4_000
VALUES = 24
# docs/adr/0045-indexes-for-those-who-ask.md says why it is short.
INDEXES = {
    "as it is": "SELECT",
    "long": """
        DROP INDEX predictions_of_run_idx;
        CREATE INDEX predictions_issued_at_idx ON predictions (organisation_id, job_id, issued_at, role, at)
    """,
}


def bytes_of_a_value(server: Server, database: Postgres, token: str, kind: str) -> dict[str, float]:
    """Reports a day of hours again and again, one job after the other."""
    database.run(INDEXES[kind])
    jobs = [item["id"] for item in server.get("/api/v1/jobs?limit=200", token)["items"]]
    began = datetime(2026, 1, 1, tzinfo=UTC)
    database.run("CHECKPOINT")
    position = database.run("SELECT pg_current_wal_lsn()").strip()
    for number in range(REPORTS):
        issued = began + timedelta(hours=number // len(jobs))
        values = [
            {"role": "risk", "at": (issued + timedelta(hours=hour)).isoformat(), "value": number / 7 + hour}
            for hour in range(VALUES)
        ]
        body = {"issued_at": issued.isoformat(), "status": "succeeded", "predictions": values}
        server.post(f"/api/v1/jobs/{jobs[number % len(jobs)]}/runs", token, body)
    written = float(database.run(f"SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '{position}')"))
    database.run("VACUUM (ANALYZE) predictions")
    stored = float(database.run("SELECT pg_total_relation_size('predictions')"))
    values_stored = float(database.run("SELECT count(*) FROM predictions"))
    return {
        f"bytes of the disk for a value, index {kind}": stored / values_stored,
        f"bytes of the log for a value and its share of a run, index {kind}": written / values_stored,
    }


def tables(runs: list[Json]) -> str:
    """Everything, as Markdown."""
    found = [[name, _number(figure)] for run in runs for name, figure in run["figures"].items()]
    return "\n\n".join([_conditions(runs), table(["what", "bytes"], found)])
