"""What is checked beside what schemathesis checks by itself. Loaded by schemathesis."""

import json
import os
import re
from collections import Counter, deque
from pathlib import Path
from typing import Any

import requests
import schemathesis
from schemathesis import Case, CheckContext, HookContext, Response

# What may be wrong with a request that its schema allows: what depends on what is stored, or on the rest of the
# request.
BEYOND_SCHEMAS = {
    "cycle",
    "differs",
    "disagrees",
    "duplicate_alias",
    "duplicate_input",
    "duplicate_item",
    "duplicate_role",
    "duplicate_value",
    "immutable_field",
    "in_the_future",
    "input_kind_mismatch",
    # Regular expressions that mean the same everywhere know no characters beyond the first 65,536.
    "invisible_character",
    "managed_by_other_set",
    "metric_mismatch",
    "missing_required_role",
    "not_allowed_here",
    "not_managed",
    "role_changed",
    "source_version_of_other_source",
    "source_without_version",
    "unit_incompatible",
    "unknown_job",
    "unknown_output",
    "unknown_revision",
    "unknown_role",
    "unknown_source",
    "unknown_source_version",
    "version_withdrawn",
}
# Needed only sometimes: which jobs are upgraded, where no filter says it, why a run failed, and what a source or a
# version is that is not there yet. The same holds for an input, and for what a document describes.
NEEDED_SOMETIMES = {
    "/input_roles",
    "/jobs",
    "/kind",
    "/message",
    "/name",
    "/organisation_id",
    "/output_roles",
    "/role_bindings",
    "/role_bindings/input_id",
    "/source",
    "/source/name",
    "/source_version",
    "/source_version/input_roles",
    "/source_version/output_roles",
    "/source_version/version",
}
SUCCESSES = range(200, 400)
INPUTS = "/api/v1/inputs"
OWNER = "77777777-7777-7777-7777-777777777777"
STRANGER = "88888888-8888-8888-8888-888888888888"
JOBS = "/api/v1/jobs"
OUTPUTS = "/api/v1/outputs"
CATALOGUE = ("/api/v1/sources", "/api/v1/source_versions")
# Of any kind of document: schemathesis knows more than one.
AnyCase = Case[Any]

# What was made and is not deleted, the last at the end, by the path that it is found under: made-up ids lead nowhere.
MADE: dict[str, list[dict[str, str]]] = {}
# The setups that succeeded last: schemathesis deletes jobs by itself, too, and most operations are about one.
SETUPS: deque[requests.PreparedRequest] = deque(maxlen=8)
# How often each operation was called with something valid.
CALLS: Counter[str] = Counter()
# What can be right whatever is stored, where no member of a body can be looked at by itself.
POSSIBLE_BODIES: dict[str, Any] = {JOBS + "/{id}/upgrade": {}, JOBS + "/{id}/restore": {"revision": 1}}
# Of a change, what can be right whatever is stored.
ALWAYS_POSSIBLE = {
    "active",
    "description",
    "expected_interval_minutes",
    "kind",
    "metric",
    "name",
    "retention_hours",
    "unit",
}


@schemathesis.hook
def after_call(_ctx: HookContext, case: AnyCase, response: Response) -> None:
    """Remembers what was made, and forgets what was deleted, or is gone with the job that it was of."""
    path = case.operation.path
    is_gone = response.status_code == 404 and case.auth_identity == "owner"
    if is_gone or (case.method == "DELETE" and response.status_code == 204):
        for known, made in MADE.items():
            MADE[known] = [one for one in made if one != case.path_parameters]
        if path.startswith(JOBS + "/{id}") and not MADE.get(JOBS + "/{id}"):
            set_up_again()
    if response.status_code not in (200, 201) or (case.query or {}).get("dry_run"):
        return
    if path == INPUTS + "/{id}" and case.method == "PUT":
        remember(path, {"id": response.json()["id"]})
    if case.method != "POST" or path.endswith(("/upgrade", "/restore", "/import", "/apply")):
        return
    body = response.json()
    if path == JOBS + "/setup":
        remember_job(body["job"])
        SETUPS.append(response.request)
    elif path == JOBS + "/{id}/runs":
        remember(path + "/{run_id}", {"id": body["job_id"], "run_id": body["id"]})
    else:
        remember(path + "/{id}", {"id": body["id"]})


def set_up_again() -> None:
    """Sends the setups that succeeded last until one succeeds again."""
    with requests.Session() as session:
        # No proxy and no password of the person who runs this.
        session.trust_env = False
        for request in reversed(SETUPS):
            answer = session.send(request, timeout=10)
            if answer.status_code in (200, 201):
                remember_job(answer.json()["job"])
                return


def as_setups() -> tuple[requests.Session, str]:
    """A session with the token of the last setup, and where the service is."""
    session = requests.Session()
    session.trust_env = False
    session.headers["Authorization"] = str(SETUPS[-1].headers["Authorization"])
    return session, str(SETUPS[-1].url).partition(JOBS)[0]


