"""What a client of the API does, with the models that datamodel-code-generator makes of docs/openapi.json.

scripts/test checks its types: there is no cast in it, and no `Any`. docs/clients.md says how to run it against a
service.
"""

import http.client
import sys
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar
from uuid import UUID

from prediction_api import (
    HealthStatus,
    InputRoleRequest,
    Job,
    JobHealthCounts,
    JobHealthCountsByStatus,
    JobPage,
    JobSetup,
    JobSetupJob,
    JobSetupRequest,
    JobSetupSource,
    JobSetupSourceVersion,
    Outcome,
    OutputRoleRequest,
    PredictionPage,
    PredictionRequest,
    Problem,
    ProblemCode,
    ProblemEntry,
    ReportedRun,
    ReportRunRequest,
    RoleBindingRequest,
    RunStatus,
    UpdateJobRequest,
)
from pydantic import BaseModel

Answer = TypeVar("Answer", bound=BaseModel)


class Refused(Exception):
    """The service answered with a problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.code}: {problem.detail}; {advice(problem)}")
        self.problem = problem


def advice(problem: Problem) -> str:
    """What to do about a problem, by its code; by its status if this program does not know the code."""
    match problem.code:
        case ProblemCode.precondition_failed:
            return f"read it again: it is at revision {problem.current_revision}"
        case ProblemCode.conflict:
            return f"the {problem.resource} {problem.existing_id} has other content"
        case ProblemCode.quota_exceeded:
            return f"{problem.used} of {problem.limit} {problem.quota} are used"
        case ProblemCode.would_delete_values if problem.deletes is not None:
            return f"confirm that {problem.deletes.values} values are deleted"
        case ProblemCode.invalid:
            return "; ".join(mistake(entry) for entry in problem.errors or [])
        case _:
            is_transient = problem.status == 429 or problem.status >= 500
            return "try it again later" if is_transient else "correct the request"


def mistake(entry: ProblemEntry) -> str:
    """An entry of a problem in a line."""
    place = entry.pointer or entry.parameter or "the request"
    return f"{place}: {entry.message}" + ("" if entry.expected is None else f" ({entry.expected})")


@dataclass
class Answered(Generic[Answer]):
    """An answer, and its entity tag."""

    body: Answer
    tag: str


class PredictionApi:
    """The service, spoken to with one token."""

    def __init__(self, url: str, token: str) -> None:
        self.address = urllib.parse.urlsplit(url).netloc
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def call(
        self,
        answer: type[Answer],
        method: str,
        path: str,
        body: BaseModel | None = None,
        query: Mapping[str, str] | None = None,
        tag: str | None = None,
    ) -> Answered[Answer]:
        """What is answered, read as that model."""
        status, text, new_tag = self.send(method, path, body, query, {} if tag is None else {"If-Match": tag})
        if status >= 400:
            raise Refused(Problem.model_validate_json(text))
        return Answered(answer.model_validate_json(text), new_tag)

    def send(
        self,
        method: str,
        path: str,
        body: BaseModel | None,
        query: Mapping[str, str] | None,
        headers: Mapping[str, str],
    ) -> tuple[int, bytes, str]:
        """The status, the bytes and the entity tag of an answer."""
        target = f"/api/v1{path}" + (f"?{urllib.parse.urlencode(query)}" if query else "")
        # What was not set is left out, and what was set to None is null: an update tells them apart.
        text = None if body is None else body.model_dump_json(exclude_unset=True)
        connection = http.client.HTTPConnection(self.address, timeout=30)
        try:
            connection.request(method, target, text, self.headers | dict(headers))
            response = connection.getresponse()
            return response.status, response.read(), response.getheader("ETag") or ""
        finally:
            connection.close()

    def set_up(self, setup: JobSetupRequest) -> JobSetup:
        return self.call(JobSetup, "POST", "/jobs/setup", setup).body

    def read(self, job: UUID) -> Answered[Job]:
        """A job with its source and version."""
        return self.call(Job, "GET", f"/jobs/{job}", query={"expand": "source,source_version"})

    def update(self, job: UUID, tag: str, change: UpdateJobRequest) -> Job:
        return self.call(Job, "PUT", f"/jobs/{job}", change, tag=tag).body

    def with_health(self, statuses: list[HealthStatus], limit: int) -> Iterator[Job]:
        """The jobs with one of these statuses, page by page."""
        query = {"health": ",".join(statuses), "limit": str(limit)}
        page = self.call(JobPage, "GET", "/jobs", query=query).body
        yield from page.items
        while page.next_cursor is not None:
            page = self.call(JobPage, "GET", "/jobs", query=query | {"cursor": page.next_cursor}).body
            yield from page.items

    def report(self, job: UUID, run: ReportRunRequest) -> ReportedRun:
        return self.call(ReportedRun, "POST", f"/jobs/{job}/runs", run).body

    def predictions(self, job: UUID, role: str) -> PredictionPage:
        return self.call(PredictionPage, "GET", f"/jobs/{job}/predictions", query={"role": role}).body

    def predictions_as_csv(self, job: UUID) -> str:
        _, text, _ = self.send("GET", f"/jobs/{job}/predictions", None, None, {"Accept": "text/csv"})
        return text.decode()

    def count_by_health(self) -> JobHealthCountsByStatus:
        return self.call(JobHealthCounts, "GET", "/jobs/health").body.counts


def refusal_of_setup(api: PredictionApi, setup: JobSetupRequest) -> Problem:
    """The problem that a setup ends with."""
    try:
        api.set_up(setup)
    except Refused as refused:
        return refused.problem
    raise AssertionError("this was to be refused")


def setup_of(organisation: UUID, name: str, sensor: str) -> JobSetupRequest:
    return JobSetupRequest(
        organisation_id=organisation,
        source=JobSetupSource(name="client-smoke", expected_interval_minutes=60),
        source_version=JobSetupSourceVersion(
            version="1.0.0",
            input_roles=[InputRoleRequest(role="temperature", input_kind="sensor", metric="celsius")],
            output_roles=[OutputRoleRequest(role="risk", metric="percent", unit="%")],
        ),
        job=JobSetupJob(name=name),
        role_bindings=[RoleBindingRequest(role="temperature", input_id=UUID(sensor))],
    )


def main(url: str, token: str, organisation: UUID) -> None:
    api = PredictionApi(url, token)
    now = datetime.now(UTC)
    name = f"smoke in Python {now.isoformat()}"
    sensor = "55555555-5555-5555-5555-555555555555"

    places = ("first", "second", "third")
    setups = [api.set_up(setup_of(organisation, f"{name}, {place}", sensor)) for place in places]
    first, second = setups[0].job, setups[1].job
    assert setups[0].outcome.job == Outcome.created
    for warning in setups[0].warnings:
        print(warning.code, warning.message, sorted(warning.details))

    read = api.read(first.id)
    job = read.body
    assert job.source is not None and job.source.name == "client-smoke"
    assert job.source_version is not None and job.source_version.output_roles[0].unit == "%"

    seen = {each.id for each in api.with_health([HealthStatus.new, HealthStatus.overdue], limit=2)}
    assert seen.issuperset(setup.job.id for setup in setups)

    change = UpdateJobRequest.model_validate(job.model_dump(exclude_unset=True))
    change.name = f"{name}, renamed"
    updated = api.update(job.id, read.tag, change)
    assert updated.revision == job.revision + 1
    try:
        api.update(job.id, read.tag, UpdateJobRequest(active=False))
        raise AssertionError("this was to be refused")
    except Refused as refused:
        stale = refused.problem
    assert stale.code == ProblemCode.precondition_failed and stale.current_revision == updated.revision

    at = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    values = [PredictionRequest(role="risk", at=at, value=12.5)]
    succeeded = ReportRunRequest(status=RunStatus.succeeded, job_revision=updated.revision, predictions=values)
    run = api.report(job.id, succeeded)
    assert run.prediction_count == 1 and run.message is None
    failed = ReportRunRequest(status=RunStatus.failed, message="the sensor did not answer")
    assert api.report(second.id, failed).status != RunStatus.succeeded

    page = api.predictions(job.id, "risk")
    assert page.items[0].value == 12.5 and page.items[0].at == at and page.items[0].run_id == run.id
    assert page.next_cursor is None
    assert len(api.predictions_as_csv(job.id).split("\r\n")) == 3
    print("jobs by health:", api.count_by_health())

    other = setup_of(organisation, second.name, "66666666-6666-6666-6666-666666666666")
    print(advice(refusal_of_setup(api, other)))
    other.role_bindings = []
    print(advice(refusal_of_setup(api, other)))
    # As a later release may answer.
    later = Problem.model_validate(stale.model_dump() | {"code": "a_later_code", "status": 503, "a_later_member": 1})
    assert advice(later) == "try it again later"
    late = job.model_dump_json().replace('"new"', '"a_later_status"')
    assert Job.model_validate_json(late).health.status == "a_later_status"
    print("All of it works.")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: smoke.py URL TOKEN ORGANISATION")
    main(sys.argv[1], sys.argv[2], UUID(sys.argv[3]))
