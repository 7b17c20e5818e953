"""Large reports outlive the process that is killed in the middle of them, as wholes or not at all."""

import contextlib
import itertools
import random
import threading
import time
from datetime import UTC, datetime, timedelta

from service.answers import Json
from service.processes import Server

from .client import BROKEN, SETUP, Caller, busy, setup_of, wait_for
from .figures import Figure, exactly, told, within
from .load import VALUES, values_of
from .world import SQLITE, Place, World

KILLS = 6
# Who sets up jobs meanwhile: on SQLite they write between the parts of a report.
OTHERS = 4
# A report that was acknowledged is followed by the next one, which is killed within this time.
LONGEST_WAIT = 0.5
LONGEST_AGAIN = 5

COUNT = (
    "(SELECT count(*) FROM predictions WHERE predictions.job_id = runs.job_id "
    "AND predictions.issued_at = runs.issued_at)"
)
# Runs with more or fewer values than they were reported with, and values of no run.
PARTIAL = f"SELECT count(*) FROM runs WHERE prediction_count <> {COUNT}"
LOOSE = f"SELECT (SELECT count(*) FROM predictions) - (SELECT coalesce(sum({COUNT}), 0) FROM runs)"


class _Reporter:
    """Reports run after run of one job, each for the same times, and remembers which were acknowledged."""

    def __init__(self, token: str, job: str):
        self._token, self._path = token, f"/api/v1/jobs/{job}/runs"
        self._body = values_of("risk", VALUES)
        self._numbers = itertools.count(1)
        # Values that were issued before the retention of their source would be purged.
        self._first = datetime.now(UTC) - timedelta(days=1)
        self.acknowledged: dict[int, str] = {}

    def _ask(self, caller: Caller, number: int) -> int:
        issued_at = (self._first + timedelta(seconds=number)).isoformat()
        answer = caller.ask("POST", self._path, self._body | {"issued_at": issued_at})
        if answer.status != 503:
            self.acknowledged[number] = str(answer.expect(200, 201)["id"])
        return answer.status

    def report_until_killed(self, server: Server) -> int:
        """Has the server killed in the middle of a report; gives its number."""
        caller = Caller(server.url, self._token)
        self._ask(caller, next(self._numbers))
        killer = threading.Timer(random.uniform(0, LONGEST_WAIT), server.kill)
        killer.start()
        number = next(self._numbers)
        with contextlib.suppress(*BROKEN):
            while True:
                is_told = self._ask(caller, number) != 503
                if server.process.poll() is not None:
                    break
                number = next(self._numbers) if is_told else number
        killer.join()
        return number

    def send_again(self, server: Server, number: int) -> float:
        """Sends a report until it is acknowledged; gives how long that took."""
        caller, began = Caller(server.url, self._token), time.monotonic()
        ended = wait_for(lambda: self._ask(caller, number) != 503, "the same report is acknowledged", 60)
        return ended - began


def crash_reports(world: World, kind: str) -> list[Figure]:
    """Kills the service again and again in the middle of a large report, and sends that once more."""
    place = world.new_place(kind)
    server, made = world.serve_with_template(place)
    reporter = _Reporter(world.token, made["job"]["id"])
    numbers, longest, left = itertools.count(1), 0.0, 0

    for _ in range(2 if world.is_short else KILLS):
        callers = [Caller(server.url, world.token) for _ in range(OTHERS)]

        def set_up(writer: int, callers: list[Caller] = callers) -> None:
            number = next(numbers)
            body: Json = setup_of(f"Beside {number}", number)
            try:
                callers[writer].ask("POST", SETUP, body)
            except BROKEN:
                time.sleep(0.01)

        with busy(OTHERS, set_up):
            number = reporter.report_until_killed(server)
        left += _unfinished(world, place, kind)
        server = world.serve(place.url)
        longest = max(longest, reporter.send_again(server, number))

    stored = {row[0] for row in place.query(world.cluster, "SELECT CAST(id AS text) FROM runs")}
    acknowledged = set(reporter.acknowledged.values())
    kills = 2 if world.is_short else KILLS
    return [
        told(f"{kills} kills in the middle of reports of {VALUES:,} values; values of no run after {left} of them"),
        exactly(f"of {len(acknowledged)} acknowledged, lost", len(acknowledged - stored), 0),
        exactly("others", len(stored - acknowledged), 0),
        exactly("runs with other values than reported", _number(world, place, PARTIAL), 0),
        exactly("values of no run in the end", _number(world, place, LOOSE), 0),
        within("the same report acknowledged", longest, LONGEST_AGAIN),
    ]


def _unfinished(world: World, place: Place, kind: str) -> int:
    return int(_number(world, place, "SELECT count(*) FROM unfinished_runs") > 0) if kind == SQLITE else 0


def _number(world: World, place: Place, sql: str) -> int:
    return int(place.query(world.cluster, sql)[0][0])
