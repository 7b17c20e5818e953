"""One run of the bench: servers and databases, and what is measured of them in interleaved rounds."""

import argparse
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from service.machine import say
from service.processes import Server, mint
from service.template import ORGANISATIONS, TEMPLATE

from . import apply, chains, directory, hand_written, open_loop, pooling, search, series, stored, unknown
from .databases import Postgres, Sqlite
from .identities import AUDIENCE, ISSUER, Issuer
from .impact import seconds_to_judge
from .limits import Limits
from .load import Load, measure, middles
from .report import KINDS, RESULTS
from .results import (
    EXPIRED_DAYS,
    EXPIRED_IN_A_DAY,
    EXPIRED_JOBS,
    JOBS,
    VALUE_KINDS,
    ReadsDuringPurge,
    fill_postgres,
    fill_sqlite,
    keep_all_but_a_day,
    keep_for,
    seconds_to_purge,
)
from .row_level_security import GUARDED, RowLevelSecurity

QUIET = {"PREDICTION_API_LOG": "info,access=off"}
STARTS = 5
# What is measured: a name, the server (without one it is the limit), and the load on it.
Arm = tuple[str, Server | None, Load]
Measured = TypeVar("Measured")


class Bench:
    """One run: what it started, and what it found out."""

    def __init__(self, options: argparse.Namespace, stack: ExitStack):
        self._options = options
        self._stack = stack
        self._folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="prediction-bench.")))
        self._target = Path(options.target)
        self._program = str(self._target / "release/prediction-api")
        self._issuer = Issuer(self._folder)
        self._local = mint(self._program, self._folder / "data", ORGANISATIONS)
        self._servers: list[Server] = []
        self._salt = int(time.time())
        self.cells: dict[str, dict[str, list[float]]] = {}
        self.figures: dict[str, float] = {}
        self.statements: dict[str, str] = {}
        self.plans: dict[str, str] = {}

    def run(self) -> None:
        """Builds the databases, and measures."""
        options = self._options
        say(f"Making databases with {options.jobs:,} jobs.")
        main, database = self._postgres("bench", options.jobs)
        limits = Limits(self._folder, Path(options.binaries), database, options.jobs)
        cursors = middles(main, self._local, ORGANISATIONS, options.jobs)
        loads = {kind: Load(kind, 16, self._local, options.jobs, cursors) for kind in KINDS + RESULTS}
        self._learn(limits, main, loads)
        database.tidy()
        arms = self._arms(main, database, loads)
        file, sqlite_arms = self._sqlite_arms(options.jobs)
        for number in range(options.rounds):
            say(f"Round {number + 1} of {options.rounds}.")
            for name, server, load in in_turn(arms, number) + sqlite_arms:
                if server:
                    self._measure(name, server, load)
                else:
                    self._note(name, {"per_second": limits.measure(load.kind, options.seconds)})
            database.tidy()
            file.tidy()
        self.figures["memory after the load, PostgreSQL, MiB"] = main.memory_mib()
        self.figures["memory after the load, SQLite, MiB"] = sqlite_arms[0][1].memory_mib()
        for name, server, cell in (
            ("PostgreSQL", main, "read HS256 64"),
            ("SQLite", sqlite_arms[0][1], "sqlite read 64"),
        ):
            self._open_loop(name, server, statistics.median(self.cells[cell]["per_second"]))
        self._start_times(database, file)
        for server in self._servers:
            server.stop()
        if options.ladder:
            self._ladder()
        self.run_results()
        self.run_apply()

    def _open_loop(self, name: str, server: Server, most: float) -> None:
        say(f"Reading in an open loop on {name}.")
        options = self._options
        found = open_loop.milliseconds(self._target, server, self._local, options.jobs, most, options.reads)
        self.figures[f"READ per second in an open loop, {name}"] = found["per second"]
        for part in ("p50", "p99"):
            self.figures[f"READ {part} in an open loop, {name}, ms"] = found[part]

    def run_results(self) -> None:
        """What concerns values: reading few among ever more of them, and purging them."""
        for server in self._servers:
            server.stop()
        self._value_ladder()
        self._purge()

    def run_impact(self) -> None:
        """How long it takes to tell what an upgrade would do to every job."""
        for jobs in self._options.impact_jobs:
            say(f"Making databases with {jobs:,} jobs.")
            server, _ = self._postgres(f"impact_{jobs}", jobs)
            self._note_impact("PostgreSQL", jobs, server)
            file = Sqlite(self._folder / f"impact_{jobs}.db")
            self._seed(file.url)
            file.clone_jobs(jobs)
            self._note_impact("SQLite", jobs, self._start(file.url))

    def _note_impact(self, database: str, jobs: int, server: Server) -> None:
        self.figures[f"impact on {jobs:,} jobs, {database}, s"] = seconds_to_judge(server, self._local, jobs)
        server.stop()

    def run_directory(self) -> None:
        """What a directory of inputs costs those who look for one, and those who bind one."""
        options = self._options
        say(f"Making databases with {options.inputs:,} inputs.")
        server, database = self._postgres("directory", options.jobs)
        directory.fill_postgres(database, options.inputs // directory.IN_EACH)
        file = Sqlite(self._folder / "directory.db")
        self._seed(file.url)
        directory.fill_sqlite(file, options.inputs // directory.IN_EACH)
        others = self._start(file.url)
        for name, found in (("PostgreSQL", server), ("SQLite", others)):
            for what, milliseconds in directory.milliseconds_to_look(found, self._local).items():
                self.figures[f"p99 of {what} among {options.inputs:,} inputs, {name}, ms"] = milliseconds
        groups = [
            [
                (f"{at} {kind} {connections}", at_server, Load(kind, connections, self._local, options.jobs))
                for kind in ("setup", "known")
            ]
            for at, at_server in (("postgres", server), ("sqlite", others))
            for connections in (16, 64)
        ]
        self._measure_in_rounds(groups, [database, file])

    def run_search(self) -> None:
        """What people wait for who look after very many jobs."""
        jobs = self._options.searched_jobs
        say(f"Making databases with {jobs:,} jobs.")
        for at in chains.DATABASES:
            server, _ = self._with_jobs(at, "search", jobs)
            for what, milliseconds in search.milliseconds(server, self._local, jobs).items():
                self.figures[f"{what}, {at}"] = milliseconds
            server.stop()

    def run_stored(self) -> None:
        """What a value takes of the disk and of the log."""
        for number, kind in enumerate(stored.INDEXES):
            say(f"Reporting with the index {kind}.")
            server, database = self._postgres(f"stored_{number}", JOBS)
            self.figures |= stored.bytes_of_a_value(server, database, self._local, kind)
            server.stop()

    def run_series(self) -> None:
        """What values would take as series."""
        database = Postgres(self._options.postgres, Path(self._options.binaries), "series")
        measured = series.Series(self._folder, Path(self._options.binaries), database)
        measured.measure()
        self.figures |= measured.figures | series.seconds_on_sqlite(self._folder)

    def run_apply(self) -> None:
        """Documents of a thousand jobs, and the command line."""
        options = self._options
        say(f"Making databases with {options.jobs:,} jobs, for documents.")
        commands = apply.CommandLine(self._target, self._folder, self._folder / "data")
        asked = []
        for at in apply.DATABASES:
            server, database = self._with_jobs(at, "documents")
            asked.append((apply.Documents(at, server, commands, self._local, self._folder), at, server, database))
        small = Sqlite(self._folder / "small.db")
        self._seed(small.url)
        newcomer = self._start(small.url)
        for number in range(options.rounds):
            say(f"Documents, round {number + 1} of {options.rounds}.")
            for documents, _, _, database in in_turn([asked], number):
                documents.measure(number, self._note)
                database.tidy()
            apply.look("prediction status, a job, SQLite", newcomer, commands, self._note)
            for _, at, server, _ in in_turn([asked], number):
                apply.look(f"prediction status, {options.jobs:,} jobs overdue, {at}", server, commands, self._note)
        apply.start(commands, options.starts, self._note)
        self.figures |= apply.figures(self.cells, commands)

    def run_chains(self) -> None:
        """What jobs cost that read outputs of others, and what those pay for them that read none."""
        options = self._options
        say(f"Making databases with {options.jobs:,} jobs.")
        databases: list[Postgres | Sqlite] = []
        groups = []
        for at in chains.DATABASES:
            servers = {}
            for kind in chains.KINDS:
                servers[kind], database = self._with_jobs(at, kind)
                databases.append(database)
                if kind == chains.WITHOUT:
                    database.take_chains_back()
            for what, milliseconds in chains.Chains(servers[chains.WITH], self._local).milliseconds().items():
                self.figures[f"p99: {what}, {at}, ms"] = milliseconds
            for connections in (16, 64):
                load = Load("setup", connections, self._local, options.jobs)
                groups.append([(f"{at} {kind} {connections}", servers[kind], load) for kind in chains.KINDS])
        self._measure_in_rounds(groups, databases)

    def _with_jobs(self, at: str, name: str, jobs: int | None = None) -> tuple[Server, Postgres | Sqlite]:
        jobs = jobs or self._options.jobs
        if at == "PostgreSQL":
            return self._postgres(f"jobs_{name}", jobs)
        file = Sqlite(self._folder / f"jobs_{name}.db")
        self._seed(file.url)
        file.clone_jobs(jobs)
        return self._start(file.url), file

    def run_unknown(self) -> None:
        """Whether the time of an answer tells what others have."""
        own = mint(self._program, self._folder / "data", [unknown.OWN])
        file = Sqlite(self._folder / "unknown.db")
        self._seed(file.url)
        for name, found in (("PostgreSQL", self._postgres("unknown", 1_000)[0]), ("SQLite", self._start(file.url))):
            for what, ratio in unknown.Unknown(found, self._local, own).ratios().items():
                self.figures[f"{what}, {name}"] = ratio

    def run_row_level_security(self) -> None:
        """What policies in PostgreSQL would cost READ and LIST."""
        options = self._options
        say(f"Making a database with {options.jobs:,} jobs, and policies on it.")
        owner, database = self._postgres("policies", options.jobs)
        limits = Limits(self._folder, Path(options.binaries), database, options.jobs)
        security = RowLevelSecurity(database, limits, self._folder, options.jobs, options.seconds)
        security.learn(owner, self._local)
        security.prepare()
        guarded = self._start(security.url_of(GUARDED), ["--no-migrate", "--no-purge"])
        self.statements, self.plans = limits.statements, security.plans
        groups = security.groups(owner, guarded, self._local)
        for number in range(options.rounds):
            say(f"Round {number + 1} of {options.rounds}.")
            for name, take in in_turn(groups, number):
                self._note(name, take())

    def run_pooling(self) -> None:
        """What a pooler costs, and what it costs that no session is believed to be a connection's own."""
        options = self._options
        say(f"Making a database with {options.jobs:,} jobs.")
        owner, database = self._postgres("pooling", options.jobs)
        owner.stop()
        user = options.postgres_user or None
        poolers = pooling.Poolers(Path(options.pgbouncer), self._folder, user, self._stack)
        self._folder.chmod(0o755)
        servers = {
            way: self._start(poolers.url(database.url, mode), [*arguments, "--no-migrate", "--no-purge"])
            for way, (mode, arguments) in pooling.WAYS.items()
        }
        loads = {kind: Load(kind, pooling.CONNECTIONS, self._local, options.jobs) for kind in pooling.KINDS}
        groups = [
            [(pooling.name_of(kind, way), server, loads[kind]) for way, server in servers.items()]
            for kind in pooling.KINDS
        ]
        self._measure_in_rounds(groups, [database])

    def run_hand_written(self) -> None:
        """What the service answers, and what a program does that a team would write by hand."""
        options = self._options
        say(f"Making a database with {options.jobs:,} jobs.")
        service, database = self._postgres("hand_written", options.jobs)
        command = hand_written.command(database.url, Path(options.fastify), self._folder / "data/secret")
        other = self._keep(Server(command, self._log(), {}))
        groups = [
            [
                (
                    hand_written.name_of(kind, connections, who),
                    server,
                    Load(kind, connections, self._local, options.jobs),
                )
                for who, server in ((hand_written.SERVICE, service), (hand_written.HAND_WRITTEN, other))
            ]
            for kind in hand_written.KINDS
            for connections in hand_written.CONNECTIONS
        ]
        self._measure_in_rounds(groups, [database])

    def _value_ladder(self) -> None:
        """One day of a job, and its newest value, among ever more values."""
        steps = []
        for values in self._options.values:
            say(f"Making a database with {values:,} values.")
            days = values // JOBS // 24
            server, database = self._postgres(f"values_{values}", JOBS)
            # Far more than have passed: nothing may expire or lie in the future.
            database.run("UPDATE sources SET retention_hours = NULL")
            fill_postgres(database, days)
            steps.append((values, server, Load("day", 16, self._local, JOBS, days=days)))
        for number in range(self._options.rounds):
            say(f"Values, round {number + 1} of {self._options.rounds}.")
            groups = [
                [(f"values {kind} {values}", server, replace(load, kind=kind)) for values, server, load in steps]
                for kind in VALUE_KINDS
            ]
            for name, server, load in in_turn(groups, number):
                self._measure(name, server, load)
        for _, server, _ in steps:
            server.stop()

    def _purge(self) -> None:
        """A million values that have expired, and how long READ takes meanwhile."""
        database = Postgres(self._options.postgres, Path(self._options.binaries), "purge")
        self._seed(database.url)
        database.clone_jobs(EXPIRED_JOBS)
        say("Making a million values that have expired, on both databases.")
        fill_postgres(database, EXPIRED_DAYS)
        file = Sqlite(self._folder / "purge.db")
        self._seed(file.url)
        file.clone_jobs(EXPIRED_JOBS)
        fill_sqlite(file, EXPIRED_DAYS)
        for name, url, kept in (("PostgreSQL", database.url, database), ("SQLite", file.url, file)):
            say(f"Purging a day among many on {name}.")
            keep_all_but_a_day(kept)
            seconds = seconds_to_purge(self._start(url), EXPIRED_IN_A_DAY)
            self.figures[f"values purged per second, a day among many, {name}"] = EXPIRED_IN_A_DAY / seconds
            for server in self._servers:
                server.stop()
            keep_for(kept, 30 * 24)
            say(f"Purging on {name}.")
            quiet = self._start(url, ["--no-purge"])
            reads = ReadsDuringPurge(Load("read", 16, self._local, EXPIRED_JOBS))
            found = reads.compare(quiet, partial(self._start, url))
            self.figures[f"purge of a million values, {name}, s"] = found["seconds"]
            self.figures[f"READ p99 during a purge against without, {name}"] = found["ratio"]
            self.figures[f"READ p99 without a purge, {name}, ms"] = found["calm_p99_ms"]
            self.figures[f"READ p99 during a purge, {name}, ms"] = found["busy_p99_ms"]
            for server in self._servers:
                server.stop()

    def _ladder(self) -> None:
        """The same requests on databases of several sizes, in the same rounds."""
        steps = []
        for jobs in self._options.ladder:
            say(f"Making a database with {jobs:,} jobs.")
            server, database = self._postgres(f"ladder_{jobs}", jobs)
            cursors = middles(server, self._local, ORGANISATIONS, jobs)
            steps.append((jobs, server, database, cursors))
        for number in range(self._options.rounds):
            say(f"Ladder, round {number + 1} of {self._options.rounds}.")
            groups = [
                [
                    (f"ladder {kind} {jobs}", server, Load(kind, 16, self._local, jobs, cursors))
                    for jobs, server, _, cursors in steps
                ]
                for kind in KINDS
            ]
            for name, server, load in in_turn(groups, number):
                self._measure(name, server, load)
            for _, _, database, _ in steps:
                database.tidy()

    def _arms(self, main: Server, database: Postgres, loads: dict[str, Load]) -> list[list[Arm]]:
        """What is measured in each round: kinds of requests by who vouches for the caller, from 16 and 64 connections.

        What is compared is in one group, and measured close together, because the machine's speed changes within
        seconds.
        """
        issuer = ["--jwks-file", str(self._issuer.key_set), "--issuer", ISSUER, "--audience", AUDIENCE]
        issued = self._start(database.url, issuer)
        callers = {
            "HS256": (main, self._local),
            "RS256": (issued, self._issuer.token("RS256")),
            "ES256": (issued, self._issuer.token("ES256")),
        }
        unchecked = self._unchecked(database.url)
        groups = []
        for kind in KINDS:
            for connections in (16, 64):
                arms: list[Arm] = [(f"postgres {kind} {connections}", None, loads[kind])]
                for caller, (server, token) in callers.items():
                    load = replace(loads[kind], connections=connections, token=token)
                    arms.append((f"{kind} {caller} {connections}", server, load))
                if kind == "read":
                    load = replace(loads[kind], connections=connections)
                    arms.append((f"{kind} unchecked {connections}", unchecked, load))
                # What a look at a token costs is little beside what the machine's speed changes: more samples show it.
                groups.extend([arms] * (self._options.reads if kind == "read" else 1))
        for kind in RESULTS:
            # From the usual number of connections: more only wait longer for the two threads that write.
            groups.append([(f"postgres {kind} 16", None, loads[kind]), (f"{kind} HS256 16", main, loads[kind])])
        return groups

    def _unchecked(self, url: str) -> Server:
        """The same service for which everybody is everybody: the example without_token_check."""
        program = str(self._target / "release/examples/without_token_check")
        return self._keep(Server([program, url], self._log(), QUIET))

    def _sqlite_arms(self, jobs: int) -> tuple[Sqlite, list[tuple[str, Server, Load]]]:
        file = Sqlite(self._folder / "bench.db")
        self._seed(file.url)
        file.clone_jobs(jobs)
        server = self._start(file.url)
        cells = [(kind, connections) for kind in ("read", "list", "setup") for connections in (16, 64)]
        arms = [
            (f"sqlite {kind} {connections}", server, Load(kind, connections, self._local, jobs))
            for kind, connections in [("setup", 1), *cells]
        ]
        return file, arms

    def _postgres(self, name: str, jobs: int) -> tuple[Server, Postgres]:
        database = Postgres(self._options.postgres, Path(self._options.binaries), name)
        self._seed(database.url)
        database.clone_jobs(jobs)
        return self._start(database.url), database

    def _seed(self, url: str) -> None:
        server = self._start(url)
        server.post("/api/v1/jobs/setup", self._local, TEMPLATE)
        server.stop()

    def _learn(self, limits: Limits, server: Server, loads: dict[str, Load]) -> None:
        """Lets each kind of request come alone, so that its statement is sent as for a single request."""
        source_id = server.get("/api/v1/sources", self._local)["items"][0]["id"]
        for kind in loads:
            limits.watch()
            self._salt += 1
            measure(server, replace(loads[kind], connections=1), 1, self._salt)
            limits.learn(kind, source_id)
        self.statements = limits.statements

    def _start_times(self, database: Postgres, file: Sqlite) -> None:
        for name, url in (("PostgreSQL", database.url), ("SQLite", file.url)):
            times = []
            for _ in range(STARTS):
                server = self._start(url)
                times.append(server.seconds_to_ready)
                server.stop()
            self.figures[f"start to the first 200, {name}, s"] = statistics.median(times)

    def _measure_in_rounds(
        self, groups: list[list[tuple[str, Server, Load]]], databases: Sequence[Postgres | Sqlite]
    ) -> None:
        for number in range(self._options.rounds):
            say(f"Round {number + 1} of {self._options.rounds}.")
            for name, server, load in in_turn(groups, number):
                self._measure(name, server, load)
            for database in databases:
                database.tidy()

    def _measure(self, name: str, server: Server, load: Load) -> None:
        self._salt += 1
        self._note(name, measure(server, load, self._options.seconds, self._salt))

    def _note(self, name: str, values: dict[str, float]) -> None:
        for value, amount in values.items():
            self.cells.setdefault(name, {}).setdefault(value, []).append(amount)

    def _start(self, url: str, arguments: list[str] | None = None) -> Server:
        command = [self._program, "--listen=127.0.0.1:0", "--log-format=json", *(arguments or [])]
        environment = QUIET | {"DATABASE_URL": url, "PREDICTION_API_DATA_DIR": str(self._folder / "data")}
        return self._keep(Server(command, self._log(), environment))

    def _keep(self, server: Server) -> Server:
        self._servers.append(server)
        self._stack.callback(server.stop)
        return server

    def _log(self) -> Path:
        return self._folder / f"server-{len(self._servers)}.log"


def in_turn(groups: list[list[Measured]], number: int) -> list[Measured]:
    """All arms of a round, each group begun somewhere else than the last time: what comes first or last finds another
    machine than the others, and none shall always be it.
    """
    arms: list[Measured] = []
    for place, group in enumerate(groups):
        first = (number + place) % len(group)
        arms += group[first:] + group[:first]
    return arms
