"""Documents of a thousand jobs, beside the same jobs set up one by one; and how quick the command line is."""

import http.client
import json
import os
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from service.answers import Json
from service.documents import fill, table
from service.processes import Server
from service.template import ORGANISATIONS, TEMPLATE

from .report import _conditions, _number, _ratio, _spread, ratios, samples

# As many as a document may have: source and version are there before.
JOBS = 1_000
STATUSES = 20
DATABASES = ["PostgreSQL", "SQLite"]
NEW, UNCHANGED = "new", "unchanged"
# What each is beside: the same jobs, set up one after the other over one connection.
KINDS = {
    "plan of 1,000 new jobs": NEW,
    "apply of 1,000 new jobs": NEW,
    "plan of 1,000 unchanged jobs": UNCHANGED,
    "apply of 1,000 unchanged jobs": UNCHANGED,
    "export of 1,000 jobs": UNCHANGED,
}
BARE = "true"
PROGRAMS = ["prediction", "prediction-api"]
Noted = Callable[[str, dict[str, float]], None]


class CommandLine:
    """The programs that were built, as a person on the machine of a server runs them: without a token."""

    def __init__(self, target: Path, folder: Path, data: Path):
        self._target = target
        clean = {name: value for name, value in os.environ.items() if not name.startswith("PREDICTION_")}
        self._environment = clean | {
            "PREDICTION_API_DATA_DIR": str(data),
            "PREDICTION_CONFIG_DIR": str(folder / "configuration"),
        }

    def path(self, program: str) -> Path:
        """Where the program is."""
        return self._target / "release" / program

    def seconds(self, server: Server | None, arguments: list[str], expected: int = 0, says: str = "") -> float:
        """How long the command takes, from its start to its end."""
        url = {"PREDICTION_URL": server.url} if server else {}
        return self._run([str(self.path(PROGRAMS[0])), *arguments], self._environment | url, expected, says)

    def start(self, program: str) -> float:
        """How long a program takes that has nothing to do: a bare `true`, or one of ours that tells its version."""
        command = [BARE] if program == BARE else [str(self.path(program)), "--version"]
        return self._run(command, self._environment, 0, "")

    def _run(self, command: list[str], environment: dict[str, str], expected: int, says: str) -> float:
        began = time.perf_counter()
        ended = subprocess.run(command, capture_output=True, text=True, env=environment, stdin=subprocess.DEVNULL)
        seconds = time.perf_counter() - began
        if ended.returncode != expected or says not in ended.stdout:
            raise RuntimeError(f"{command} ended with {ended.returncode}: {ended.stdout[:500]} {ended.stderr[:500]}")
        return seconds


class Documents:
    """A server, and documents for it."""

    def __init__(self, database: str, server: Server, commands: CommandLine, token: str, folder: Path):
        self._database = database
        self._server = server
        self._commands = commands
        self._token = token
        self._folder = folder

    def measure(self, number: int, note: Noted) -> None:
        """One round: documents of new jobs, and the same number of setups, one after the other."""
        name = f"{self._database} {number}"
        file, exported = self._folder / f"{name}.yaml", self._folder / f"{name} exported"
        file.write_text(_document(name))
        arguments = ["-f", str(file)]
        steps: list[tuple[str, Callable[[], float]]] = [
            ("plan of 1,000 new jobs", self._command(["plan", *arguments], 2, "1000 to create")),
            ("apply of 1,000 new jobs", self._command(["apply", *arguments], 0, "1000 created")),
            (NEW, lambda: self._set_up(f"{name} alone")),
            ("plan of 1,000 unchanged jobs", self._command(["plan", *arguments], 0, "1000 unchanged")),
            ("apply of 1,000 unchanged jobs", self._command(["apply", *arguments], 0, "1000 unchanged")),
            ("export of 1,000 jobs", self._command(["export", "--set", name, "-d", str(exported)], 0, "")),
            (UNCHANGED, lambda: self._set_up(f"{name} alone")),
        ]
        for step, take in steps:
            note(f"{step}, {self._database}", {"seconds": take()})
        assert sum(file.read_text().count("name: Set up") for file in exported.iterdir()) == JOBS

    def _command(self, arguments: list[str], expected: int, says: str) -> Callable[[], float]:
        return lambda: self._commands.seconds(self._server, arguments, expected, says)

    def _set_up(self, name: str) -> float:
        """The same jobs under other names, over one connection."""
        connection = http.client.HTTPConnection(urlsplit(self._server.url).netloc)
        headers = {"Authorization": "Bearer " + self._token, "Content-Type": "application/json"}
        bodies = [json.dumps(_setup(name, number)) for number in range(JOBS)]
        began = time.perf_counter()
        for body in bodies:
            connection.request("POST", "/api/v1/jobs/setup", body, headers)
            answer = connection.getresponse()
            answer.read()
            assert answer.status in (200, 201), answer.status
        return time.perf_counter() - began


def look(what: str, server: Server, commands: CommandLine, note: Noted) -> None:
    """How long `prediction status` takes, and a program that does nothing, in turns."""
    for _ in range(STATUSES):
        note(what, {"seconds": commands.seconds(server, ["status"], 0, "job")})
        note(f"{BARE} beside {what}", {"seconds": commands.start(BARE)})


