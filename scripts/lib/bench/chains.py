"""What jobs cost that read outputs of others: the refusal of a long cycle, and large lineages."""

import time

from service.answers import Json
from service.documents import table
from service.processes import Server
from service.template import ORGANISATIONS, TEMPLATE

from .asking import p99
from .report import _conditions, _number, compared

JOBS = 1_000
ASKED = 100
DATABASES = ["PostgreSQL", "SQLite"]
# A database in which chains are not kept, beside one in which they are.
KINDS = WITHOUT, WITH = "without", "with"


class Chains:
    """A thousand jobs one behind the other, and one job that 999 others read."""

    def __init__(self, server: Server, token: str):
        self._server = server
        self._token = token
        source = server.get("/api/v1/sources", token)["items"][0]["id"]
        reads = {"role": "before", "input_kind": "output", "metric": "probability", "unit": "1", "required": False}
        version = {**TEMPLATE["source_version"], "source_id": source, "version": "chain", "input_roles": [reads]}
        del version["id"]
        self._version = server.post("/api/v1/source_versions", token, version)["id"]
        row = [self._job("Stage 0", None)]
        for number in range(1, JOBS):
            row.append(self._job(f"Stage {number}", row[-1]))
        self._row = row
        self._hub = self._job("Hub", None)
        for number in range(1, JOBS):
            self._job(f"Reader {number}", self._hub)

    def _job(self, name: str, before: Json | None) -> Json:
        bindings = [] if before is None else [_binding(before)]
        body = {
            "organisation_id": ORGANISATIONS[0],
            "job": {"name": name, "source_version_id": self._version},
            "role_bindings": bindings,
        }
        job: Json = self._server.post("/api/v1/jobs/setup", self._token, body)["job"]
        return job

    def milliseconds(self) -> dict[str, float]:
        """Of a hundred of each, the p99."""
        return {
            f"refuse a cycle of {JOBS:,} jobs": p99(self._close, ASKED),
            f"lineage of {JOBS:,} jobs around one": p99(self._around_hub, ASKED),
            f"lineage in a row of {JOBS:,} jobs, 10 steps each way": p99(self._in_row, ASKED),
            "set up a job that reads an output": p99(self._set_up, ASKED),
        }

    def _close(self) -> None:
        path = f"/api/v1/jobs/{self._row[0]['id']}"
        problem = self._server.refused(path, self._token, {"role_bindings": [_binding(self._row[-1])]})
        assert problem["errors"][0]["actual"]["jobs"] == JOBS, problem

    def _around_hub(self) -> None:
        found = self._server.get(f"/api/v1/jobs/{self._hub['id']}/lineage", self._token)
        assert (len(found["nodes"]), found["truncated"]) == (JOBS, False)

    def _in_row(self) -> None:
        found = self._server.get(f"/api/v1/jobs/{self._row[JOBS // 2]['id']}/lineage", self._token)
        assert (len(found["nodes"]), found["truncated"]) == (21, True)

    def _set_up(self) -> None:
        self._job(f"Another {time.perf_counter_ns()}", self._row[-1])


def _binding(job: Json) -> Json:
    return {"role": "before", "input_id": job["outputs"][0]["id"]}


def tables(runs: list[Json]) -> str:
    """Everything, as Markdown."""
    figures = [[name, _number(figure)] for run in runs for name, figure in run["figures"].items()]
    head = ["SETUP", "without chains, per second", "with chains, per second", "with against without"]
    rows = compared(runs, DATABASES, KINDS)
    return "\n\n".join([_conditions(runs), table(["what", "measured"], figures), table(head, rows)])
