"""The alerts and the dashboard, in Prometheus."""

import json
import re
import shutil
import urllib.parse
import urllib.request

from faults.clusters import free_port
from faults.figures import Figure, exactly, told
from service.answers import Json

from .site import FILES, Place, Site, listens, program, render, run, wait_for
from .traffic import Door, Traffic

FOLDER = FILES / "prometheus"
# What Grafana puts for its variable: some times the interval of the scrapes, which is a second here.
RATE_INTERVAL = "15s"
NAME = re.compile(r"\b(?:prediction|process)_\w+")
FAMILY = re.compile(r"^# TYPE (\w+) (\w+)$", re.MULTILINE)


def alerts(_site: Site) -> list[Figure]:
    """examples/deploy/prometheus/alerts.yml, by the tests beside it."""
    promtool = program("promtool")
    checks = {
        "promtool check config": [promtool, "check", "config", "prometheus.yml"],
        "promtool check rules": [promtool, "check", "rules", "alerts.yml"],
        "promtool test rules": [promtool, "test", "rules", "alerts_test.yml"],
    }
    figures = []
    for what, command in checks.items():
        code, said = run(command, FOLDER)
        figures.append(exactly(what if code == 0 else f"{what}: {' '.join(said.split())}: exit code", code, 0))
    names = _alerts()
    tests = (FOLDER / "alerts_test.yml").read_text()
    both = [name for name in names if _fires_and_does_not(tests, name)]
    return [
        *figures,
        exactly("alerts, of which there is a test that they fire, and that they do not", len(both), len(names)),
    ]


def _alerts() -> set[str]:
    """The names of the alerts in the file."""
    return set(re.findall(r"- alert: (\w+)", (FOLDER / "alerts.yml").read_text()))


def _fires_and_does_not(tests: str, name: str) -> bool:
    expected = re.findall(rf"alertname: {name}\n +exp_alerts:(.*)", tests)
    return any("[]" in one for one in expected) and any("[]" not in one for one in expected)


def dashboard(site: Site) -> list[Figure]:
    """The configuration, and each expression of the dashboard, on what two replicas measure."""
    place = site.serve_new("--purge-every=1s")
    url = _start_prometheus(site, place)
    expressions = _expressions()
    traffic = Traffic([Door(replica.url, site.token) for replica in place.replicas])
    with traffic.flowing():
        wait_for(lambda: all(_values(url, f"up{{instance='{_address(one)}'}} == 1") for one in _all(place)), "scrapes")
        wait_for(lambda: not _without_data(url, expressions), f"data for {_without_data(url, expressions)}")
        wait_for(lambda: all(rule["health"] == "ok" for rule in _rules(url)), "Prometheus has judged the alerts")
        firing = [rule["name"] for rule in _rules(url) if rule["state"] == "firing"]
    families = dict(FAMILY.findall(place.replicas[0].metrics()))
    used = _names(expressions) | _names([rule["query"] for rule in _rules(url)])
    known = {name + end for name, kind in families.items() for end in _ends(kind)}
    own = {name: kind for name, kind in families.items() if name.startswith("prediction_")}
    unused = {name for name, kind in own.items() if not any(name + end in used for end in _ends(kind))}
    return [
        told(f"{len(expressions)} expressions give data"),
        exactly("metrics in them or in alerts that the service does not have", len(used - known), 0),
        exactly(f"metrics of the service that are in neither {sorted(unused) or ''}".strip(), len(unused), 0),
        exactly(f"alerts that fire beside traffic that is answered {firing or ''}".strip(), len(firing), 0),
        exactly("alerts that Prometheus judges", len(_rules(url)), len(_alerts())),
    ]


def _start_prometheus(site: Site, place: Place) -> str:
    folder, port = site.new_folder("prometheus"), free_port()
    targets = [f'"{_address(one)}"' for one in _all(place)]
    changes = {
        '"api-1:9000", "api-2:9000"': ", ".join(targets),
        "scrape_interval: 15s": "scrape_interval: 1s",
        "evaluation_interval: 15s": "evaluation_interval: 1s",
    }
    file = folder / "prometheus.yml"
    file.write_text(render("prometheus/prometheus.yml", changes))
    shutil.copy(FOLDER / "alerts.yml", folder)
    options = [
        f"--config.file={file}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    site.start("prometheus", [program("prometheus"), *options], lambda: listens(port))
    return f"http://127.0.0.1:{port}"


def _all(place: Place) -> list[str]:
    return [replica.internal for replica in place.replicas]


def _address(url: str) -> str:
    return url.removeprefix("http://")


def _expressions() -> list[str]:
    """What the panels ask, with Grafana's variable for the time that a rate is computed over put in."""
    page: Json = json.loads((FOLDER / "dashboard.json").read_text())
    targets = [target for panel in page["panels"] for target in panel.get("targets", [])]
    return [target["expr"].replace("$__rate_interval", RATE_INTERVAL) for target in targets]


def _names(expressions: list[str]) -> set[str]:
    """The metrics in expressions, without what is in quotation marks."""
    return {name for expression in expressions for name in NAME.findall(re.sub(r'"[^"]*"', "", expression))}


def _ends(kind: str) -> list[str]:
    return ["_bucket", "_sum", "_count"] if kind == "histogram" else [""]


def _values(url: str, expression: str) -> list[str]:
    """The values that an expression has now."""
    found: Json = _asked(f"{url}/api/v1/query?" + urllib.parse.urlencode({"query": expression}))
    return [sample["value"][1] for sample in found["result"]]


def _without_data(url: str, expressions: list[str]) -> list[str]:
    """The expressions that have no value that is a number."""
    return [one for one in expressions if all(value == "NaN" for value in _values(url, one))]


def _rules(url: str) -> list[Json]:
    return [rule for group in _asked(f"{url}/api/v1/rules")["groups"] for rule in group["rules"]]


def _asked(address: str) -> Json:
    with urllib.request.urlopen(address, timeout=30) as answer:
        data: Json = json.load(answer)["data"]
    return data
