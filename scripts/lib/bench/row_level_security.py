"""What row-level security in PostgreSQL would cost READ and LIST: docs/adr/0015-row-level-security.md.

The tables of tenants get policies here, in the bench's own database only. The service itself knows nothing of them: it
is the owner of the tables, whom policies do not concern, and roles made here stand for a service that they do concern.
"""

import difflib
import os
import re
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from service.answers import Json
from service.documents import table
from service.processes import Server
from service.template import ORGANISATIONS

from .databases import FIRST_ID, Postgres
from .limits import CONSTANTS_OF_JOIN, Limits, fill
from .load import Load, measure
from .report import _conditions, _ratio, _spread, samples

TABLES = ["jobs", "job_revisions", "runs", "predictions", "run_summaries", "run_counters", "deleted_jobs"]
SETTING = "prediction.organisations"
# The condition of a policy. The first is as one writes it at first; it is computed anew for every row that is looked
# at. The second is computed once for a statement and table; the outer cast tells an array from a subquery of rows. The
# third is the same in a form that no index serves, so that PostgreSQL does not look each organisation up where one row
# was to be found.
FORMS = {
    "plain": f"organisation_id = ANY (current_setting('{SETTING}')::uuid[])",
    "once": f"organisation_id = ANY ((SELECT current_setting('{SETTING}')::uuid[])::uuid[])",
    "filter": f"(organisation_id = ANY ((SELECT current_setting('{SETTING}')::uuid[])::uuid[])) IS TRUE",
}
# With which the ways to make the setting are measured. Between it and the second the figures do not decide.
CHOSEN = "filter"
# Of the callers whose scope is one organisation: any but the first, which also has the job that all others are clones
# of.
ONE = 3
BATCH = 8
# A prepared statement is planned anew five times before PostgreSQL may keep a plan.
STATEMENTS_UNTIL_PLANNED = 6
# Roles whose connections have the setting from their beginning, by the form of their policy and their scope; and one
# that has to make it for each request.
SESSIONS = {f"bench_{form}_{scope}": (form, scope) for form in FORMS for scope in ("one", "ten")}
ASKED = "bench_asked"
# The role of a service whose callers are all of the ten organisations.
GUARDED = f"bench_{CHOSEN}_ten"

AS_IS, AGAIN = "as it is", "as it is, again"
# What is measured: what to do, said for people, and how many round trips it takes.
SESSION_ROWS = [
    (
        f"policy, {form}; setting of the session, {scope} organisation{'s' * (scope == 'ten')}",
        1,
        f"bench_{form}_{scope}",
    )
    for form in FORMS
    for scope in ("one", "ten")
]
WAYS = {
    "transaction": (f"policy, {CHOSEN}; BEGIN, setting, statement, COMMIT", 4),
    "set first": (f"policy, {CHOSEN}; setting of the session made anew, statement", 2),
    "pipeline": (f"policy, {CHOSEN}; setting and statement sent together (pipeline)", 1),
    "function": (f"policy, {CHOSEN}; setting and statement in a function", 1),
    "same statement": (f"policy, {CHOSEN}; setting in the statement, ahead of the rows by luck", 1),
}
KINDS = {"read": "READ by id", "list": "LIST, first 20", "batch": f"READ, {BATCH} at once", "input": "LIST by input"}
TAKE = Callable[[], dict[str, float]]
# How it is called, the role that it is asked as, and the way to make the setting.
Arm = tuple[str, str | None, str]


class UnsafePolicy(RuntimeError):
    """What is to be measured does not protect."""


@dataclass
class Script:
    """What pgbench repeats: variables, then lines that are sent one after the other."""

    sets: list[str]
    lines: list[str]

    def write(self, path: Path) -> Path:
        """As pgbench reads it."""
        path.write_text("".join(f"\\set {line}\n" for line in self.sets) + "\n".join(self.lines) + "\n")
        return path

    def once(self, **values: int) -> str:
        """As psql reads it, with values for the variables."""
        text = "\n".join(self.lines).replace("\\startpipeline", "BEGIN;").replace("\\endpipeline", "COMMIT;")
        return re.sub(r"(?<!:):([a-z]\d*)\b", lambda match: str(values[match[1]]), text)


