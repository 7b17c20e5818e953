"""Whether the time of an answer tells what other organisations have: an id of theirs, beside one that never was."""

import http.client
import json
import random
import statistics
import time
import uuid
from collections.abc import Callable
from urllib.parse import urlsplit

from service.answers import Json
from service.documents import table
from service.processes import Server
from service.template import ORGANISATIONS

from .report import _conditions, _ratio

OWN, OTHER = ORGANISATIONS[:2]
ASKED = 1_000
JOBS = 50
SOURCE = "What others have"
VERSION: Json = {
    "version": "1.0.0",
    "input_roles": [
        {"role": "before", "input_kind": "output", "metric": "risk", "required": False},
        {"role": "air", "input_kind": "sensor", "metric": "risk", "required": False},
    ],
    "output_roles": [{"role": f"risk {number}", "metric": "risk"} for number in range(20)],
}


class Unknown:
    """Outputs and inputs of another organisation, and a caller of one."""

    def __init__(self, server: Server, both: str, own: str):
        self._token = own
        self._connection = http.client.HTTPConnection(urlsplit(server.url).netloc)
        jobs = [
            server.post("/api/v1/jobs/setup", both, _setup(OTHER, f"Theirs {number}", []))["job"]
            for number in range(JOBS)
        ]
        self._outputs = [output["id"] for job in jobs for output in job["outputs"]]
        self._inputs = [str(uuid.uuid4()) for _ in range(len(self._outputs))]
        inputs = [{"id": id_, "organisation_id": OTHER, "kind": "gateway", "name": "Theirs"} for id_ in self._inputs]
        server.post("/api/v1/inputs/import", both, {"items": inputs})

    def ratios(self) -> dict[str, float]:
        """The median with an id of another organisation against that with one that never was, taken in turns."""
        questions: list[tuple[str, list[str], Callable[[str], int]]] = [
            ("GET output", self._outputs, lambda id_: self._get(f"/api/v1/outputs/{id_}")),
            ("GET its values", self._outputs, lambda id_: self._get(f"/api/v1/outputs/{id_}/predictions")),
            ("setup with an output", self._outputs, lambda id_: self._bind("before", id_)),
            ("setup with an input", self._inputs, lambda id_: self._bind("air", id_)),
        ]
        return {name: self._compare(theirs, ask) for name, theirs, ask in questions}

    def _compare(self, theirs: list[str], ask: Callable[[str], int]) -> float:
        chance = random.Random(1)
        times: dict[bool, list[float]] = {True: [], False: []}
        statuses = set()
        for number in range(2 * ASKED):
            is_theirs = number % 4 in (0, 3)
            id_ = chance.choice(theirs) if is_theirs else str(uuid.uuid4())
            began = time.perf_counter()
            statuses.add(ask(id_))
            times[is_theirs].append(time.perf_counter() - began)
        assert len(statuses) == 1, statuses
        return statistics.median(times[True]) / statistics.median(times[False])

    def _get(self, path: str) -> int:
        return self._ask("GET", path, None)

    def _bind(self, role: str, id_: str) -> int:
        body = _setup(OWN, "Own", [{"role": role, "input_id": id_}])
        return self._ask("POST", "/api/v1/jobs/setup?dry_run=true", json.dumps(body))

    def _ask(self, method: str, path: str, body: str | None) -> int:
        headers = {"Authorization": "Bearer " + self._token}
        if body is not None:
            headers["Content-Type"] = "application/json"
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        answer.read()
        return answer.status


def _setup(organisation: str, name: str, bindings: list[Json]) -> Json:
    return {
        "organisation_id": organisation,
        "source": {"name": SOURCE, "owner_organisation_id": OWN},
        "source_version": VERSION,
        "job": {"name": name},
        "role_bindings": bindings,
    }


def tables(runs: list[Json]) -> str:
    """Everything, as Markdown."""
    figures = [[name, _ratio(figure)] for run in runs for name, figure in run["figures"].items()]
    return "\n\n".join([_conditions(runs), table(["what others have against what never was", "time"], figures)])
