#!/usr/bin/env python3
"""Runs the jobs of one source: reads what is bound to them, predicts, and reports the runs to the Prediction API.

The sensors and the models are toys. The rest is what every runner does: find the jobs, read their contracts, read the
outputs of other jobs that are bound to them, predict, report.

A run is issued at the time now, cut to the interval of the source, and its numbers depend on nothing else; of other
jobs, it reads what was issued by then. So a runner that is started again, or a second one beside it, reports the same
run again, and the service stores it once.
"""

import argparse
import hashlib
import http.client
import json
import os
import re
import signal
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Optional

HOUR = 3600
ATTEMPTS = 4
LONGEST_WAIT = 30
TIMEOUT = 30
DEFAULT_INTERVAL_MINUTES = 60

Json = dict[str, Any]


class Unreachable(Exception):
    """The service did not answer, or something answered that is not the service."""


class Refused(Exception):
    """The service answered with an error. As text: its title, its detail, and a line for each thing that is wrong."""

    def __init__(self, status: int, problem: Json) -> None:
        lines = [f"{problem.get('title', 'Error')} ({status}): {problem.get('detail', 'no details were told')}"]
        for entry in problem.get("errors", []):
            lines.append(f"  {entry.get('pointer') or entry.get('parameter')}: {entry.get('message')}")
        super().__init__("\n".join(lines))
        self.status = status
        self.differing = [str(entry.get("pointer", "")).lstrip("/") for entry in problem.get("errors", [])]


class UnknownSource(Exception):
    """No source has that name."""


class InputFailure(Exception):
    """An input cannot be read."""


