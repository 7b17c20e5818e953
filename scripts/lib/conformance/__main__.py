"""Holds the running service to its OpenAPI document with schemathesis, on both databases. Run by scripts/test."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from bench.databases import Postgres
from service.machine import end_on_signals
from service.processes import Server, mint

FEWEST_CASES = 10_000
LONGEST_RUN = 1800.0
CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
# The organisation of the examples in the document, and another one.
ORGANISATIONS = {"owner": "77777777-7777-7777-7777-777777777777", "stranger": "88888888-8888-8888-8888-888888888888"}


class Run:
    """Schemathesis at work on one database."""

    def __init__(self, name: str, database_url: str, program: Path, folder: Path, stack: ExitStack):
        self._name = name
        self._folder = folder
        folder.mkdir()
        data = folder / "data"
        tokens = {user: mint(str(program), data, [organisation]) for user, organisation in ORGANISATIONS.items()}
        environment = {"DATABASE_URL": database_url, "PREDICTION_API_DATA_DIR": str(data)}
        command = [str(program), "--listen=127.0.0.1:0", "--log-format=json"]
        self._server = Server(command, folder / "server.log", environment)
        stack.callback(self._server.stop)
        users = [
            {"name": user, "fixedHeaders": [{"name": "Authorization", "value": f"Bearer {token}"}]}
            for user, token in tokens.items()
        ]
        (folder / "users.json").write_text(json.dumps({"auth": users}))
        self._started = time.monotonic()
        self._process = self._start(tokens["stranger"])
        stack.callback(self._stop)

    def _start(self, stranger: str) -> subprocess.Popen[bytes]:
        settings = {
            "CONFORMANCE_USERS": str(self._folder / "users.json"),
            "CONFORMANCE_STRANGER": stranger,
            "CONFORMANCE_FIGURES": str(self._folder / "figures.json"),
            "PYTHONPATH": str(CONFIGURATION.parents[1]),
        }
        command = [
            str(Path(sys.executable).with_name("schemathesis")),
            "--no-color",
            f"--config-file={CONFIGURATION}",
            "run",
            self._server.url + "/openapi.json",
            "--report-json-path=report.json",
        ]
        with (self._folder / "schemathesis.log").open("wb") as log:
            # What schemathesis keeps, it keeps where it runs.
            return subprocess.Popen(
                command, cwd=self._folder, env=os.environ | settings, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def finish(self) -> int:
        """Waits for the end, tells about it, and how many cases there were; 0 when anything was found."""
        try:
            status: int | None = self._process.wait(max(self._started + LONGEST_RUN - time.monotonic(), 0))
        except subprocess.TimeoutExpired:
            status = None
        seconds = time.monotonic() - self._started
        if status != 0:
            print(self._text("schemathesis.log"))
            print("The last lines of the service:\n" + self._text("server.log")[-3000:])
            print(f"{self._name}: " + ("schemathesis found something; it is above." if status else "it took too long."))
            return 0
        cases: int = json.loads(self._text("report.json"))["test_cases"]["generated"]
        tries = json.loads(self._text("figures.json"))["strangers"]
        print(f"{self._name}: {cases:,} cases in {seconds:.0f} s; a stranger tried {tries:,} of them, too.")
        return cases

    def _text(self, name: str) -> str:
        return (self._folder / name).read_text(errors="replace")

    def _stop(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


def main() -> int:
    parser = argparse.ArgumentParser(prog="conformance", description=__doc__)
    parser.add_argument("--postgres", required=True, help="URL of a server that can make a database")
    parser.add_argument("--binaries", required=True, type=Path, help="folder with psql")
    parser.add_argument("--program", required=True, type=Path, help="the service")
    options = parser.parse_args()
    end_on_signals()
    # The service is on this machine, whatever proxy its user has.
    os.environ["NO_PROXY"] = "127.0.0.1"
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="prediction-conformance.")))
        databases = {
            "SQLite": f"sqlite:{folder / 'conformance.db'}",
            "PostgreSQL": Postgres(options.postgres, options.binaries, "conformance").url,
        }
        program = options.program.resolve()
        runs = [Run(name, url, program, folder / name, stack) for name, url in databases.items()]
        cases = [run.finish() for run in runs]
    if not all(cases):
        return 1
    if sum(cases) < FEWEST_CASES:
        print(f"{sum(cases):,} cases are too few: {FEWEST_CASES:,} were promised.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
