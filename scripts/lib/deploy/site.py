"""Where files are tried: a database, replicas of the service, the programs that the files are for, and their end."""

import itertools
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from faults.clusters import Cluster, as_user, free_port
from service.processes import Server, mint
from service.template import ORGANISATIONS

FILES = Path("examples/deploy")
# Longer than anything here takes on a machine that does much else: what takes this long is a hang.
PATIENCE = 120.0
DRAIN = "2s"


class CannotTry(Exception):
    """A program that a file needs is not to be had here, or does not work here: the file is neither right nor wrong."""


@dataclass(frozen=True)
class Tools:
    """What is found on the machine, or was installed."""

    # The folder with PostgreSQL's programs, and as whom they run.
    binaries: Path
    user: str | None
    pgbouncer: Path | None
    # The folder with Patroni among its packages.
    patroni: Path | None


class Replica(Server):
    """A replica on ports that stay the same when it is started again, with health and metrics on one of their own."""

    def __init__(self, command: list[str], ports: tuple[int, int], log: Path, environment: dict[str, str]):
        self.internal = f"http://127.0.0.1:{ports[1]}"
        listen = [f"--listen=127.0.0.1:{ports[0]}", f"--listen-internal=127.0.0.1:{ports[1]}"]
        super().__init__([*command, *listen], log, environment)

    def _health_url(self) -> str:
        # Not the address for clients, where health is not when it has an address of its own.
        return self.internal

    def is_ready(self) -> bool:
        """Whether it says so now."""
        return self._is_ready()

    def metrics(self) -> str:
        """What it measured, as Prometheus gets it."""
        with urllib.request.urlopen(self.internal + "/metrics", timeout=10) as answer:
            text: str = answer.read().decode()
        return text

    def answered(self) -> int:
        """How many requests below /api it has answered since its start."""
        lines = self.metrics().splitlines()
        counts = (line for line in lines if line.startswith("prediction_http_request_duration_seconds_count{"))
        return sum(int(line.rpartition(" ")[2]) for line in counts if 'route="/api/' in line)


class Place:
    """Two replicas by one another, and how each is started."""

    def __init__(self, site: "Site", url: str, options: list[str]):
        self._site = site
        self._url = url
        self._options = options
        self.ports = [(free_port(), free_port()) for _ in range(2)]
        self.replicas = [self._start(number) for number in range(2)]

    def _start(self, number: int) -> Replica:
        command = [self._site.program, "--log-format=json", f"--drain-delay={DRAIN}", *self._options]
        environment = {"DATABASE_URL": self._url, "PREDICTION_API_DATA_DIR": str(self._site.data)}
        log = self._site.new_path(f"replica-{number + 1}").with_suffix(".log")
        replica = Replica(command, self.ports[number], log, environment)
        self._site.end_with(replica.stop)
        return replica

    def start_again(self, number: int) -> None:
        """Starts one of them on the same ports, after it has ended."""
        self.replicas[number] = self._start(number)


class Site:
    """One run. What is started in a case ends with it, and all ends with the run."""

    def __init__(self, program: str, tools: Tools, folder: Path):
        self.program = program
        self.tools = tools
        self.folder = folder
        self.data = folder / "data"
        self._stack = ExitStack()
        self._numbers = itertools.count(1)
        self.token = mint(program, self.data, ORGANISATIONS)
        self.cluster = Cluster(tools.binaries, self.new_path("cluster"), tools.user)
        self._stack.callback(self.cluster.remove)
        try:
            self.cluster.create()
            self.cluster.start()
        except BaseException:
            self.close()
            raise

    def new_path(self, what: str) -> Path:
        """A path that was not used yet."""
        return self.folder / f"{what}-{next(self._numbers)}"

    def new_folder(self, what: str) -> Path:
        """A folder that others can enter, since some programs run as another user."""
        path = self.new_path(what)
        path.mkdir(mode=0o755)
        return path

    def new_database(self, owner: str | None = None) -> str:
        """The name of an empty database."""
        name = self.new_path("database").name.replace("-", "_")
        with self.cluster.session() as session:
            session.rows(f"CREATE DATABASE {name}" + (f" OWNER {owner}" if owner else ""))
        return name

    def serve(self, url: str, *options: str) -> Place:
        """Two replicas that are ready."""
        return Place(self, url, list(options))

    def serve_new(self, *options: str) -> Place:
        """The same, on an empty database."""
        return self.serve(self.cluster.url(self.new_database()), *options)

    def start(
        self, what: str, command: list[str], is_up: Callable[[], object], user: str | None = None
    ) -> subprocess.Popen[bytes]:
        """Starts a program, and returns when it is up. It ends with the case."""
        log = self.new_path(what).with_suffix(".log")
        with log.open("wb") as output:
            process = subprocess.Popen(
                command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, cwd=self.folder, **as_user(user)
            )
        self.end_with(lambda: end(process))
        wait_for(lambda: process.poll() is not None or is_up(), f"{what} is up")
        if process.poll() is not None:
            raise RuntimeError(f"{what} did not start:\n{log.read_text(errors='replace')[-2000:]}")
        return process

    def end_with(self, callback: Callable[[], object]) -> None:
        """Something to do at the end of the case."""
        self._stack.callback(callback)

    @contextmanager
    def case(self) -> Iterator[None]:
        """What is started inside ends with it."""
        outer, self._stack = self._stack, ExitStack()
        try:
            with self._stack:
                yield
        finally:
            self._stack = outer

    def keep_logs(self, to: Path) -> None:
        """Copies what programs said, to find out why something was not as it must be."""
        to.mkdir(parents=True, exist_ok=True)
        for log in self.folder.glob("*.log"):
            shutil.copy(log, to)

    def close(self) -> None:
        """Ends everything."""
        self._stack.close()


def render(name: str, replacements: dict[str, str]) -> str:
    """A file with what a site has to change changed. What is not in it was not tried, so that is an error."""
    text = (FILES / name).read_text()
    for old, new in replacements.items():
        if old not in text:
            raise RuntimeError(f"{FILES / name} has no {old!r} any more")
        text = text.replace(old, new)
    return text


def program(name: str) -> str:
    """Where a program is that a file is for. Some are installed where only root looks for programs."""
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if not found:
        raise CannotTry(f"{name} is not installed")
    return found


def run(command: list[str], folder: Path | None = None) -> tuple[int, str]:
    """The exit code of a program, and what it said."""
    ended = subprocess.run(
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    return ended.returncode, ended.stdout.strip()


def end(process: subprocess.Popen[bytes]) -> None:
    """Ends a program of ours, politely at first."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(condition: Callable[[], object], what: str) -> None:
    """Waits until something is so."""
    ends = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > ends:
            raise RuntimeError(f"it did not come to this within {PATIENCE:.0f} s: {what}")
        time.sleep(0.05)


def listens(port: int) -> bool:
    """Whether somebody takes connections there."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
    except OSError:
        return False
    return True
