"""PostgreSQL servers of our own, ended, killed, frozen and promoted by their process ids."""

import contextlib
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import TypedDict

from .session import Refused, Session

LONGEST_START = 30.0
# Everything is kept as it is where data matters.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    # Six replicas have up to twelve each, and a pooler keeps those of replicas that have ended for a while.
    "max_connections": "100",
    "fsync": "on",
    "synchronous_commit": "on",
    "wal_level": "replica",
    "max_wal_senders": "4",
    "log_connections": "off",
}


def free_port() -> int:
    """A port that nothing listens on, below those that systems give to outgoing connections."""
    while True:
        port = random.randint(20_000, 31_999)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class Cluster:
    """One server with its folder. It runs as another user where the caller is root, whom PostgreSQL refuses."""

    def __init__(self, binaries: Path, folder: Path, user: str | None, locales: Path | None = None, locale: str = "C"):
        self._binaries = binaries
        self._folder = folder
        self._user = user
        self._data = folder / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self._locale = locale
        self.port = free_port()
        folder.mkdir(mode=0o755)
        if locale != "C":
            # Where the server's user can read it, whichever user owns the folder of this repository.
            if locales is None:
                raise RuntimeError(f"the place of the locale {locale} was not given")
            shutil.copytree(locales / locale, folder / "locales" / locale)
        if user:
            shutil.chown(folder, user)

    def create(self) -> None:
        """Makes an empty cluster."""
        self._run(
            "initdb", "--username=postgres", "--auth=trust", "--encoding=UTF8", f"--locale={self._locale}", "--no-sync"
        )

    def copy_of(self, primary: "Cluster") -> None:
        """Makes a standby that follows the other one, and calls itself `standby`."""
        address = f"host=127.0.0.1 port={primary.port} user=postgres application_name=standby"
        self._run("pg_basebackup", "--wal-method=stream", "--checkpoint=fast", "--no-sync", f"--dbname={address}")
        with (self._data / "postgresql.auto.conf").open("a") as settings:
            settings.write(f"primary_conninfo = '{address}'\n")
        (self._data / "standby.signal").touch()

    def url(self, database: str) -> str:
        """How a client reaches a database."""
        return f"postgres://postgres@127.0.0.1:{self.port}/{database}"

    def session(self, database: str = "postgres") -> Session:
        """A session of the superuser."""
        return Session(self.port, database)

    def start(self) -> float:
        """Starts the server; gives the time at which it let clients in."""
        settings = [f"--{name.replace('_', '-')}={value}" for name, value in SETTINGS.items()]
        sockets = f"--unix-socket-directories={self._folder}"
        command = [str(self._binaries / "postgres"), "-D", str(self._data), "-p", str(self.port), sockets, *settings]
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, **self._as_user()
            )
        ends = time.monotonic() + LONGEST_START
        while not self._lets_in():
            if self._process.poll() is not None or time.monotonic() > ends:
                raise RuntimeError("PostgreSQL did not start:\n" + self.log()[-2000:])
            time.sleep(0.002)
        return time.monotonic()

    def _running(self) -> subprocess.Popen[bytes]:
        """The process, of which something is wanted only after it was started."""
        if self._process is None:
            raise RuntimeError("PostgreSQL was not started")
        return self._process

    def _lets_in(self) -> bool:
        """Whether the server has written so into its lock file, which it does when the first client can come."""
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        # A file that a killed server has left behind says another number.
        return len(lines) > 7 and lines[0] == str(self._running().pid) and lines[7].strip() == "ready"

    def ensure_running(self) -> None:
        """Brings the server back from whatever was done to it."""
        if self._process and self._process.poll() is None:
            self.thaw()
        else:
            self.start()

    def log(self) -> str:
        """What the server said."""
        return (self._folder / "server.log").read_text(errors="replace")

    def shut_down(self, how: signal.Signals) -> None:
        """Ends the server in one of its own ways: SIGINT is the fast one, SIGQUIT the immediate one."""
        self._running().send_signal(how)
        self._running().wait(30)

    def kill(self) -> None:
        """Ends every process of the server at once, so that nothing is tidied up."""
        everybody = self.freeze()
        for pid in everybody:
            _signal(pid, signal.SIGKILL)
        self._running().wait(10)
        while any(_is_alive(pid) for pid in everybody):
            time.sleep(0.001)

    def freeze(self) -> list[int]:
        """Stops every process of the server where it is; gives their ids.

        The first one goes first, so that it makes no more.
        """
        first = self._running().pid
        _signal(first, signal.SIGSTOP)
        while _is_alive(first) and _status(first)[0] != "T":
            time.sleep(0.001)
        everybody = [first, *_children(first)]
        for pid in everybody:
            _signal(pid, signal.SIGSTOP)
        return everybody

    def thaw(self) -> None:
        """Lets them go on."""
        first = self._running().pid
        for pid in [*_children(first), first]:
            _signal(pid, signal.SIGCONT)

    def promote(self) -> None:
        """Makes a standby take writes; returns when it does."""
        with self.session() as session:
            if session.value("SELECT pg_promote(true, 30)") != "t":
                raise RuntimeError("the standby was not promoted")

    def remove(self) -> None:
        """Ends the server, and removes its folder."""
        if self._process and self._process.poll() is None:
            self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def dump(self, database: str, to: Path) -> None:
        """Makes a backup as docs/operations.md says."""
        self._client("pg_dump", "--format=custom", f"--file={to}", self.url(database))

    def restore(self, dump: Path, database: str) -> None:
        """Restores a backup into a new database."""
        with self.session() as session:
            session.rows(f"CREATE DATABASE {database}")
        self._client("pg_restore", "--no-owner", f"--dbname={self.url(database)}", str(dump))

    def _client(self, program: str, *arguments: str) -> None:
        command = [str(self._binaries / program), *arguments]
        _check(subprocess.run(command, env=_environment(), capture_output=True, text=True))

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._binaries / program), f"--pgdata={self._data}", *arguments]
        _check(subprocess.run(command, capture_output=True, text=True, **self._as_user()))

    def _as_user(self) -> "Surroundings":
        environment = _environment() | {"LOCPATH": str(self._folder / "locales")}
        return {"cwd": self._folder, "env": environment, **as_user(self._user)}


