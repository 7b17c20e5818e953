"""A PostgreSQL server that speaks another language: what it says to people is not what a program may go by."""

from .client import SETUP, Request, at_once, setup_of
from .figures import Figure, exactly, holds
from .outages import is_refusal
from .world import Place, World

LOCALE = "de_DE.UTF-8"


def german(world: World, _kind: str) -> list[Figure]:
    """Holds a lock for longer than it is waited for, and asks for what is taken, on a server that speaks German."""
    cluster = world.new_cluster(LOCALE)
    cluster.create()
    cluster.start()
    with cluster.session() as session:
        session.rows("CREATE DATABASE predictions")
    server, made = world.serve_with_template(Place(cluster.url("predictions"), "predictions", world.folder))
    caller = world.caller(server)
    first = caller.ask("POST", SETUP, setup_of("Taken", 1)).expect(201)
    taken = caller.ask("POST", SETUP, setup_of("Taken", 1) | {"role_bindings": setup_of("Other", 11)["role_bindings"]})
    again = caller.ask("POST", SETUP, setup_of("Taken", 1))
    job, source = f"/api/v1/jobs/{made['job']['id']}", f"/api/v1/sources/{made['source']['id']}"
    requests: list[Request] = [
        ("GET", job),
        ("GET", "/api/v1/jobs?limit=20"),
        ("POST", SETUP, setup_of("Waits", 2)),
        ("PUT", job, {"name": "Waits, too"}),
        ("PUT", source, {"description": "waits as well"}),
    ]
    with cluster.session("predictions") as session:
        session.rows("BEGIN; LOCK TABLE jobs, sources, source_versions IN ACCESS EXCLUSIVE MODE")
        waited = at_once(server.url, world.token, requests)
    after = [caller.ask(*request).status for request in requests]
    said = cluster.log()
    return [
        holds("it speaks German", "FEHLER" in said or "Anweisung" in said),
        exactly("a name that is taken", taken.status, 409),
        exactly("the same setup again", again.status, 200),
        holds("with the same job", again.json().get("job") == first["job"]),
        exactly(
            f"of {len(waited)} that waited for a lock, other answers than 503 with Retry-After",
            sum(not is_refusal(one) for one in waited),
            0,
        ),
        exactly("afterwards, other answers than 2xx", sum(status not in (200, 201) for status in after), 0),
    ]
