"""The unit of systemd: how exposed it is, what it lets the service do, and what the service is told."""

import re
import signal
import subprocess
import time
from pathlib import Path

from faults.clusters import free_port
from faults.figures import Figure, at_most, exactly, holds, told

from .site import FILES, CannotTry, Replica, Site, program, run, wait_for
from .traffic import Door, Traffic

UNIT = "prediction-api.service"
# Of ten, where ten is a service that may do everything.
MOST_EXPOSED = 1.5
CALLS_BEFORE = 300
# What systemd lets every service do, whatever the filter says (systemd.exec).
ALWAYS = {"execve", "exit", "exit_group", "getrlimit", "rt_sigreturn", "sigreturn"}


def unit(site: Site) -> list[Figure]:
    """examples/deploy/prediction-api.service, and prediction-api.env."""
    analyze = program("systemd-analyze")
    _, said = run([analyze, "security", "--offline=yes", "--no-pager", str(FILES / UNIT)])
    found = re.search(r"Overall exposure level for \S+ ([\d.]+)", said)
    if not found:
        raise CannotTry(f"systemd-analyze cannot judge files: {said[-200:]}")
    return [
        at_most("exposure by systemd-analyze", float(found[1]), MOST_EXPOSED),
        *_verified(site, analyze),
        *_variables(site),
        *_system_calls(site, analyze),
    ]


def _verified(site: Site, analyze: str) -> list[Figure]:
    """What systemd has to say about the unit, with a program where the unit has it."""
    folder = site.new_folder("unit")
    text = (FILES / UNIT).read_text().replace("/usr/local/bin/prediction-api", str(Path(site.program).resolve()))
    (folder / UNIT).write_text(text)
    code, said = run([analyze, "verify", "--man=no", str(folder / UNIT)])
    return [exactly(f"systemd-analyze verify: {' '.join(said.split())}: exit code".replace(": : ", ": "), code, 0)]


def _variables(site: Site) -> list[Figure]:
    """Each variable of the environment is one that the service knows, also those that are commented out."""
    told_so = re.findall(r"^#?([A-Z_]+)=", (FILES / "prediction-api.env").read_text(), re.MULTILINE)
    told_so += re.findall(r"^Environment=([A-Z_]+)=", (FILES / UNIT).read_text(), re.MULTILINE)
    _, help_text = run([site.program, "serve", "--help"])
    known = set(re.findall(r"\[env: (\w+)", help_text))
    return [exactly(f"variables of {len(told_so)} that the service does not know", len(set(told_so) - known), 0)]


def _system_calls(site: Site, analyze: str) -> list[Figure]:
    """What the service asks of the kernel, from its start to its end, beside what the unit's filter lets through."""
    strace = program("strace")
    counts = site.new_path("calls").with_suffix(".log")
    url = site.cluster.url(site.new_database())
    ports = (free_port(), free_port())
    traced = [
        strace,
        "-f",
        "-c",
        "-S",
        "name",
        "-o",
        str(counts),
        site.program,
        "--log-format=json",
        "--drain-delay=1s",
    ]
    environment = {"DATABASE_URL": url, "PREDICTION_API_DATA_DIR": str(site.data)}
    try:
        replica = Replica(traced, ports, site.new_path("traced").with_suffix(".log"), environment)
    except RuntimeError as failure:
        raise CannotTry(f"strace does not work here: {failure}") from failure
    site.end_with(replica.stop)
    traffic = Traffic([Door(replica.url, site.token)])
    with traffic.flowing():
        wait_for(lambda: traffic.answered >= CALLS_BEFORE or traffic.failures, "traffic")
        replica.metrics()
    traffic_figures = traffic.figures()
    (service,) = _children(replica.process.pid)
    began = time.monotonic()
    subprocess.run(["kill", f"-{signal.SIGTERM.value}", str(service)], check=True)
    replica.process.wait(120)
    lines = [line.split() for line in counts.read_text().splitlines()[2:]]
    # The name comes last; the last lines are a rule and the sum.
    called = {line[-1] for line in lines if line and line[-1].islower()} - {"total"}
    refused = called - _let_through(analyze)
    return [
        told(f"ended {time.monotonic() - began:.0f} s after SIGTERM, with a drain of 1 s"),
        holds("beside strace as well as without", all(figure.is_met for figure in traffic_figures)),
        exactly(f"of {len(called)} system calls, not let through {sorted(refused) or ''}".strip(), len(refused), 0),
    ]


def _children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _let_through(analyze: str) -> set[str]:
    """The system calls of the unit's filter: those of its first line, without those of lines that begin with ~."""
    allowed = set(ALWAYS)
    for line in re.findall(r"^SystemCallFilter=(.*)$", (FILES / UNIT).read_text(), re.MULTILINE):
        named = {call for name in line.removeprefix("~").split() for call in _calls(analyze, name)}
        allowed = allowed - named if line.startswith("~") else allowed | named
    return allowed


def _calls(analyze: str, name: str) -> set[str]:
    """What a name of a filter stands for: a call, or a group of calls and other groups."""
    if not name.startswith("@"):
        return {name}
    _, said = run([analyze, "syscall-filter", "--no-pager", name])
    inside = [line.strip() for line in said.splitlines()[1:] if line.strip() and not line.strip().startswith("#")]
    return {call for one in inside for call in _calls(analyze, one)}
