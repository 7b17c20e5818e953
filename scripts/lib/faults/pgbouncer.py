"""PgBouncer between the service and a PostgreSQL server."""

import shutil
import subprocess
import time
from pathlib import Path

from .clusters import LONGEST_START, as_user, free_port
from .session import Refused, Session

CONFIGURATION = """\
[databases]
* = host=127.0.0.1 port={server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {folder}/users
pool_mode = {mode}
default_pool_size = {size}
max_client_conn = 400
ignore_startup_parameters = extra_float_digits
"""


class Pooler:
    """One process with its folder. It runs as another user where the caller is root, whom PgBouncer refuses, too."""

    def __init__(self, program: Path, folder: Path, user: str | None, server: int, mode: str, size: int):
        self._program = program
        self._folder = folder
        self._user = user
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        folder.mkdir(mode=0o755)
        settings = CONFIGURATION.format(server=server, port=self.port, folder=folder, mode=mode, size=size)
        (folder / "pgbouncer.ini").write_text(settings)
        (folder / "users").write_text('"postgres" ""\n')

    def url(self, database: str) -> str:
        """How a client reaches a database through it."""
        return f"postgres://postgres@127.0.0.1:{self.port}/{database}"

    def session(self, database: str) -> Session:
        """A session of another client, which uses the same connections to the server."""
        return Session(self.port, database)

    def start(self) -> None:
        """Starts it; returns when it lets clients in."""
        command = [str(self._program), str(self._folder / "pgbouncer.ini")]
        with (self._folder / "pooler.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self._folder, **as_user(self._user)
            )
        ends = time.monotonic() + LONGEST_START
        while not self._lets_in():
            if self._process.poll() is not None or time.monotonic() > ends:
                raise RuntimeError("PgBouncer did not start:\n" + (self._folder / "pooler.log").read_text()[-2000:])
            time.sleep(0.01)

    def _lets_in(self) -> bool:
        try:
            Session(self.port, "postgres").close()
        except (OSError, Refused):
            return False
        return True

    def remove(self) -> None:
        """Ends it, and removes its folder."""
        if self._process and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)