@dataclass
class Api:
    """The service, spoken to with one token."""

    url: str
    token: str

    def get(self, path: str, **query: str) -> Json:
        """What is there."""
        suffix = "?" + urllib.parse.urlencode(query) if query else ""
        return self._call("GET", path + suffix, None)[1]

    def items(self, path: str, **query: str) -> Iterator[Json]:
        """Everything in a list, page by page."""
        page = self.get(path, **query)
        yield from page["items"]
        while page["next_cursor"] is not None:
            page = self.get(path, cursor=page["next_cursor"], **query)
            yield from page["items"]

    def post(self, path: str, body: Json) -> int:
        """Sends a body, and gives the status of the answer."""
        return self._call("POST", path, json.dumps(body).encode())[0]

    def _call(self, method: str, path: str, body: Optional[bytes]) -> tuple[int, Json]:
        """Asks, and asks again a few times when the service says that it is busy: each request is safe to repeat."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        for attempt in range(1, ATTEMPTS + 1):
            try:
                request = urllib.request.Request(f"{self.url}/api/v1{path}", body, headers, method=method)
                with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
                    return answer.status, json.load(answer)
            except urllib.error.HTTPError as error:
                if error.code not in (429, 503) or attempt == ATTEMPTS:
                    raise Refused(error.code, problem_of(error)) from None
                seconds = error.headers.get("Retry-After", "")
                time.sleep(min(int(seconds), LONGEST_WAIT) if seconds.isdecimal() else attempt)
            except (OSError, http.client.HTTPException, ValueError) as error:
                reason = getattr(error, "reason", error)
                raise Unreachable(f"{self.url} does not answer as the Prediction API does: {reason}") from None
        raise AssertionError("the last attempt returns or raises")


def problem_of(error: urllib.error.HTTPError) -> Json:
    """The problem (RFC 9457) in an error answer; an empty one when something between us and the service made it."""
    try:
        problem = json.load(error)
    except (OSError, http.client.HTTPException, ValueError):
        return {}
    return problem if isinstance(problem, dict) else {}


def draw(*words: object) -> float:
    """A number from 0 to 1 that looks like chance and is the same each time."""
    digest = hashlib.sha256("|".join(map(str, words)).encode()).digest()
    return int.from_bytes(digest[:4], "big") / 0xFFFFFFFF


def read_sensor(binding: Json, at: int) -> float:
    """The toy sensor: degrees that rise from 10 at two in the morning to 22 at two in the afternoon, more or less 2.

    One that is registered with another unit gives them in that one.
    """
    hour = at // HOUR
    from_two = abs(hour % 24 - 14)
    degrees = 10 + 12 - min(from_two, 24 - from_two) + 4 * draw(binding["input_id"], hour) - 2
    conversion = binding.get("conversion")
    if conversion and conversion["factor"] is not None:
        return (degrees - float(conversion["offset"])) / float(conversion["factor"])
    return degrees


def in_unit_of_role(binding: Json, value: float) -> float:
    """A value of the input in the unit that its role takes."""
    conversion = binding.get("conversion")
    if not conversion:
        return value
    if conversion["factor"] is None:
        # A guess would be a wrong prediction that nobody notices.
        units = f"{conversion['from']} into {conversion['to']}"
        raise InputFailure(f"the values of the input {binding['input_id']} cannot be converted from {units}")
    return value * float(conversion["factor"]) + float(conversion["offset"])


def predict_value(output: Json, values: list[float]) -> float:
    """The toy models. A temperature is the mean of what was read; all else is a risk in percent.

    The risk is 100 where the mean is what the role's mildew likes best. That is somewhere from 16 to 22 degrees, and
    each degree away from it costs 8. A job without inputs has 15 degrees.
    """
    mean = sum(values) / len(values) if values else 15.0
    if output["metric"] == "temperature":
        return round(mean, 2)
    return round(max(0.0, 100 - 8 * abs(mean - (16 + 6 * draw(output["role"])))), 1)


@dataclass
class Runner:
    """Predicts some hours ahead for the jobs of a source."""

    api: Api
    hours: int
    broken: frozenset[str]
    versions: dict[str, Json] = field(default_factory=dict)

    def run_all(self, source_text: str) -> bool:
        """Runs each active job of a source once. Gives whether all of them were reported."""
        source = self.find_source(source_text)
        interval = (source["expected_interval_minutes"] or DEFAULT_INTERVAL_MINUTES) * 60
        now = int(time.time())
        issued_at = now - now % interval
        count, failures = 0, 0
        for job in self.api.items("/jobs", source_id=source["id"], active="true", expand="inputs", limit="200"):
            count += 1
            try:
                outcome = self.run(job, issued_at)
            except Refused as refused:
                if refused.status == 401:
                    raise
                failures += 1
                complain(f"{job['name']} ({job['id']}): not reported. {refused}")
            else:
                say(f"{job['name']} ({job['id']}): {outcome}")
        if count == 0:
            say(f"{source['name']} has no active job that this token may see")
        return failures == 0

    def find_source(self, text: str) -> Json:
        """The source with this id or name."""
        if re.fullmatch("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text.lower()):
            return self.api.get(f"/sources/{text}")
        for source in self.api.items("/sources", name=text):
            return source
        raise UnknownSource(f"there is no source called {text!r}")

    def run(self, job: Json, issued_at: int) -> str:
        """Runs a job, reports the run, and says what came of it."""
        report: Json = {"issued_at": stamp(issued_at), "job_revision": job["revision"]}
        try:
            report.update(status="succeeded", predictions=self.predict(job, issued_at))
            outcome = f"{len(report['predictions'])} predictions"
        except InputFailure as failure:
            report.update(status="failed", message=str(failure))
            outcome = f"failed, {failure}"
        try:
            status = self.api.post(f"/jobs/{job['id']}/runs", report)
        except Refused as refused:
            if refused.status != 409:
                raise
            differing = ", ".join(refused.differing)
            return (
                f"another report for {report['issued_at']} is stored and stands until the next issue time;"
                f" this one ({outcome}) differs in {differing}"
            )
        return f"{'reported' if status == 201 else 'already reported'} for {report['issued_at']}: {outcome}"

    def predict(self, job: Json, issued_at: int) -> list[Json]:
        """The values of every output role of the job's contract, for each of the next hours that has all inputs."""
        outputs = self.version(job["source_version_id"])["output_roles"]
        hours = range(issued_at + HOUR, issued_at + HOUR * self.hours + 1, HOUR)
        inputs = [self.read(binding, hours, issued_at) for binding in job["role_bindings"]]
        predictions = []
        for at in hours:
            # An output of another job may end before this run does.
            if all(at in read for read in inputs):
                values = [read[at] for read in inputs]
                for output in outputs:
                    value = predict_value(output, values)
                    predictions.append({"role": output["role"], "at": stamp(at), "value": value})
        if not predictions:
            raise InputFailure("there is no hour for which each output that is bound has a value")
        return predictions

    def read(self, binding: Json, hours: range, issued_at: int) -> dict[float, float]:
        """What is bound to a role, by time, in the unit of the role."""
        if binding["input_id"] in self.broken:
            raise InputFailure(f"the input {binding['input_id']} did not answer")
        values: dict[float, float]
        if binding["input_type"] == "output":
            values = self.read_output(binding["input_id"], hours, issued_at)
        else:
            values = {at: read_sensor(binding, at) for at in hours}
        return {at: in_unit_of_role(binding, value) for at, value in values.items()}

    def read_output(self, output_id: str, hours: range, issued_at: int) -> dict[float, float]:
        """What another job predicted for these hours, as of the time of issue: its later runs change nothing."""
        time_of_issue = stamp(issued_at)
        question = {"from": stamp(hours[0]), "to": stamp(hours[-1] + 1), "as_of": time_of_issue}
        try:
            items = list(self.api.items(f"/outputs/{output_id}/predictions", **question))
        except Refused as refused:
            if refused.status != 404:
                raise
            raise InputFailure(f"the output {output_id} is not there") from None
        if not items:
            raise InputFailure(f"the output {output_id} has no values after {time_of_issue} that were issued by then")
        return {seconds_of(item["at"]): float(item["value"]) for item in items}

    def version(self, version_id: str) -> Json:
        """A version of the source. It never changes, so it is asked for once."""
        if version_id not in self.versions:
            self.versions[version_id] = self.api.get(f"/source_versions/{version_id}")
        return self.versions[version_id]


