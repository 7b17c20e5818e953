"""Many callers at the same moment, and one job in the end."""

from collections import Counter
from collections.abc import Sequence

from service.processes import Server
from service.template import ORGANISATIONS

from .client import SETUP, Answer, Request, at_once, everything, inputs, setup_of
from .figures import Figure, exactly
from .world import World

IDENTICAL, DIFFERENT = 64, 32


def races(world: World, kind: str) -> list[Figure]:
    """Setups that are alike, setups that differ, changes of one revision, and deletes of what is about to be used."""
    server, made = world.serve_with_template(world.new_place(kind))
    same = _send(world, server, [("POST", SETUP, setup_of("Same", 1))] * IDENTICAL)
    jobs = {str(answer.json()["job"]) for answer in same if answer.status in (200, 201)}
    others = [setup_of("Other", 1) | {"role_bindings": inputs(number)} for number in range(DIFFERENT)]
    different = _send(world, server, [("POST", SETUP, body) for body in others])
    lock = {"If-Match": f'"{made["job"]["revision"]}"'}
    changes = [
        ("PUT", f"/api/v1/jobs/{made['job']['id']}", {"name": f"Renamed {number}"}, lock) for number in range(DIFFERENT)
    ]
    changed = _send(world, server, changes)
    return [
        exactly(f"{IDENTICAL} identical setups: created", _statuses(same), "1 x 201, 63 x 200"),
        exactly("jobs in the answers", len(jobs), 1),
        exactly(f"{DIFFERENT} different setups of one name", _statuses(different), "1 x 201, 31 x 409"),
        exactly(f"{DIFFERENT} changes of one revision", _statuses(changed), "1 x 200, 31 x 412"),
        exactly("orphans after deletes of a version against setups that use it", _orphans(world, server), 0),
    ]


def _orphans(world: World, server: Server) -> int:
    """Deletes a version while it is used for the first time, ten times over; how many jobs have no version then."""
    caller = world.caller(server)
    for number in range(10):
        contested = {"name": f"Contested {number}", "owner_organisation_id": ORGANISATIONS[0]}
        source = caller.ask("POST", "/api/v1/sources", contested).expect(201)
        roles = {"input_roles": [], "output_roles": [{"role": "risk", "metric": "probability"}]}
        version = {"source_id": source["id"], "version": "1.0.0"} | roles
        made = caller.ask("POST", "/api/v1/source_versions", version).expect(201)
        body = setup_of(f"Contested {number}", number) | {"role_bindings": []}
        body["job"]["source_version_id"] = made["id"]
        delete = ("DELETE", f"/api/v1/source_versions/{made['id']}")
        _send(world, server, [delete, ("POST", SETUP, body)] * 4)
    jobs = everything(caller, "/api/v1/jobs")
    versions = {version["id"] for version in everything(caller, "/api/v1/source_versions")}
    return sum(job["source_version_id"] not in versions for job in jobs)


def _send(world: World, server: Server, requests: Sequence[Request]) -> list[Answer]:
    return at_once(server.url, world.token, requests)


def _statuses(answers: list[Answer]) -> str:
    counts = Counter(answer.status for answer in answers)
    return ", ".join(f"{count} x {status}" for status, count in sorted(counts.items(), key=lambda item: item[1]))
