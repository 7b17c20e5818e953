"""One organisation uses an input very often, another one does too, and a third one not at all."""

import itertools
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from service.answers import Json
from service.processes import Server, mint
from service.template import INPUTS, ORGANISATIONS

from .client import Caller
from .crowd import Crowd, percentile, raw_request
from .figures import Figure, at_most, exactly, rate, told, within
from .world import Place, World

# The first set up the template, whose inputs all clones use. The third has jobs without any inputs.
OWNER, FOREIGN, STRANGER = ORGANISATIONS[:3]
USES, FOREIGN_USES = 100_000, 30_000
FEW_USES, FEW_FOREIGN_USES = 2_000, 600
STRANGERS_JOBS = 100
UNUSED = "0197f000-0000-7000-8000-0000000000ff"
FIRST_ID = 100_000_000_000
# So many at a time, since a session does not wait for long.
BATCH = 10_000
# How much longer than a page without a filter one by input may take.
BOUND = 3
# As issue 14 has it for what is asked of many jobs.
LONGEST = 0.2
# How far the times of an input that others use and of one that no job uses may be apart: no more than by chance.
APART = 1.1


@dataclass(frozen=True)
class _Walk:
    """All jobs that use the input, as pages tell them."""

    jobs: list[Json]
    middle: str


def input_uses(world: World, kind: str) -> list[Figure]:
    """Measures pages of the jobs that use an input, in turns with those without a filter."""
    uses, foreign = (FEW_USES, FEW_FOREIGN_USES) if world.is_short else (USES, FOREIGN_USES)
    place = world.new_place(kind)
    server, _ = world.serve_with_template(place)
    # One after the other in the same table, so that creation order mixes them.
    for done in range(0, uses, BATCH):
        _clone(world, place, OWNER, done, min(BATCH, uses - done))
        share = foreign * min(done + BATCH, uses) // uses
        _clone(world, place, FOREIGN, foreign * done // uses, share - foreign * done // uses)
    _clone(world, place, STRANGER, 0, STRANGERS_JOBS, "[]")
    world.settle(place)
    owner, stranger = (mint(world.program, world.folder / "data", [one]) for one in (OWNER, STRANGER))
    walk = _walk(Caller(server.url, owner))
    by_input = f"/api/v1/jobs?limit=20&input_id={INPUTS[0]}"
    seconds = 1 if world.is_short else 8
    everything, first, middle = _times(
        server,
        [
            raw_request("GET", "/api/v1/jobs?limit=20", owner),
            raw_request("GET", by_input, owner),
            raw_request("GET", f"{by_input}&cursor={walk.middle}", owner),
        ],
        seconds,
    )
    # By themselves, since what comes after a long answer takes a little longer.
    used, unused = _times(
        server,
        [
            raw_request("GET", by_input, stranger),
            raw_request("GET", f"/api/v1/jobs?limit=20&input_id={UNUSED}", stranger),
        ],
        seconds,
    )
    usual = statistics.median(everything)
    figures = [
        told(f"{uses:,} jobs of one organisation use an input, and {foreign:,} of another one"),
        exactly("jobs on the pages of the one", len({job["id"] for job in walk.jobs}), uses + 1),
        exactly("told twice", len(walk.jobs) - len({job["id"] for job in walk.jobs}), 0),
        exactly("of others", sum(job["organisation_id"] != OWNER for job in walk.jobs), 0),
        told(f"20 jobs without a filter in {usual * 1000:.2f} ms (median of {len(everything):,})"),
    ]
    for name, times in {"the first 20 by input": first, "20 from the middle": middle}.items():
        figures.append(told(f"{name} in {statistics.median(times) * 1000:.2f} ms"))
        figures.append(rate(at_most(f"{name}, times those without", statistics.median(times) / usual, BOUND)))
        figures.append(within(f"{name}, p99", percentile(times, 0.99), LONGEST))
    of_used, of_unused = statistics.median(used), statistics.median(unused)
    return [
        *figures,
        told(
            f"a third one is told of none in {of_used * 1000:.3f} ms, and in {of_unused * 1000:.3f} of an unused input"
        ),
        rate(at_most("the longer, times the shorter", max(of_used, of_unused) / min(of_used, of_unused), APART)),
    ]


def _clone(world: World, place: Place, organisation: str, begin: int, count: int, bindings: str = "") -> None:
    """Adds so many jobs like the template's, past the service."""
    new_id = f"'019a0000-0000-7000-8{organisation[-3:]}-' || ({FIRST_ID} + {begin} + n)"
    if not place.url.startswith("sqlite:"):
        new_id = f"CAST({new_id} AS uuid)"
    roles = f"'{bindings}'" if bindings else "role_bindings"
    place.query(
        world.cluster,
        f"""
        WITH RECURSIVE numbers (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM numbers WHERE n < {count})
        INSERT INTO jobs (organisation_id, id, source_id, source_version_id, name, active, role_bindings, outputs,
            revision, created_at, updated_at)
        SELECT '{organisation}', {new_id}, source_id, source_version_id, 'Clone ' || ({begin} + n), active,
            {roles}, outputs, 1, created_at, updated_at
        FROM jobs CROSS JOIN numbers WHERE name = 'Template'
        """,
    )


def _walk(caller: Caller) -> _Walk:
    jobs: list[Json] = []
    cursors: list[str] = []
    for page in _pages(caller):
        jobs += page["items"]
        cursors.append(page["next_cursor"] or "")
    return _Walk(jobs, cursors[(len(cursors) - 1) // 2])


def _pages(caller: Caller) -> Iterator[Json]:
    cursor = ""
    while True:
        page = caller.ask("GET", f"/api/v1/jobs?limit=200&input_id={INPUTS[0]}{cursor}").expect(200)
        yield page
        if not page["next_cursor"]:
            return
        cursor = f"&cursor={page['next_cursor']}"


def _times(server: Server, requests: Sequence[bytes], seconds: float) -> list[list[float]]:
    """How long each of them takes, asked in turns, so that what else the machine does befalls all alike."""
    turns: Iterator[bytes] = itertools.cycle(requests)
    with Crowd(server.url, 1, lambda: next(turns)) as caller:
        caller.run(seconds / 8)
        turns = itertools.cycle(requests)
        tally = caller.run(seconds)
    # One may be under way in the end.
    if tally.broken or tally.sent - len(tally.good) > 1:
        raise RuntimeError(f"not all were answered well: {dict(tally.statuses)}, {tally.broken} broke")
    return [[took for _, took in tally.good[number :: len(requests)]] for number in range(len(requests))]
