"""How long it takes to tell what an upgrade would do to every job of a source."""

import statistics
import time

from service.processes import Server
from service.template import TEMPLATE

TIMES = 5


def seconds_to_judge(server: Server, token: str, jobs: int) -> float:
    """The median of some questions for all jobs of the template, of which each has to bind one role more."""
    template = TEMPLATE["source_version"]
    wind = {"role": "wind", "input_kind": "sensor", "metric": "metres_per_second"}
    source = server.get("/api/v1/sources", token)["items"][0]["id"]
    version = {**template, "source_id": source, "version": "1.1.0", "input_roles": [*template["input_roles"], wind]}
    del version["id"]
    path = f"/api/v1/source_versions/{server.post('/api/v1/source_versions', token, version)['id']}/impact?limit=1"
    times = []
    for _ in range(TIMES):
        began = time.perf_counter()
        told = server.get(path, token)
        times.append(time.perf_counter() - began)
        assert told["counts"]["needs_binding"] >= jobs, told["counts"]
    return statistics.median(times)