def start(commands: CommandLine, times: int, note: Noted) -> None:
    """How long the programs take that only tell their version, and one that does nothing, in turns."""
    for _ in range(times):
        for program in (BARE, *PROGRAMS):
            note(f"start of {program}", {"seconds": commands.start(program)})


def figures(cells: Json, commands: CommandLine) -> dict[str, float]:
    """What has a target, and the sizes of the programs."""
    found = {
        f"{kind}, {database}, s": statistics.median(cells[f"{kind}, {database}"]["seconds"])
        for kind in KINDS
        for database in DATABASES
    }
    for what in _looked(cells):
        found[f"{what}, ms"] = statistics.median(cells[what]["seconds"]) * 1_000
    for program in PROGRAMS:
        found[f"size of {program}, MiB"] = commands.path(program).stat().st_size / 1024 / 1024
    return found


def _looked(cells: Json) -> list[str]:
    return [name for name in cells if name.startswith("prediction status")]


def _input_id(number: int, role: int) -> str:
    return f"0197f000-0000-7000-8000-{number:08}00{role:02}"


def _bindings(number: int) -> list[dict[str, str]]:
    roles = [binding["role"] for binding in TEMPLATE["role_bindings"]]
    return [{"role": role, "input_id": _input_id(number, place)} for place, role in enumerate(roles)]


def _document(name: str) -> str:
    """As people write it. `Set up` begins the names of what is removed after a round."""
    source, version = TEMPLATE["source"]["name"], TEMPLATE["source_version"]["version"]
    lines = [f"set: {name}", f"organisation_id: {ORGANISATIONS[0]}", "jobs:"]
    for number in range(JOBS):
        lines += [
            f"  - name: Set up {name} {number}",
            f"    source: {{name: {source}}}",
            f'    source_version: {{version: "{version}"}}',
            "    role_bindings:",
            *(f"      - {{role: {bound['role']}, input_id: {bound['input_id']}}}" for bound in _bindings(number)),
        ]
    return "\n".join(lines) + "\n"


def _setup(name: str, number: int) -> Json:
    return {
        "organisation_id": ORGANISATIONS[0],
        "source": {"name": TEMPLATE["source"]["name"]},
        "source_version": {"version": TEMPLATE["source_version"]["version"]},
        "job": {"name": f"Set up {name} {number}"},
        "role_bindings": _bindings(number),
    }


def is_in(runs: list[Json]) -> bool:
    """Whether this was measured."""
    return all(f"start of {BARE}" in run["cells"] for run in runs)


def tables(runs: list[Json]) -> str:
    """Everything, as Markdown."""
    return "\n\n".join([_conditions(runs), _documents(runs), _programs(runs), _sizes(runs)])


def _documents(runs: list[Json]) -> str:
    head = ["through the command line"]
    for database in DATABASES:
        head += [f"{database}, s", "against 1,000 setups"]
    rows = []
    for kind, beside in KINDS.items():
        row = [kind]
        for database in DATABASES:
            name, base = f"{kind}, {database}", f"{beside}, {database}"
            row += [_spread(samples(runs, name, "seconds"))]
            row += [_spread(ratios(runs, name, base, "seconds"), _ratio)]
        rows.append(row)
    for beside in (NEW, UNCHANGED):
        row = [f"1,000 setups one by one, {beside} jobs, over one connection"]
        for database in DATABASES:
            row += [_spread(samples(runs, f"{beside}, {database}", "seconds")), "1"]
        rows.append(row)
    return table(head, rows)


def _programs(runs: list[Json]) -> str:
    looked = dict.fromkeys(name for run in runs for name in _looked(run["cells"]))
    names = [(f"`{BARE}`", f"start of {BARE}", f"start of {BARE}")]
    names += [(f"`{program} --version`", f"start of {program}", f"start of {BARE}") for program in PROGRAMS]
    names += [
        (f"`prediction status`{name.removeprefix('prediction status')}", name, f"{BARE} beside {name}")
        for name in looked
    ]
    rows = []
    for title, name, base in names:
        times = [seconds * 1_000 for seconds in samples(runs, name, "seconds")]
        against = statistics.median(ratios(runs, name, base, "seconds"))
        rows.append([title, _number(statistics.median(times)), _number(_p95(times)), _ratio(against), str(len(times))])
    return table(["process, from its start to its end", "median, ms", "p95, ms", f"against `{BARE}`", "runs"], rows)


def _p95(times: list[float]) -> float:
    return statistics.quantiles(times, n=20)[-1]


def _sizes(runs: list[Json]) -> str:
    sizes = [[f"`{program}`", _number(runs[-1]["figures"][f"size of {program}, MiB"])] for program in PROGRAMS]
    return table(["program, optimised, as it is built", "MiB"], sizes)


def publish(runs: list[Json], docs: Path) -> None:
    """Writes the tables into docs/performance.md."""
    fill(docs / "performance.md", "bench", {"apply": tables(runs)})