class RowLevelSecurity:
    """Policies on a database, and what is measured there."""

    def __init__(self, database: Postgres, limits: Limits, folder: Path, jobs: int, seconds: int):
        self._database = database
        self._limits = limits
        self._folder = folder
        self._jobs = jobs
        self._seconds = seconds
        self._postmaster = int(
            Path(database.run("SHOW data_directory").strip(), "postmaster.pid").read_text().split()[0]
        )
        self.plans: dict[str, str] = {}

    def learn(self, server: Server, token: str) -> None:
        """Notes the statements that the service sends."""
        organisation = f"organisation_id={ORGANISATIONS[ONE]}"
        paths = {
            "read": f"/api/v1/jobs/01980000-0000-7000-8000-{FIRST_ID + ONE}",
            "list": f"/api/v1/jobs?limit=20&{organisation}",
            "input": f"/api/v1/jobs?input_id=01990000-0000-7000-8000-{FIRST_ID + 3 * ONE}&{organisation}",
        }
        for kind, path in paths.items():
            self._limits.watch()
            for _ in range(3):
                server.get(path, token)
            self._limits.note(kind)

    def url_of(self, role: str) -> str:
        """How that role reaches the database."""
        parts = urlsplit(self._database.url)
        return urlunsplit(parts._replace(netloc=f"{role}@{parts.hostname}:{parts.port}"))

    def prepare(self) -> None:
        """Makes roles, policies and functions, and looks whether they do what they are for."""
        for role in [*SESSIONS, ASKED]:
            self._database.run(f"CREATE ROLE {role} LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
        for role, (_, scope) in SESSIONS.items():
            own = [ORGANISATIONS[ONE]] if scope == "one" else ORGANISATIONS
            self._database.run(f"ALTER ROLE {role} SET {SETTING} = '{{{','.join(own)}}}'")
        for guarded in TABLES:
            self._database.run(f"ALTER TABLE {guarded} ENABLE ROW LEVEL SECURITY")
            for form, condition in FORMS.items():
                roles = ", ".join(
                    [role for role, (other, _) in SESSIONS.items() if other == form] + [ASKED] * (form == CHOSEN)
                )
                self._database.run(f"CREATE POLICY {form} ON {guarded} TO {roles} USING ({condition})")
        self._make_functions()
        self._check()
        self._explain()

    def _make_functions(self) -> None:
        """The statements in functions that make the setting first. A view lends each the type of its rows."""
        for kind, types in (("read", ["uuid[]"]), ("list", ["uuid", "uuid", "bigint"]), ("batch", ["uuid[]"])):
            shape = self._text(kind, [f"NULL::{type}" for type in types])
            body = self._text(kind, [f"${number}" for number, _ in enumerate(types, 2)])
            self._database.run(f"""
                CREATE VIEW bench_{kind}_row AS {shape};
                CREATE FUNCTION bench_{kind}(text, {", ".join(types)}) RETURNS SETOF bench_{kind}_row
                LANGUAGE plpgsql AS $body$
                BEGIN
                    PERFORM set_config('{SETTING}', $1, true);
                    RETURN QUERY {body};
                END;
                $body$;
            """)

    def _text(self, kind: str, parameters: list[str]) -> str:
        """The statement of a kind, with these expressions in it."""
        constants = CONSTANTS_OF_JOIN
        if kind == "input":
            constants = ["'$[*].input_id'", "TRUE", *CONSTANTS_OF_JOIN]
        return fill(self._limits.statements["read" if kind == "batch" else kind], parameters, constants)

    def _script(self, kind: str, way: str = "", organisation: str = "random(0, 9)") -> Script:
        """The statement of a kind, the setting made in one of the ways, or not at all."""
        own = f"'{{77777777-7777-7777-7777-77777777' || (:o + {ORGANISATIONS[0][-4:]}) || '}}'"
        sets = [f"o {organisation}"]
        if kind == "read":
            # A job of that organisation.
            sets.append(f"n {FIRST_ID} + 10 * random(0, {self._jobs // 10 - 1}) + :o")
            parameters = ["('{01980000-0000-7000-8000-' || :n || '}')::uuid[]"]
        elif kind == "batch":
            # Of callers of all organisations, so that the setting has to name all.
            sets = [f"n{number} random({FIRST_ID}, {FIRST_ID + self._jobs - 1})" for number in range(BATCH)]
            ids = " || ',' || ".join(f"'01980000-0000-7000-8000-' || :n{number}" for number in range(BATCH))
            parameters = [f"('{{' || {ids} || '}}')::uuid[]"]
            own = f"'{{{','.join(ORGANISATIONS)}}}'"
        else:
            one = f"('77777777-7777-7777-7777-77777777' || (:o + {ORGANISATIONS[0][-4:]}))::uuid"
            parameters = [one, one, "21"]
            if kind == "input":
                # The first input of a job of that organisation.
                sets.append(f"n {FIRST_ID} + 30 * random(0, {self._jobs // 10 - 1}) + 3 * :o")
                parameters = ["('[\"01990000-0000-7000-8000-' || :n || '\"]')::jsonb", one, "21"]
        make = f"SELECT set_config('{SETTING}', {own}, {'false' if way == 'set first' else 'true'});"
        if way == "same statement":
            # The last one is asked for before any row is looked at, as PostgreSQL goes about it today.
            last = parameters.pop()
            parameters.append(f"CASE WHEN set_config('{SETTING}', {own}, true) IS NOT NULL THEN {last} END")
        if way == "function":
            return Script(sets, [f"SELECT * FROM bench_{kind}({own}, {', '.join(parameters)});"])
        statement = self._text(kind, parameters) + ";"
        return Script(
            sets,
            {
                "transaction": ["BEGIN;", make, statement, "COMMIT;"],
                "set first": [make, statement],
                "pipeline": ["\\startpipeline", make, statement, "\\endpipeline"],
            }.get(way, [statement]),
        )

    def _check(self) -> None:
        """Own jobs are found, those of others are not, and without the setting there is an error."""

        def expect(what: str, found: int, expected: int) -> None:
            if found != expected:
                raise UnsafePolicy(f"{what}: {found} jobs, not {expected}")

        def found(script: Script, role: str, **values: int) -> int:
            return self._database.run(script.once(**values), self.url_of(role)).count("|Job ")

        arms = [(way, ASKED) for way in WAYS] + [("", role) for role, (_, scope) in SESSIONS.items() if scope == "one"]
        for way, role in arms:
            script = self._script("read", way)
            expect(f"READ, {way} {role}", found(script, role, o=ONE, n=FIRST_ID + ONE), 1)
            expect(f"READ of others, {way} {role}", found(script, role, o=ONE, n=FIRST_ID + ONE + 1), 0)
            expect(f"LIST, {way} {role}", found(self._script("list", way), role, o=ONE), 21)
        for role in (role for role, (_, scope) in SESSIONS.items() if scope == "one"):
            expect(f"LIST of others, {role}", found(self._script("list"), role, o=ONE + 1), 0)
        make = f"BEGIN; SELECT set_config('{SETTING}', '{{{ORGANISATIONS[ONE]}}}', true); COMMIT; "
        for before in ("", make):
            try:
                self._database.run(before + "SELECT count(*) FROM jobs", self.url_of(ASKED))
            except RuntimeError:
                continue
            raise UnsafePolicy("jobs are shown to a session that did not say whose")

    def _explain(self) -> None:
        """The plan of each statement without a policy, and what each form of a policy makes of it."""
        for kind in ("read", "list", "input"):
            for name, role in (("without a policy", None), *((form, f"bench_{form}_one") for form in FORMS)):
                sql = "EXPLAIN (COSTS OFF) " + self._script(kind).once(o=ONE, n=FIRST_ID + ONE)
                plan = self._database.run(sql, self.url_of(role) if role else None)
                self.plans[f"{KINDS[kind]}, {name}"] = plan.replace("\x1e", "\n").strip()

    def groups(self, owner: Server, guarded: Server, token: str) -> list[list[tuple[str, TAKE]]]:
        """What is measured in each round; what is compared is in one group."""
        groups = []
        for kind in ("read", "list"):
            arms: list[Arm] = [(AS_IS, None, ""), (AGAIN, None, "")]
            arms += [(title, role, "") for title, _, role in SESSION_ROWS]
            arms += [(title, ASKED, way) for way, (title, _) in WAYS.items()]
            groups.append([self._arm(kind, *arm) for arm in arms])
        batch: list[Arm] = [(AS_IS, None, ""), (AGAIN, None, ""), (SESSION_ROWS[-1][0], GUARDED, "")]
        batch += [(WAYS[way][0], ASKED, way) for way in ("transaction", "pipeline", "function")]
        groups.append([self._arm("batch", *arm) for arm in batch])
        groups.append(
            [self._arm("input", AS_IS, None, ""), self._arm("input", SESSION_ROWS[-2][0], f"bench_{CHOSEN}_one", "")]
        )
        for kind in ("read", "list"):
            load = Load(kind, 16, token, self._jobs)
            servers = ((AS_IS, owner), (AGAIN, owner), (SESSION_ROWS[-1][0], guarded))
            groups.append([(f"service {kind}: {title}", self._request(server, load)) for title, server in servers])
        return groups

    def _arm(self, kind: str, title: str, role: str | None, way: str) -> tuple[str, TAKE]:
        is_bound = role in SESSIONS and SESSIONS[role][1] == "one"
        script = self._script(kind, way, str(ONE) if is_bound else "random(0, 9)")
        name = f"{kind}: {title}"
        path = script.write(self._folder / (re.sub(r"\W+", "-", name) + ".sql"))

        def work(seconds: int, times: int = 0) -> tuple[float, float, int]:
            before = self._processor_seconds()
            per_second, count = self._limits.run(path, seconds, role, times)
            # Until the last connection has ended.
            time.sleep(0.1)
            return self._processor_seconds() - before, per_second, count

        # To connect and to plan takes the processor as long as many statements do: that is measured by itself.
        at_start, _, first = work(0, STATEMENTS_UNTIL_PLANNED)

        def take() -> dict[str, float]:
            worked, per_second, count = work(self._seconds)
            if kind == "input":
                # Under a policy it is hardly more often in a second.
                return {"per_second": per_second}
            return {"per_second": per_second, "postgres_us": (worked - at_start) / max(count - first, 1) * 1e6}

        return name, take

    def _request(self, server: Server, load: Load) -> TAKE:
        return lambda: measure(server, load, self._seconds, time.time_ns() // 1_000_000 % 1_000_000_000)

    def _processor_seconds(self) -> float:
        """How long processors have worked for connections that have ended: the kernel adds it up for the postmaster.

        What strangers take of a shared machine is in the requests per second, and mostly not in here.
        """
        fields = Path(f"/proc/{self._postmaster}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


def costs(runs: list[Json], group: str, title: str, value: str) -> list[float]:
    """Of each round, how much more it takes than without a policy: 1.05 is 5 % more. As it is was measured twice in
    each round; its first time stands beside its second one, and everything else beside the mean of both.
    """
    found = []
    for run in runs:
        cells = run["cells"]
        per_round = [cells.get(f"{group}: {name}", {}).get(value, []) for name in (AS_IS, AGAIN)]
        if title == AGAIN or not per_round[1]:
            bases = per_round[0]
        else:
            bases = [statistics.mean(both) for both in zip(*per_round, strict=True)]
        for amount, base in zip(cells.get(f"{group}: {title}", {}).get(value, []), bases, strict=True):
            found.append(base / amount if value == "per_second" else amount / base)
    return found


def _rows(runs: list[Json], group: str) -> list[list[str]]:
    trips = {title: str(number) for title, number, _ in SESSION_ROWS} | {
        title: str(number) for title, number in WAYS.values()
    }
    rows = []
    for title in (AS_IS, AGAIN, *trips):
        name = f"{group}: {title}"
        if name not in runs[0]["cells"]:
            continue
        worked = samples(runs, name, "postgres_us")
        rows.append(
            [
                title,
                trips.get(title, "1"),
                _spread(samples(runs, name)),
                "1" if title == AS_IS else _spread(costs(runs, group, title, "per_second"), _ratio),
                _spread(worked),
                "1" if title == AS_IS else _spread(costs(runs, group, title, "postgres_us"), _ratio),
            ]
        )
    return rows


def _apart(runs: list[Json]) -> list[list[str]]:
    """What a batch would cost if each of its questions were a statement of its own."""
    rows = []
    for title in (AS_IS, *(title for title, _ in WAYS.values())):
        found = []
        for run in runs:
            bases = zip(*(run["cells"][f"batch: {name}"]["per_second"] for name in (AS_IS, AGAIN)), strict=True)
            single = run["cells"][f"read: {title}"]["per_second"]
            found += [statistics.mean(both) * BATCH / one for both, one in zip(bases, single, strict=True)]
        rows.append([title, _spread(found, _ratio)])
    return rows


def _changes(plans: dict[str, str]) -> str:
    """What the policies make of the plans."""

    def lines(plan: str) -> list[str]:
        return [re.sub(r"\$\d+|(?<=InitPlan )\d+", "n", line) for line in plan.splitlines()]

    parts = []
    for name, plan in plans.items():
        kind, _, form = name.rpartition(", ")
        if form == "without a policy":
            parts.append(f"{name}:\n\n```\n{plan}\n```")
            before = plan
        else:
            changed = [line for line in difflib.ndiff(lines(before), lines(plan)) if line[0] in "+-"]
            parts.append(f"{kind}, what the policy ({form}) changes:\n\n```diff\n" + "\n".join(changed) + "\n```")
    return "\n\n".join(parts)


def tables(runs: list[Json]) -> str:
    """Everything, as Markdown."""
    head = [
        "how",
        "round trips",
        "per second",
        "time against as it is",
        "processor µs of PostgreSQL",
        "against as it is",
    ]
    parts = [_conditions(runs)]
    for kind, title in KINDS.items():
        parts += [f"{title}, pgbench from 8 clients:", table(head, _rows(runs, kind))]
    parts += [f"The questions of a batch of {BATCH}, each with a statement of its own, against one statement as it is:"]
    parts += [table(["how", "time"], _apart(runs))]
    for kind in ("read", "list"):
        rows = [row[:4] for row in _rows(runs, f"service {kind}")]
        parts += [f"{KINDS[kind]}, the service from 16 connections:", table(head[:4], rows)]
    return "\n\n".join([*parts, _changes(runs[-1]["plans"])])
