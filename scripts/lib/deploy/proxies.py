"""HAProxy and nginx before two replicas: a rolling restart under traffic, and what they may and may not do."""

import json
import signal
import ssl
from collections.abc import Callable
from pathlib import Path

from faults.client import BROKEN, SETUP, Answer, Caller
from faults.clusters import free_port
from faults.figures import Figure, at_most, exactly, holds
from service.template import TEMPLATE

from .site import Place, Site, listens, program, render, run, wait_for
from .stand_in import StandIn
from .traffic import Door, TlsCaller, Traffic

ROUNDS = 2
# Requests that a replica has answered before the next one is stopped: by then the proxy knows that it is there again.
ENOUGH = 20
MIB = 1024 * 1024
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
# What is about a connection or a moment.
OF_THE_MOMENT = {"connection", "keep-alive", "transfer-encoding", "date", "server", "x-request-id"}
Start = Callable[[Site, list[tuple[int, int]]], Door]


def haproxy(site: Site) -> list[Figure]:
    """examples/deploy/haproxy.cfg."""
    return _tried(site, _start_haproxy, {"GET": 4, "POST": 1, "DELETE": 1, "setup": 1})


def nginx(site: Site) -> list[Figure]:
    """examples/deploy/nginx.conf."""
    # It sends again what HTTP calls idempotent, and setups, as the file says.
    return _tried(site, _start_nginx, {"GET": 2, "POST": 1, "DELETE": 2, "setup": 2})


def _tried(site: Site, start: Start, most: dict[str, int]) -> list[Figure]:
    # Nobody listens there: it is only for the requests to be traced.
    place = site.serve_new(f"--otlp-endpoint=http://127.0.0.1:{free_port()}")
    door = start(site, place.ports)
    return [
        *_rolling_restart(door, place),
        *_passes_on(site, door, place),
        *_bounds_bodies(door),
        *_without_replicas(door, place),
        *_sends_again(site, start, most),
    ]


