"""Servers: started here, asked how they are, and stopped by their process ids."""

import json
import os
import secrets
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from .answers import Json

LONGEST_START = 20.0
Found = TypeVar("Found")


def mint(program: str, data: Path, organisations: list[str], scope: str | None = None) -> str:
    """A token of the local identity, good for a day, also before the first start, which would make the secret."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    secret = data / "secret"
    if not secret.exists():
        with open(os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(32) + "\n")
    allowed = [f"--organisation={organisation}" for organisation in organisations]
    if scope is not None:
        allowed.append(f"--scope={scope}")
    command = [program, "token", f"--data-dir={data}", "--expires-in=24h", *allowed]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _answer_to(request: urllib.request.Request) -> Json:
    with urllib.request.urlopen(request, timeout=10) as answer:
        body: Json = json.load(answer)
    return body


class Server:
    """A process that serves the API on a port of its own."""

    def __init__(self, command: list[str], log: Path, environment: dict[str, str]):
        self.log = log
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("PREDICTION_", "DATABASE_"))}
        started = time.perf_counter()
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=clean | environment
            )
        try:
            self.url = "http://" + self._wait_for(self._address, started)
            self._wait_for(self._is_ready, started)
        except BaseException:
            self.stop()
            raise
        self.seconds_to_ready = time.perf_counter() - started

    def _wait_for(self, look: Callable[[], Found | None], started: float) -> Found:
        while True:
            found = look()
            if found:
                return found
            if self.process.poll() is not None or time.perf_counter() - started > LONGEST_START:
                raise RuntimeError("a server did not start:\n" + self.log.read_text(errors="replace")[-2000:])
            time.sleep(0.002)

    def _address(self) -> str | None:
        for line in self.log.read_text(errors="replace").splitlines():
            if '"listening"' in line:
                return str(json.loads(line)["address"])
        return None

    def _health_url(self) -> str:
        return self.url

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(self._health_url() + "/health/ready", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, ConnectionError):
            return False

    def get(self, path: str, token: str) -> Json:
        """A JSON answer."""
        request = urllib.request.Request(self.url + path, headers={"Authorization": "Bearer " + token})
        return _answer_to(request)

    def post(self, path: str, token: str, body: object) -> Json:
        """The JSON answer to a JSON body."""
        headers = {"Authorization": "Bearer " + token, "Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), headers)
        return _answer_to(request)

    def refused(self, path: str, token: str, body: object) -> Json:
        """The problem with which a change is refused."""
        headers = {"Authorization": "Bearer " + token, "Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), headers, method="PUT")
        try:
            answer = _answer_to(request)
        except urllib.error.HTTPError as refusal:
            problem: Json = json.load(refusal)
            return problem
        raise RuntimeError(f"{path} was changed: {answer}")

    def batches(self) -> dict[str, tuple[float, float]]:
        """Of each lane: how many questions it answered so far, and in how many batches."""
        with urllib.request.urlopen(self.url + "/metrics", timeout=10) as answer:
            text = answer.read().decode()
        found: dict[str, dict[str, float]] = {}
        for line in text.splitlines():
            for part in ("sum", "count"):
                start = f'prediction_lane_batch_size_{part}{{lane="'
                if line.startswith(start):
                    lane, value = line[len(start) :].split('"} ')
                    found.setdefault(lane, {})[part] = float(value)
        return {lane: (parts["sum"], parts["count"]) for lane, parts in found.items()}

    def memory_mib(self) -> float:
        """The proportional set size: what the process takes of the machine's memory, shared pages divided."""
        for line in Path(f"/proc/{self.process.pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
        raise RuntimeError("the kernel does not tell the proportional set size")

    def peak_mib(self) -> float:
        """The most memory that it had since that was forgotten: its resident set, shared pages counted whole."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
        raise RuntimeError("the kernel does not tell the peak of the resident set")

    def forget_peak(self) -> None:
        """From now on the peak of its memory is that of what comes."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def processor_seconds(self) -> float:
        """How long processors have worked for it."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def kill(self) -> None:
        """Ends the process as the kernel does when memory is short: at once, and without asking."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """Ends the process, and waits for its end."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