class User(TypedDict, total=False):
    """As whom a process is started; as the caller if there is nothing here."""

    user: int
    group: int
    extra_groups: list[int]


class Surroundings(User):
    """What a process finds around it, and as whom it is started."""

    cwd: Path
    env: dict[str, str]


def as_user(name: str | None) -> User:
    """How a process is started as another user."""
    if not name:
        return {}
    found = pwd.getpwnam(name)
    return {"user": found.pw_uid, "group": found.pw_gid, "extra_groups": []}


def wait_until(session: Session, sql: str, expected: str, patience: float = 20) -> None:
    """Asks the database until it says what is waited for."""
    ends = time.monotonic() + patience
    while session.value(sql) != expected:
        if time.monotonic() > ends:
            raise RuntimeError(f"PostgreSQL did not come to say {expected} to: {sql}")
        time.sleep(0.005)


def take_every_place(port: int) -> list[Session]:
    """Sessions on every connection that the server still admits."""
    sessions = []
    while True:
        try:
            sessions.append(Session(port))
        except Refused:
            return sessions


def _environment() -> dict[str, str]:
    # What the caller's shell says about other servers (PGHOST, PGOPTIONS, ...) is not for these.
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}


def _check(result: subprocess.CompletedProcess[str]) -> None:
    if result.returncode != 0:
        raise RuntimeError(f"{Path(result.args[0]).name} failed: {result.stderr.strip()[-2000:]}")


def _children(parent: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _status(int(entry.name))) and int(fields[1]) == parent:
            found.append(int(entry.name))
    return found


def _is_alive(pid: int) -> bool:
    fields = _status(pid)
    return bool(fields) and fields[0] not in "ZX"


def _status(pid: int) -> list[str]:
    """What the kernel says of a process: its state, its parent, and so on; nothing when it has gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