def report_values(job: str) -> dict[str, str] | None:
    """Reports a value of each output of a job. Gives what a question for the first of them has in its query."""
    session, home = as_setups()
    with session:
        path = f"{home}{JOBS}/{job}"
        found = session.get(path, timeout=10)
        if found.status_code != 200:
            return None
        at = "2026-06-01T12:00:00Z"
        values = [{"role": output["role"], "at": at, "value": 1} for output in found.json()["outputs"]]
        session.post(f"{path}/runs", json={"status": "succeeded", "predictions": values}, timeout=10)
        return {"role": values[0]["role"], "at": at}


def role_of_version(version: str) -> str | None:
    """An input role of a version, if it has one."""
    if not SETUPS:
        return None
    session, home = as_setups()
    with session:
        found = session.get(f"{home}/api/v1/source_versions/{version}", timeout=10)
        roles = found.json()["input_roles"] if found.status_code == 200 else []
        return roles[0]["role"] if roles else None


def source_to_delete(case: AnyCase) -> dict[str, str]:
    """A new source of the user who asks. It has no versions: made-up calls do not give enough of those that can go."""
    users = json.loads(Path(os.environ["CONFORMANCE_USERS"]).read_text())["auth"]
    headers = next(user["fixedHeaders"] for user in users if user["name"] == case.auth_identity)
    with requests.Session() as session:
        session.trust_env = False
        session.headers.update({header["name"]: header["value"] for header in headers})
        home = case.operation.schema.get_base_url().removesuffix("/")
        name = f"To be deleted {CALLS[case.operation.label]}"
        made = session.post(home + "/api/v1/sources", json={"name": name}, timeout=10)
        made.raise_for_status()
        return {"id": made.json()["id"]}


def remember_job(job: dict[str, Any]) -> None:
    """Remembers a job, and what it predicts."""
    remember(JOBS + "/{id}", {"id": job["id"]})
    remember(OUTPUTS + "/{id}", {"id": job["outputs"][0]["id"]})


def remember(path: str, made: dict[str, str]) -> None:
    """Puts it at the end of what was made."""
    MADE[path] = [other for other in MADE.get(path, []) if other != made] + [made]


