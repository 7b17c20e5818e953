"""What PostgreSQL alone can do: pgbench runs our own statements, as the server sends them."""

import re
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

from service.template import VERSION

from .databases import FIRST_ID, Postgres

CLIENTS = 8
MOST_TRIES = 5
# How the statement of a kind of request is told from the others that it needs.
ABOUT_JOBS = re.compile(r'(FROM|INTO) "?jobs\b')
ABOUT_RUNS = re.compile(r"INTO runs\b")
# Of a statement that it sees being parsed, pg_stat_statements writes constants as parameters, too, behind the real
# ones: those of the join with what is known of runs (OFFSET 0 and ON TRUE), the sequence that numbers jobs,
# and that a report without a quota has room.
CONSTANTS_OF_JOIN = ["0", "TRUE"]
CONSTANTS = {
    **dict.fromkeys(("read", "list", "deep"), CONSTANTS_OF_JOIN),
    "setup": ["'jobs_sequence_number_seq'"],
    **dict.fromkeys(("report", "bulk"), ["true"]),
}


class UnknownStatement(RuntimeError):
    """The server sends something else than the bench knows how to repeat."""


def fill(text: str, parameters: list[str], constants: list[str]) -> str:
    """A statement with expressions in place of its parameters; of what pg_stat_statements may have made parameters,
    too, in place of the constants that they were.
    """
    count = len(set(re.findall(r"\$\d+", text)))
    if count == len(parameters) + len(constants):
        parameters = parameters + constants
    if count != len(parameters):
        raise UnknownStatement(f"a statement has {count} parameters, not {len(parameters)}: {text}")
    return re.sub(r"\$(\d+)", lambda match: parameters[int(match[1]) - 1], text)


def _array(value: str, kind: str) -> str:
    return f"('{{' || {value} || '}}')::{kind}[]"


