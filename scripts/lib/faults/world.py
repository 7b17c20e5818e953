"""What the cases are made in: the program, a PostgreSQL server, and a folder, all of them gone afterwards."""

import itertools
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.answers import Json
from service.processes import Server, mint
from service.template import ORGANISATIONS, TEMPLATE

from .client import SETUP, Caller
from .clusters import Cluster
from .pgbouncer import Pooler

POSTGRES, SQLITE = "PostgreSQL", "SQLite"
BOTH = (POSTGRES, SQLITE)


@dataclass(frozen=True)
class Tools:
    """What is found on the machine, or was installed."""

    # The folder with PostgreSQL's programs, and as whom they run.
    binaries: Path
    user: str | None
    pgbouncer: Path | None
    locales: Path | None


@dataclass(frozen=True)
class Place:
    """An empty database."""

    url: str
    # Its name on PostgreSQL, and its file on SQLite.
    name: str
    path: Path

    def query(self, cluster: Cluster, sql: str) -> list[tuple[Any, ...]]:
        """What a statement gives, asked past the service."""
        if self.url.startswith("sqlite:"):
            connection = sqlite3.connect(self.path, timeout=20, isolation_level=None)
            try:
                return connection.execute(sql).fetchall()
            finally:
                connection.close()
        with cluster.session(self.name) as session:
            return [tuple(row) for row in session.rows(sql)]


class World:
    """One run of the cases, one after the other."""

    def __init__(self, program: str, tools: Tools, is_short: bool, folder: Path):
        self.program = program
        self.is_short = is_short
        self.folder = folder
        self.tools = tools
        self._stack = ExitStack()
        self._numbers = itertools.count(1)
        self.token = mint(program, folder / "data", ORGANISATIONS)
        # The server that most cases share: it is killed and frozen, and comes back for the next one.
        self.cluster = self.new_cluster()
        try:
            self.cluster.create()
        except BaseException:
            self.close()
            raise

    def new_cluster(self, locale: str = "C") -> Cluster:
        """Room for a server, which goes when the run, or the case, ends."""
        tools = self.tools
        cluster = Cluster(tools.binaries, self.new_path("cluster"), tools.user, tools.locales, locale)
        self._stack.callback(cluster.remove)
        return cluster

    def new_pooler(self, cluster: Cluster, mode: str, size: int) -> Pooler:
        """A pooler before a server, with so many connections to it."""
        if self.tools.pgbouncer is None:
            raise RuntimeError("the place of PgBouncer was not given")
        pooler = Pooler(self.tools.pgbouncer, self.new_path("pooler"), self.tools.user, cluster.port, mode, size)
        self._stack.callback(pooler.remove)
        pooler.start()
        return pooler

    def new_path(self, what: str) -> Path:
        """A path that was not used yet."""
        return self.folder / f"{what}-{next(self._numbers)}"

    def new_place(self, kind: str) -> Place:
        """An empty database."""
        path = self.new_path("database")
        if kind == SQLITE:
            return Place(f"sqlite:{path}", "", path)
        name = path.name.replace("-", "_")
        with self.cluster.session() as session:
            session.rows(f"CREATE DATABASE {name}")
        return Place(self.cluster.url(name), name, path)

    def command(self, url: str, *options: str) -> tuple[list[str], dict[str, str]]:
        """How the service is started, and in which environment."""
        command = [self.program, "--listen=127.0.0.1:0", "--log-format=json", *options]
        quiet = {"PREDICTION_API_LOG": "info,access=off,actix_server=warn,actix_http=off"}
        return command, quiet | {"DATABASE_URL": url, "PREDICTION_API_DATA_DIR": str(self.folder / "data")}

    def serve(self, url: str, *options: str) -> Server:
        """A server that is ready. It ends with the case."""
        command, environment = self.command(url, *options)
        server = Server(command, self.new_path("server").with_suffix(".log"), environment)
        self._stack.callback(server.stop)
        return server

    def serve_with_template(self, place: Place, *options: str) -> tuple[Server, Json]:
        """A server on a database that has the job, source and version of the template now."""
        server = self.serve(place.url, *options)
        return server, self.caller(server).ask("POST", SETUP, TEMPLATE).expect(201)

    def settle(self, place: Place) -> None:
        """Waits until nothing is left to be done of what was set up.

        The service has no jobs to judge then, and the server no tables to look after.
        """
        is_sqlite = place.url.startswith("sqlite:")
        unjudged = "SELECT count(*) FROM " + (
            "jobs WHERE judged_until < 0" if is_sqlite else "job_health WHERE judged_until = '-infinity'"
        )
        end = time.monotonic() + 600
        while int(place.query(self.cluster, unjudged)[0][0]) > 0:
            if time.monotonic() > end:
                raise TimeoutError("not all jobs were judged")
            time.sleep(1)
        if not is_sqlite:
            place.query(self.cluster, "VACUUM (ANALYZE)")
            place.query(self.cluster, "CHECKPOINT")

    def caller(self, server: Server) -> Caller:
        """A caller who may do everything."""
        return Caller(server.url, self.token)

    @contextmanager
    def case(self) -> Iterator[None]:
        """What is started inside ends with it."""
        outer, self._stack = self._stack, ExitStack()
        try:
            with self._stack:
                self.cluster.ensure_running()
                yield
        finally:
            self._stack = outer

    def keep_logs(self, to: Path) -> None:
        """Copies what servers said, to find out why something was missed."""
        to.mkdir(parents=True, exist_ok=True)
        for log in self.folder.glob("server-*.log"):
            shutil.copy(log, to)
        for log in self.folder.glob("cluster-*/server.log"):
            shutil.copy(log, to / f"{log.parent.name}.log")

    def close(self) -> None:
        """Ends everything."""
        self._stack.close()
