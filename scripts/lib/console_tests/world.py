"""What the console shows: three models, five customers and their jobs in all seven states, made through the API."""

import json
import math
import sqlite3
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from bench.databases import Postgres, Sqlite
from service.answers import Json

CUSTOMERS = {
    "Nordwind Gärten": 1,
    "Ferme des Trois Chênes": 2,
    "Hof Sonnenschein": 3,
    "مزرعة النخيل": 4,
    "Lakeside Orchards": 5,
}
# What a hostile customer might call a job. Bidirectional controls are refused by the service; letters are not.
MARKUP = '<img src=x onerror="document.title=1">'
RIGHT_TO_LEFT = "שלום עולם <b>1</b> ثلاثة"
LONGEST = "Wintergerste-" * 15 + "Feld7"
# Of these, when they ran last, in hours.
AGED = {"Obstwiese Nord": 31.0, RIGHT_TO_LEFT: 5.0, "Südhang": 2.6, "Parcel 3": 1.4}
PICTURES = "🌱 Tomaten 👩🏽‍🌾 Süd"
MESSAGE = 'Traceback:\n  File "predict.py", line 7\nValueError: <script>document.title=1</script> sensor is silent'


class World:
    """The service, and the ids of what was made in it."""

    def __init__(self, url: str, database: Sqlite | Postgres, mint: Callable[[list[str], str], str]):
        scopes = "catalog:write inputs:read inputs:write jobs:read jobs:write predictions:read predictions:write"
        self.url = url
        self.database = database
        self.mint = mint
        self.token = mint([organisation(number) for number in CUSTOMERS.values()], scopes)
        self.jobs: dict[str, str] = {}
        self.versions: dict[str, str] = {}
        self.sources: dict[str, str] = {}

    def call(self, method: str, path: str, body: object = None, token: str | None = None) -> Json:
        """The answer of the API."""
        headers = {"Authorization": f"Bearer {token or self.token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/api/v1{path}", data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                text = answer.read()
        except urllib.error.HTTPError as refusal:
            raise RuntimeError(f"{method} {path}: {refusal.read().decode()}") from refusal
        found: Json = json.loads(text) if text else {}
        return found

    def fill(self) -> None:
        """Makes all of it."""
        for name, number in CUSTOMERS.items():
            self.call("PUT", f"/organisations/{organisation(number)}", {"name": name})
        self._publish(
            "mildew-predictor", "2.1.0", 60, [role("temperature", "sensor", "air_temperature", "°C")], "mildew_risk"
        )
        frost = [
            role("temperature", "sensor", "air_temperature", "°C"),
            role("dew_point", "sensor", "dew_point", "°C", False),
        ]
        self._publish("frost-warning", "1.4.2", 30, frost, "frost_probability")
        harvest = [role("risk", "output", "mildew_risk", "%"), role("area", "register", "field_area", "ha")]
        self._publish("yield-forecast", "0.9.0", None, harvest, "yield")
        for number in CUSTOMERS.values():
            self._register(number)
        self._set_up_jobs()

    def _publish(self, name: str, version: str, interval: int | None, roles: list[Json], metric: str) -> None:
        source = self.call(
            "POST",
            "/sources",
            {
                "name": name,
                "owner_organisation_id": organisation(1),
                "expected_interval_minutes": interval,
                "retention_hours": 24 * 60,
            },
        )
        outputs = [role_out("prediction", metric, "%"), role_out("spread", metric, "%", False)]
        body = {"source_id": source["id"], "version": version, "input_roles": roles, "output_roles": outputs}
        self.sources[name] = source["id"]
        self.versions[name] = self.call("POST", "/source_versions", body)["id"]

    def _register(self, number: int) -> None:
        items = [
            known_input(number, 1, "Wetterstation Nord", "sensor", "air_temperature", "°C"),
            known_input(number, 2, "Station South, °F", "sensor", "air_temperature", "[degF]"),
            known_input(number, 3, "Taupunkt Ost", "sensor", "dew_point", "°C"),
            known_input(number, 4, "Feld 7 " + MARKUP, "register", "field_area", "ha"),
        ]
        self.call("POST", "/inputs/import", {"items": items})

    def _set_up_jobs(self) -> None:
        names = [
            "Gewächshaus 1",
            "Obstwiese Nord",
            PICTURES,
            RIGHT_TO_LEFT,
            MARKUP,
            LONGEST,
            "Ackerrand",
            "Südhang",
            "Talaue",
        ]
        for index, name in enumerate(names):
            self.set_up(name, index % 5 + 1, "mildew-predictor" if index % 2 else "frost-warning")
        self.set_up("Never ran", 1, "mildew-predictor")
        self.set_up("Resting", 2, "frost-warning", active=False)
        outputs = self.call("GET", f"/jobs/{self.jobs['Obstwiese Nord']}")["outputs"]
        risk = next(output["id"] for output in outputs if output["role"] == "prediction")
        bound = [{"role": "risk", "input_id": risk}, {"role": "area", "input_id": input_id(2, 4)}]
        self.set_up("Harvest forecast", 2, "yield-forecast", bindings=bound)
        for index in range(12):
            self.set_up(f"Parcel {index + 1}", index % 5 + 1, "mildew-predictor")
        for index, name in enumerate([name for name in self.jobs if name not in ("Never ran", "Resting")]):
            self.report_days(name, 3 if index % 4 else 1)
        for name in ("Gewächshaus 1", MARKUP, PICTURES):
            for _ in range(3):
                self.fail(name)
        # One customer's job was changed twice, by people and by the clock.
        job = f"/jobs/{self.jobs['Gewächshaus 1']}"
        self.call("PUT", job, {"active": False})
        self.call("PUT", job, {"active": True})

    def set_up(
        self, name: str, number: int, source: str, active: bool = True, bindings: list[Json] | None = None
    ) -> str:
        """A job with what its customer has."""
        usual = [{"role": "temperature", "input_id": input_id(number, 2 if number % 2 else 1)}]
        body = {
            "organisation_id": organisation(number),
            "job": {"name": name, "active": active, "source_version_id": self.versions[source]},
            "role_bindings": bindings or usual,
        }
        job = self.call("POST", "/jobs/setup", body)["job"]
        self.jobs[name] = job["id"]
        return str(job["id"])

    def report_days(self, name: str, runs: int) -> None:
        """Runs of the last hours, each with two weeks of values by the hour: warm days and cool nights."""
        now = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=AGED.get(name, 0))
        hour = now.replace(minute=0, second=0)
        phase = sum(name.encode()) % 40
        for run in range(runs):
            issued = now - timedelta(hours=6 * (runs - 1 - run), seconds=20)
            values = []
            for offset in range(-14 * 24, 48, 1 if run == runs - 1 else 3):
                at = hour + timedelta(hours=offset)
                curve = 45 + phase / 4 + 22 * math.sin((at.hour - 8) / 24 * math.tau) + 9 * math.sin(offset / 61) + run
                values.append({"role": "prediction", "at": at.isoformat(), "value": round(curve, 2)})
                if offset % 6 == 0:
                    values.append({"role": "spread", "at": at.isoformat(), "value": round(6 + abs(offset) / 30, 2)})
            body = {"issued_at": issued.isoformat(), "status": "succeeded", "predictions": values}
            self.call("POST", f"/jobs/{self.jobs[name]}/runs", body)

    def fail(self, name: str) -> None:
        """A run that failed."""
        self.call("POST", f"/jobs/{self.jobs[name]}/runs", {"status": "failed", "message": MESSAGE})

    def age(self) -> None:
        """Nothing but time makes a job late: these are told to have been activated long ago. They ran long ago, too."""
        for name, hours in AGED.items():
            activate(self.database, UUID(self.jobs[name]), datetime.now(UTC) - timedelta(hours=hours + 24))