class Limits:
    """A pgbench script for each kind of request.

    The text of a statement is read from pg_stat_statements after the server has sent it. Only its parameters are put in
    here, as expressions over pgbench's variables; their number has to be right, or the bench stops.
    """

    def __init__(self, folder: Path, binaries: Path, database: Postgres, jobs: int):
        self._folder = folder
        self._pgbench = binaries / "pgbench"
        self._database = database
        self._jobs = jobs
        self._scripts: dict[str, Path] = {}
        self._runs = 0
        self.statements: dict[str, str] = {}

    def watch(self) -> None:
        """From now on, statements are noted."""
        self._database.watch_statements()

    def learn(self, kind: str, source_id: str) -> None:
        """Takes the statement that was sent most often since the watch began for the one of that kind of request."""
        self.note(kind)
        sets, parameters = self._parameters(kind, source_id)
        constants = CONSTANTS.get(kind, [])
        script = self._folder / f"{kind}.sql"
        script.write_text(
            "".join(f"\\set {line}\n" for line in sets) + fill(self.statements[kind], parameters, constants) + ";\n"
        )
        self._scripts[kind] = script

    def note(self, kind: str) -> None:
        """Only keeps the text of that statement, for a script that is made of it."""
        about = ABOUT_RUNS if kind in ("report", "bulk") else ABOUT_JOBS
        noted = [query for query in self._database.noted_statements() if about.search(query)]
        if not noted:
            raise UnknownStatement(f"the server sent no statement for {kind} that is known")
        self.statements[kind] = " ".join(noted[0].split())

    def _parameters(self, kind: str, source_id: str) -> tuple[list[str], list[str]]:
        organisation = "('77777777-7777-7777-7777-77777777' || (:o + 7000))::uuid"
        any_number = "o random(0, 9)"
        if kind == "read":
            return (
                [f"n random({FIRST_ID}, {FIRST_ID + self._jobs - 1})"],
                [_array("'01980000-0000-7000-8000-' || :n", "uuid")],
            )
        if kind == "list":
            return [any_number], [organisation, organisation, "21"]
        if kind == "deep":
            # Jobs are numbered as they were made, those of the organisations by turns.
            position = [organisation, f"{self._jobs // 2}::bigint"]
            return [any_number], [organisation, organisation, *position, "21"]
        if kind in ("report", "bulk"):
            return self._report(24 if kind == "report" else 10_000)
        # Each client counts for itself; the job's id grows, as the server's do.
        bindings = ",".join(
            f'{{"role": "{role}", "input_id": "01990000-0000-7000-9000-\' || :{name} || \'", "input_type": "sensor"}}'
            for role, name in zip(["temperature", "humidity", "leaf_wetness"], "abc", strict=True)
        )
        outputs = (
            '[{"id": "01970000-0000-7000-8000-\' || :n || \'", "role": "risk", "metric": "probability", "unit": "1"}]'
        )
        number = f"n :k + {FIRST_ID} + :client_id * 10000000 + :run * 100000000"
        inputs = [f"{name} random({FIRST_ID}, {FIRST_ID + 899_999_999})" for name in "abc"]
        return (
            ["k :k + 1", number, any_number, *inputs],
            [
                _array("'77777777-7777-7777-7777-77777777' || (:o + 7000)", "uuid"),
                _array("'01970000-0000-7000-8000-' || :n", "uuid"),
                f"ARRAY['{source_id}'::uuid]",
                f"ARRAY['{VERSION}'::uuid]",
                "ARRAY['Set up ' || :n]",
                "ARRAY[true]",
                f"ARRAY[('[{bindings}]')::jsonb]",
                f"ARRAY[('{outputs}')::jsonb]",
                "ARRAY[1::bigint]",
                "ARRAY[now()]",
                "ARRAY[now()]",
                "ARRAY['operator']",
            ],
        )

    def _report(self, count: int) -> tuple[list[str], list[str]]:
        """The parameters of a run: its values are made by PostgreSQL, which is quicker than reading them."""
        series = f"FROM generate_series(0, {count - 1}) AS number"
        return (
            [f"n random({FIRST_ID}, {FIRST_ID + self._jobs - 1})", "o :n % 10"],
            [
                "('77777777-7777-7777-7777-77777777' || (:o + 7000))::uuid",
                "('01980000-0000-7000-8000-' || :n)::uuid",
                "clock_timestamp()",
                "gen_random_uuid()",
                "1::bigint",
                f"'{VERSION}'::uuid",
                "true",
                "NULL::text",
                f"{count}",
                "decode(repeat('00', 32), 'hex')",
                "clock_timestamp()",
                "NULL::uuid",
                f"(SELECT array_agg('risk'::text) {series})",
                f"(SELECT array_agg('2026-01-01T00:00:00Z'::timestamptz + number * interval '1 second') {series})",
                f"(SELECT array_agg(random()) {series})",
            ],
        )

    def measure(self, kind: str, seconds: int) -> float:
        """Statements per second."""
        return self.run(self._scripts[kind], seconds)[0]

    def run(self, script: Path, seconds: int, user: str | None = None, times: int = 0) -> tuple[float, int]:
        """How often per second a script can be run by that role, and how often it was; each client runs it for that
        long, or so many times.
        """
        self._runs += 1
        parts = urlsplit(self._database.url)
        command = [
            str(self._pgbench),
            *("-h", parts.hostname or "127.0.0.1", "-p", str(parts.port), "-U", user or parts.username or "postgres"),
            *("--no-vacuum", "--protocol=prepared", f"--client={CLIENTS}", "--jobs=1"),
            *("-D", "k=0", "-D", f"run={self._runs}", "--file", str(script), parts.path.lstrip("/")),
        ]
        # On a machine that is busy otherwise, the time may be over before all clients have a connection.
        for tries in range(1, MOST_TRIES + 1):
            until = f"--transactions={times}" if times else f"--time={seconds * tries}"
            result = subprocess.run([command[0], until, *command[1:]], capture_output=True, text=True)
            found = re.search(r"tps = ([0-9.]+)", result.stdout)
            failed = re.search(r"number of failed transactions: (\d+)", result.stdout)
            done = re.search(r"number of transactions actually processed: (\d+)", result.stdout)
            if result.returncode != 0 or not done or (failed and failed[1] != "0"):
                break
            if found and done[1] != "0":
                return float(found[1]), int(done[1])
        raise RuntimeError(f"pgbench failed: {result.stdout} {result.stderr}")