def stamp(seconds: int) -> str:
    """A time as RFC 3339 writes it."""
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds_of(text: str) -> float:
    """A time that the service wrote. Before Python 3.11, the library does not read the Z at its end."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def say(line: str) -> None:
    """Prints at once, also into a pipe."""
    print(line, flush=True)


def complain(line: str) -> None:
    """Prints what went wrong."""
    print(line, file=sys.stderr, flush=True)


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """What reads an option that is a number within bounds."""

    def read(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} to {most}")
        return int(text)

    return read


def read_options() -> argparse.Namespace:
    """Reads the command line and the environment."""
    parser = argparse.ArgumentParser(description="Runs the jobs of one source and reports the runs.")
    url = os.environ.get("PREDICTION_API_URL") or "http://localhost:8000"
    parser.add_argument("--api", default=url, metavar="URL", help="or PREDICTION_API_URL (%(default)s)")
    # No default here: the help would print the token.
    parser.add_argument("--token", help="an access token; or PREDICTION_API_TOKEN")
    parser.add_argument("--source", default="mildew-predictor", metavar="NAME_OR_ID", help="whose jobs (%(default)s)")
    parser.add_argument(
        "--every",
        type=whole_number(0, 86400),
        default=0,
        metavar="SECONDS",
        help="go on, with a pause after each pass; 0 makes one pass (%(default)s)",
    )
    parser.add_argument("--hours", type=whole_number(1, 240), default=24, help="how far to predict (%(default)s)")
    parser.add_argument(
        "--fail", action="append", default=[], metavar="INPUT_ID", help="do as if this input could not be read"
    )
    options = parser.parse_args()
    options.token = (options.token or os.environ.get("PREDICTION_API_TOKEN", "")).strip()
    if not options.token:
        parser.error("a token is needed: --token or PREDICTION_API_TOKEN; `prediction-api token` prints one")
    if not re.fullmatch("[A-Za-z0-9._~+/=-]+", options.token):
        parser.error("the token has characters that no token has")
    if not options.api.startswith(("http://", "https://")):
        parser.error(f"the URL of the API starts with http:// or https://, not so {options.api!r}")
    return options


def main() -> int:
    """Makes one pass, or one after the other until it is ended. Gives the exit status."""
    options = read_options()
    # Both signals end it between or within requests: what was not reported now is reported next time.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    broken = frozenset(input_id.lower() for input_id in options.fail)
    runner = Runner(Api(options.api.rstrip("/"), options.token), options.hours, broken)
    all_reported = True
    try:
        while True:
            try:
                all_reported = runner.run_all(options.source)
            except (Unreachable, Refused, UnknownSource) as error:
                complain(str(error))
                all_reported = False
                if isinstance(error, Refused) and error.status == 401:
                    break  # No pass will do better with this token.
            if options.every == 0:
                break
            time.sleep(options.every)
    except KeyboardInterrupt:
        say("stopped")
        if options.every == 0:
            return 130
    return 0 if all_reported else 1


if __name__ == "__main__":
    sys.exit(main())
