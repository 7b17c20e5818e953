"""Patroni with two nodes: the primary and all that runs it are killed under writes, and the service goes on."""

import json
import os
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

from faults.client import SETUP, Caller
from faults.clusters import as_user, free_port
from faults.figures import Figure, exactly, holds, told
from faults.ledger import Ledger
from service.answers import Json
from service.template import TEMPLATE

from .site import CannotTry, Site, listens, program, render, wait_for

WRITES = 300


class Node:
    """One Patroni, with the PostgreSQL that it runs."""

    def __init__(self, site: Site, name: str, etcd: int, python: list[str], packages: Path):
        self.rest, self.port = free_port(), free_port()
        self._folder = site.new_folder(name)
        self.data = self._folder / "data"
        if site.tools.user:
            shutil.chown(self._folder, site.tools.user)
        changes = {
            "name: db-1": f"name: {name}",
            "10.0.0.31:2379,10.0.0.32:2379,10.0.0.33:2379": f"127.0.0.1:{etcd}",
            "10.0.0.21:8008": f"127.0.0.1:{self.rest}",
            "10.0.0.21:5432": f"127.0.0.1:{self.port}",
            "/var/lib/postgresql/15/predictions": str(self.data),
            "/usr/lib/postgresql/15/bin": str(site.tools.binaries),
            "/var/run/postgresql": str(self._folder),
            "10.0.0.0/24": "127.0.0.1/32",
        }
        # What Patroni knows the replicas' passwords by is otherwise in a home folder, which the user may not have.
        changes["postgresql:\n  listen"] = f"postgresql:\n  pgpass: {self._folder / 'pgpass'}\n  listen"
        file = self._folder / "patroni.yml"
        file.write_text(render("patroni.yml", changes))
        file.chmod(0o644)
        command = ["env", f"PYTHONPATH={packages}", *python, "-m", "patroni", str(file)]
        site.end_with(self._end_postgres)
        self.process = site.start(name, command, lambda: listens(self.rest), site.tools.user)

    def members(self) -> dict[str, str]:
        """Who there is, and as what, as far as they run."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.rest}/cluster", timeout=10) as answer:
                cluster: Json = json.load(answer)
        except (urllib.error.URLError, ConnectionError):
            return {}
        running = ("running", "streaming")
        return {one["name"]: one["role"] for one in cluster["members"] if one["state"] in running}

    def kill(self) -> None:
        """Ends all of it at once, as when its machine is gone."""
        self.process.kill()
        self.process.wait()
        self._end_postgres(signal.SIGKILL)

    def _end_postgres(self, how: signal.Signals = signal.SIGQUIT) -> None:
        # Patroni ends it, unless it was killed itself.
        try:
            os.kill(int((self.data / "postmaster.pid").read_text().splitlines()[0]), how)
        except (FileNotFoundError, ProcessLookupError):
            return


def patroni(site: Site) -> list[Figure]:
    """examples/deploy/patroni.yml."""
    python, packages = _python(site)
    etcd = _start_etcd(site)
    first = Node(site, "db-1", etcd, python, packages)
    wait_for(lambda: first.members().get("db-1") == "leader", "the first node is the primary")
    second = Node(site, "db-2", etcd, python, packages)
    wait_for(lambda: first.members().get("db-2") == "sync_standby", "the second node is a synchronous standby")
    url = f"postgres://postgres:CHANGE-ME-1@127.0.0.1:{first.port},127.0.0.1:{second.port}/postgres"
    place = site.serve(f"{url}?target_session_attrs=read-write")
    replica = place.replicas[0]
    Caller(replica.url, site.token).ask("POST", SETUP, TEMPLATE).expect(201)
    ledger = Ledger(replica.url, site.token)
    with ledger.writing():
        ledger.wait_for_more(WRITES)
        first.kill()
        before = len(ledger.acknowledged)
        wait_for(lambda: second.members().get("db-2") == "leader", "the standby is the primary")
        wait_for(lambda: len(ledger.acknowledged) > before, "writes after that")
        ledger.wait_for_more(WRITES)
    return [
        told(f"synchronous pair; the primary was killed after {before:,} acknowledged setups, the standby took over"),
        holds("the service is the same process", all(one.process.poll() is None for one in place.replicas)),
        exactly("replicas that are not ready", sum(not one.is_ready() for one in place.replicas), 0),
        *ledger.figures(replica.url),
    ]


def _python(site: Site) -> tuple[list[str], Path]:
    """A Python that the user of the server can run, with Patroni."""
    installed = site.tools.patroni
    if installed is None:
        raise CannotTry("Patroni could not be installed")
    # Where that user can read it, whichever user owns the folder of this repository.
    packages = site.new_path("packages")
    shutil.copytree(installed, packages)
    said = ""
    for python in (sys.executable, "/usr/bin/python3"):
        command = ["env", f"PYTHONPATH={packages}", python, "-c", "import patroni, psycopg2"]
        try:
            ended = subprocess.run(command, capture_output=True, text=True, cwd=site.folder, **as_user(site.tools.user))
        except OSError as failure:
            said = str(failure)
            continue
        if ended.returncode == 0:
            return [python], packages
        said = ended.stderr
    raise CannotTry(f"no Python of the user {site.tools.user} runs Patroni: {said.strip()[-200:]}")


def _start_etcd(site: Site) -> int:
    port, peers = free_port(), free_port()
    clients, others = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{peers}"
    options = [
        f"--data-dir={site.new_path('etcd')}",
        f"--listen-client-urls={clients}",
        f"--advertise-client-urls={clients}",
    ]
    options += [f"--listen-peer-urls={others}", f"--initial-advertise-peer-urls={others}"]
    options += [f"--initial-cluster=default={others}"]
    site.start("etcd", [program("etcd"), *options], lambda: listens(port))
    return port