def _certificate(folder: Path) -> tuple[Path, Path, ssl.SSLContext]:
    """A certificate of this machine's own, its key, and what trusts it."""
    crt, key = folder / "predictions.crt", folder / "predictions.key"
    asked = ["openssl", "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    asked += ["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    code, said = run([*asked, "-keyout", str(key), "-out", str(crt)])
    if code != 0:
        raise RuntimeError(f"no certificate could be made: {said}")
    return crt, key, ssl.create_default_context(cafile=str(crt))


def _start_haproxy(site: Site, ports: list[tuple[int, int]]) -> Door:
    folder, port = site.new_folder("haproxy"), free_port()
    crt, key, trust = _certificate(folder)
    both = folder / "predictions.pem"
    both.write_text(crt.read_text() + key.read_text())
    (first, health), (second, other_health) = ports
    changes = {
        "bind :443": f"bind 127.0.0.1:{port}",
        "/etc/haproxy/certs/predictions.pem": str(both),
        # The port of health is the same on each machine; here both replicas are on one.
        "check port 9000 inter": "check inter",
        "10.0.0.11:8000": f"127.0.0.1:{first} port {health}",
        "10.0.0.12:8000": f"127.0.0.1:{second} port {other_health}",
    }
    file = folder / "haproxy.cfg"
    file.write_text(render("haproxy.cfg", changes))
    command = [program("haproxy"), "-f", str(file)]
    code, said = run([*command, "-c"])
    if code != 0:
        raise RuntimeError(f"HAProxy refuses the file: {said}")
    site.start("haproxy", [*command, "-db"], lambda: listens(port))
    return Door(f"https://localhost:{port}", site.token, trust)


def _start_nginx(site: Site, ports: list[tuple[int, int]]) -> Door:
    folder, port = site.new_folder("nginx"), free_port()
    crt, key, trust = _certificate(folder)
    changes = {
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "/etc/nginx/certs/predictions.crt": str(crt),
        "/etc/nginx/certs/predictions.key": str(key),
        "/run/nginx.pid": str(folder / "nginx.pid"),
        "/var/log/nginx/error.log": str(folder / "error.log"),
        "/var/log/nginx/access.log": str(folder / "access.log"),
        "10.0.0.11:8000": f"127.0.0.1:{ports[0][0]}",
        "10.0.0.12:8000": f"127.0.0.1:{ports[1][0]}",
    }
    # What does not fit into memory while it arrives goes into folders that only root may write, unless told otherwise.
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    elsewhere = "".join(f"\n    {kind}_temp_path {folder / kind};" for kind in kinds)
    changes["server_tokens off;"] = "server_tokens off;" + elsewhere
    file = folder / "nginx.conf"
    file.write_text(render("nginx.conf", changes))
    command = [program("nginx"), "-c", str(file), "-p", str(folder)]
    code, said = run([*command, "-t"])
    if code != 0:
        raise RuntimeError(f"nginx refuses the file: {said}")
    site.start("nginx", [*command, "-g", "daemon off;"], lambda: listens(port))
    return Door(f"https://localhost:{port}", site.token, trust)


def _rolling_restart(door: Door, place: Place) -> list[Figure]:
    """Each replica is stopped and started again, one after the other, under traffic."""
    wait_for(lambda: _is_answered(door), "the proxy finds a replica")
    traffic, codes = Traffic([door]), []
    with traffic.flowing():
        for number in [0, 1] * ROUNDS:
            _wait_for_both(place)
            process = place.replicas[number].process
            process.send_signal(signal.SIGTERM)
            codes.append(process.wait(60))
            place.start_again(number)
        _wait_for_both(place)
    return [
        exactly(f"exit codes of {len(codes)} replicas that were stopped, other than 0", sum(map(bool, codes)), 0),
        *traffic.figures(),
    ]


def _wait_for_both(place: Place) -> None:
    before = [replica.answered() for replica in place.replicas]
    wait_for(
        lambda: all(now.answered() >= then + ENOUGH for now, then in zip(place.replicas, before, strict=True)),
        "the proxy sends requests to both replicas",
    )


def _is_answered(door: Door) -> bool:
    try:
        return _ask(door, "GET", "/api/v1/jobs?limit=1").status == 200
    except BROKEN:
        return False


def _ask(door: Door, method: str, path: str, body: object = None, headers: dict[str, str] | None = None) -> Answer:
    caller = door.caller()
    try:
        return caller.ask(method, path, body, headers)
    finally:
        caller.close()


def _passes_on(site: Site, door: Door, place: Place) -> list[Figure]:
    """What of a request and of an answer has to arrive as it is, and what must not arrive at all."""
    traced = {"X-Request-Id": "from-the-client", "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
    named = _ask(door, "GET", "/api/v1/jobs?limit=1", headers=traced)
    logs = "".join(replica.log.read_text() for replica in place.replicas)
    lines = [json.loads(line) for line in logs.splitlines() if '"from-the-client"' in line]
    direct = Caller(place.replicas[0].url, site.token)
    console = direct.ask("GET", "/", headers={"Accept": "text/html"})
    shown = _ask(door, "GET", "/", headers={"Accept": "text/html"})
    made = direct.ask("POST", SETUP, TEMPLATE).expect(200)["job"]["id"]
    tags = [
        one.headers.get("etag", "")
        for one in (
            direct.ask("GET", f"/api/v1/jobs/{made}"),
            _ask(door, "GET", f"/api/v1/jobs/{made}", headers={"Accept-Encoding": "gzip"}),
        )
    ]
    long_token = Door(door.url, "x" * 20_000, door.trust)
    inside = [_ask(door, "GET", path).status for path in ("/metrics", "/health/ready", "/health/live")]
    return [
        exactly("the id of a request comes back as", named.headers.get("x-request-id", "none"), "from-the-client"),
        exactly(
            "the log of the service has its trace", lines[0].get("trace_id", "none") if lines else "no line", TRACE
        ),
        holds("a request without an id has one in the answer", bool(shown.headers.get("x-request-id"))),
        holds("the console's headers and body are the service's", _lasting(shown) == _lasting(console)),
        holds("with a policy for its contents", "content-security-policy" in shown.headers),
        holds("entity tags stay strong", tags[0] == tags[1] and tags[0].startswith('"')),
        exactly(
            "a token of 20,000 characters reaches the service", _ask(long_token, "GET", "/api/v1/jobs").status, 401
        ),
        exactly("metrics or health for clients", sum(status != 404 for status in inside), 0),
    ]


def _lasting(answer: Answer) -> tuple[int, dict[str, str], bytes]:
    return (
        answer.status,
        {name: value for name, value in answer.headers.items() if name not in OF_THE_MOMENT},
        answer.body,
    )


def _bounds_bodies(door: Door) -> list[Figure]:
    """The service judges what it may, and says why; what is larger never reaches it."""
    job = _ask(door, "POST", SETUP, TEMPLATE).expect(200)["job"]["id"]
    report = f"/api/v1/jobs/{job}/runs"
    large = {"status": "failed", "message": "x" * (4 * MIB - 1_000)}
    setup = _ask(door, "POST", SETUP, TEMPLATE | {"job": {"name": "x" * 2 * MIB}})
    taken = _ask(door, "POST", report, large)
    caller = door.caller()
    if not isinstance(caller, TlsCaller):
        raise RuntimeError("the proxy has no certificate")
    beyond = caller.announce("POST", report, 4 * MIB + 1)
    caller.close()
    return [
        exactly("a setup of 2 MiB", setup.status, 413),
        exactly("which the service says", setup.json().get("type", ""), "/problems/payload_too_large"),
        holds(
            f"a report of almost 4 MiB reaches the service, which says {taken.status}",
            b'"/problems/' in taken.body or taken.status == 201,
        ),
        exactly("one of more", beyond.status, 413),
        exactly("in the form", beyond.headers.get("content-type", ""), "application/problem+json"),
    ]


def _without_replicas(door: Door, place: Place) -> list[Figure]:
    """What clients are told while there is no replica."""
    for replica in place.replicas:
        replica.process.kill()
        replica.process.wait()
    answer = _ask(door, "GET", "/api/v1/jobs")
    return [
        holds(f"without replicas the answer is {answer.status}", answer.status in (502, 503)),
        exactly("in the form", answer.headers.get("content-type", "").partition(";")[0], "application/problem+json"),
    ]


def _sends_again(site: Site, start: Start, most: dict[str, int]) -> list[Figure]:
    """What is sent to another replica when one took a request and ended without an answer."""
    stand_ins = [StandIn(), StandIn()]
    for one in stand_ins:
        site.end_with(one.close)
    door = start(site, [(one.port, one.port) for one in stand_ins])
    wait_for(lambda: _is_quiet(door), "the proxy finds the stand-ins")
    idle = door.caller()
    idle.ask("GET", "/idle")
    wait_for(lambda: any(one.idle_seconds for one in stand_ins), "the idle connection is given up")
    idle.close()
    given_up = min(seconds for one in stand_ins for seconds in one.idle_seconds)
    # A proxy that was told nothing waits for a minute. How late exactly it looks depends on the machine.
    figures = [at_most("an idle connection is given up after", round(given_up, 1), 45, "s")]
    for what, times in most.items():
        wait_for(lambda: _is_quiet(door), "the proxy tries the stand-ins again")
        method, path = ("POST", SETUP) if what == "setup" else (what, "/api/v1/sources")
        before = sum(one.received[method] for one in stand_ins)
        answer = _ask(door, method, path, {} if method == "POST" else None)
        received = sum(one.received[method] for one in stand_ins) - before
        figures.append(holds(f"a {what} without an answer is told {answer.status}", answer.status >= 500))
        figures.append(at_most("and was sent, times,", received, times))
        figures.append(holds("at least once", received > 0))
    return figures


def _is_quiet(door: Door) -> bool:
    try:
        return _ask(door, "GET", "/health/ready").status == 200
    except BROKEN:
        return False