def activate(database: Sqlite | Postgres, job: UUID, when: datetime) -> None:
    """Writes what the service would have written then."""
    if isinstance(database, Postgres):
        sql = f"UPDATE jobs SET activated_at = '{when.isoformat()}' WHERE id = '{job}' RETURNING id"
        changed = database.run(sql).count(str(job))
    else:
        micros = int(when.timestamp() * 1_000_000)
        with sqlite3.connect(database.path, timeout=30) as connection:
            changed = connection.execute("UPDATE jobs SET activated_at = ? WHERE id = ?", (micros, str(job))).rowcount
        connection.close()
    assert changed == 1, f"the job {job} is not there"


def organisation(number: int) -> str:
    """The id of a customer."""
    return f"{number:08}-0000-4000-8000-000000000000"


def input_id(number: int, which: int) -> str:
    """The id of an input of a customer."""
    return f"{number:08}-0000-4000-9000-{which:012}"


def known_input(number: int, which: int, name: str, kind: str, metric: str, unit: str) -> Json:
    """An input as a registry tells it."""
    return {
        "id": input_id(number, which),
        "organisation_id": organisation(number),
        "kind": kind,
        "name": name,
        "metric": metric,
        "unit": unit,
    }


def role(name: str, kind: str, metric: str, unit: str, required: bool = True) -> Json:
    """An input role of a contract."""
    return {"role": name, "input_kind": kind, "metric": metric, "unit": unit, "required": required}


def role_out(name: str, metric: str, unit: str, required: bool = True) -> Json:
    """An output role of a contract."""
    return {"role": name, "metric": metric, "unit": unit, "required": required}