@schemathesis.hook
def before_call(_ctx: HookContext, case: AnyCase, **_: object) -> None:
    """Two of three calls are about something that is there, and about its current revision."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    for name in ("If-Match", "If-None-Match"):
        # Among what fits, schemathesis sends this for every header with a pattern.
        if case.headers and case.headers.get(name) == "0":
            case.headers.pop(name)
    versions = MADE.get("/api/v1/source_versions/{id}")
    if case.operation.path == JOBS + "/upgrade" and versions and isinstance(case.body, dict):
        CALLS[case.operation.label] += 1
        if CALLS[case.operation.label] % 3:
            case.body = {"source_version_id": versions[-1]["id"], "filter": {}}
    if case.method == "POST" and case.operation.path in CATALOGUE and case.query:
        # What is only rehearsed is not there for other calls.
        CALLS[case.operation.label] += 1
        if CALLS[case.operation.label] % 10:
            case.query.pop("dry_run", None)
    if not case.path_parameters:
        return
    CALLS[case.operation.label] += 1
    if case.operation.path.startswith("/api/v1/organisations/") and CALLS[case.operation.label] % 3:
        # Both users have one. A third of the calls is about one that nobody knows.
        case.path_parameters = {"id": OWNER if case.auth_identity == "owner" else STRANGER}
        return
    path = case.operation.path
    made = MADE.get(path) or MADE.get(path.partition("{id}")[0] + "{id}")
    if case.operation.label == "DELETE /api/v1/sources/{id}" and case.auth_identity:
        to_delete = source_to_delete(case)
        made = [*(made or [to_delete]), to_delete]
    # A third is made up. Not half: users take turns, and then only one of them would ask for what is there.
    if CALLS[case.operation.label] % 3 == 0 or not made or not made[-1].keys() <= case.path_parameters.keys():
        return
    # The last one is kept: others are about it.
    if case.method == "DELETE" and len(made) == 1:
        return
    case.path_parameters = {**case.path_parameters, **made[-1]}
    if case.query:
        # A made-up one is of no list; every third call still has it.
        case.query.pop("cursor", None)
        if "with" in case.query and path.startswith(JOBS):
            # The first revision is surely there, and has none before it.
            case.path_parameters["revision"] = case.query["with"] = 1
        elif "with" in case.query:
            # Of the versions that are there, only one itself is surely of its source.
            case.query["with"] = made[-1]["id"]
        if path == JOBS + "/{id}/provenance":
            case.query.update(report_values(made[-1]["id"]) or {})
            case.query.pop("as_of", None)
            case.query.pop("known_at", None)
    if path.endswith("/candidates") and case.query:
        role = role_of_version(made[-1]["id"])
        if role:
            case.query.update(role=role, organisation_id=OWNER)
    if path in POSSIBLE_BODIES:
        case.body = POSSIBLE_BODIES[path]
    if case.method in ("PUT", "DELETE"):
        if case.headers:
            case.headers.pop("If-Match", None)
        if isinstance(case.body, dict):
            case.body = {name: value for name, value in case.body.items() if name in ALWAYS_POSSIBLE}


@schemathesis.check
def refused_for_what_no_schema_says(_ctx: CheckContext, response: Response, case: AnyCase) -> None:
    """A request that its schema allows is refused only for something that no schema can say."""
    if case.meta is None or not case.meta.generation.mode.is_positive or response.status_code not in (400, 412, 422):
        return
    problem = response.json()
    if problem["code"] in ("invalid_cursor", "plan_outdated", "precondition_failed"):
        return
    assert problem.get("errors"), f"refused for its form: {problem['detail']}"
    for entry in problem["errors"]:
        missing = entry["code"] in ("missing_member", "wrong_type") and entry.get("actual") is None
        pointer = re.sub(r"^/(items|sources|source_versions|inputs|jobs)/\d+", "", entry.get("pointer") or "")
        pointer = re.sub(r"/\d+", "", pointer)
        needed = missing and pointer in NEEDED_SOMETIMES
        # A run that failed has to say something: not of a run that succeeded.
        needed = needed or (entry["code"], entry.get("pointer")) == ("too_short", "/message")
        # Of all kinds together a document has as many things as of one.
        needed = needed or (entry["code"], entry.get("pointer")) == ("too_many_items", "")
        # Beside another mistake, a cursor of another list is one of several in a query that is not valid.
        needed = needed or entry.get("parameter") == "cursor"
        assert needed or entry["code"] in BEYOND_SCHEMAS, f"refused for its form: {json.dumps(entry)}"


@schemathesis.check
class Strangers:
    """What succeeds as a member of one organisation is tried by one of another, who sees and changes nothing."""

    def __init__(self) -> None:
        self._tries = 0
        self._session = requests.Session()
        # No proxy and no password of the user who runs this.
        self._session.trust_env = False
        self._session.headers["Authorization"] = "Bearer " + os.environ["CONFORMANCE_STRANGER"]

    def after_response(self, _ctx: CheckContext, response: Response, case: AnyCase) -> None:
        path = case.operation.path
        if (
            not path.startswith((JOBS, OUTPUTS))
            or response.status_code not in SUCCESSES
            or case.auth_identity != "owner"
        ):
            return
        self._tries += 1
        request = response.request
        assert request.method is not None and request.url is not None, "it was sent, so it has both"
        headers = {name: value for name, value in request.headers.items() if name.lower() != "authorization"}
        answer = self._session.request(request.method, request.url, data=request.body, headers=headers, timeout=10)
        if path in (JOBS, JOBS + "/health") and answer.status_code == 200:
            body = answer.json()
            assert not body.get("items") and not any(body.get("counts", {}).values()), f"a stranger saw {answer.text}"
            return
        if path == JOBS + "/upgrade" and answer.status_code == 200:
            outcomes = {result["outcome"] for result in answer.json()["results"]}
            assert outcomes <= {"refused"}, f"a stranger upgraded: {answer.text}"
            return
        # A caller who names the organisation is told that it is not theirs; a job of it is not there.
        self._expect(404 if "{id}" in path else 403, answer)
        if path.startswith(JOBS) and "{id}" in path and request.method != "DELETE":
            job = case.path_parameters["id"]
            self._expect(404, self._session.delete(f"{request.url.partition(JOBS)[0]}{JOBS}/{job}", timeout=10))

    @staticmethod
    def _expect(status: int, answer: requests.Response) -> None:
        assert answer.status_code == status, f"a stranger got {answer.status_code} instead of {status}: {answer.text}"

    def after_run(self, _ctx: CheckContext) -> None:
        Path(os.environ["CONFORMANCE_FIGURES"]).write_text(json.dumps({"strangers": self._tries}))


@schemathesis.check
class EverythingSucceedsOnce:
    """Every operation succeeds for some request: one that is refused whatever comes was not tried at all."""

    def __init__(self) -> None:
        self._tried: set[str] = set()
        self._succeeded: set[str] = set()

    def after_response(self, _ctx: CheckContext, response: Response, case: AnyCase) -> None:
        self._tried.add(case.operation.label)
        if response.status_code in SUCCESSES:
            self._succeeded.add(case.operation.label)

    def after_run(self, _ctx: CheckContext) -> None:
        never = self._tried - self._succeeded
        assert not never, "never succeeded: " + ", ".join(sorted(never))
