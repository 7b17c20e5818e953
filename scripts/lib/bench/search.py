"""What people wait for who look after a million jobs: the worst first, a part of a name, counts of groups."""

import random
import time
from collections.abc import Callable
from functools import partial

from service.answers import Json
from service.documents import table
from service.processes import Server
from service.template import ORGANISATIONS

from .asking import p99
from .report import _conditions, _number

ASKED = 300
WALKED = 5
COUNTED = 10


def milliseconds(server: Server, token: str, jobs: int) -> dict[str, float]:
    """The p99 of one page of each list, the middle of several walks to the last page, and that of counts."""
    chance = random.Random(1)
    second = server.get("/api/v1/jobs?order=health", token)["next_cursor"]

    def of_one() -> str:
        return f"&organisation_id={chance.choice(ORGANISATIONS)}"

    def name() -> str:
        return f"JOB%20{chance.randrange(jobs)}"

    pages: dict[str, Callable[[], str]] = {
        "worst first": lambda: "?order=health",
        "worst first, of one organisation": lambda: f"?order=health{of_one()}",
        "worst first, the second page": lambda: f"?order=health&cursor={second}",
        "q that is in every name": lambda: "?q=JOB",
        "q that is in every name, worst first": lambda: "?order=health&q=JOB",
        "q that is in few names": lambda: f"?q={name()}",
        "q that is in few names, of one organisation": lambda: f"?q={name()}{of_one()}",
        "q that is in few names, worst first": lambda: f"?order=health&q={name()}",
    }
    found = {f"p99 of a page: {what}": p99(partial(_ask, server, token, query), ASKED) for what, query in pages.items()}
    for order in ("created", "health"):
        walks = [_walk(server, token, f"q={name()}&order={order}&limit=200") for _ in range(WALKED)]
        found[f"all pages of q that is in few names, {order} first"] = sorted(walks)[WALKED // 2]
    for grouping in ("organisation", "source", "source_version"):
        path = f"/health?group_by={grouping}"
        found[f"p99 of counts by {grouping}"] = p99(partial(_ask, server, token, partial(str, path)), COUNTED)
    return found


def _ask(server: Server, token: str, path: Callable[[], str]) -> None:
    server.get(f"/api/v1/jobs{path()}", token)


def _walk(server: Server, token: str, query: str) -> float:
    began = time.perf_counter()
    cursor, found = "", 0
    while True:
        page = server.get(f"/api/v1/jobs?{query}{cursor}", token)
        found += len(page["items"])
        if page["next_cursor"] is None:
            assert found > 0, query
            return (time.perf_counter() - began) * 1_000
        cursor = f"&cursor={page['next_cursor']}"


def tables(runs: list[Json]) -> str:
    """Everything, as Markdown."""
    looks = [[name, _number(figure)] for run in runs for name, figure in run["figures"].items()]
    return "\n\n".join([_conditions(runs), table(["what", "ms"], looks)])
