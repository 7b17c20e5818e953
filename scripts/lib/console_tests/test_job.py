"""The page of a job: what it predicts, why it fails, what it rests on, what it was."""

import re
import subprocess
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, Route, expect

from .conftest import Console
from .world import MARKUP, World


def job(world: World, name: str, part: str = "") -> str:
    """The place of a job's page."""
    return f"jobs/{world.jobs[name]}{part}"


def test_a_job_says_why_it_is_not_well(console: Console, world: World) -> None:
    page = console.open(token=world.token)
    page.get_by_role("link", name="Obstwiese Nord").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Obstwiese Nord")
    expect(page.get_by_text("Predictions are expected every 1 h. It delivered last 1 d 7 h ago")).to_be_visible()
    page.go_back()
    page.get_by_role("link", name="Gewächshaus 1").click()
    expect(page.get_by_text("Its last 3 runs failed.")).to_be_visible()
    expect(page.get_by_text("ValueError: <script>").first).to_be_visible()
    page.get_by_role("checkbox", name="Only those that failed").check()
    expect(page.locator("section[aria-labelledby=runs] tbody tr")).to_have_count(3)


def test_older_runs_stand_behind_newer_ones_to_the_last(console: Console, world: World) -> None:
    place = job(world, "Gewächshaus 1")
    kept = world.call("GET", f"/{place}/runs")["items"][0]
    pages = 10

    def answer(route: Route) -> None:
        query = parse_qs(urlsplit(route.request.url).query)
        number, limit = int(query.get("cursor", ["0"])[0]), int(query["limit"][0])
        runs = [kept | {"id": f"{number * limit + run:08}-0000-4000-8000-000000000000"} for run in range(limit)]
        route.fulfill(json={"items": runs, "next_cursor": str(number + 1) if number + 1 < pages else None})

    console.page.route("**/runs?*", answer)
    page = console.open(place, token=world.token)
    rows = page.locator("section[aria-labelledby=runs] tbody tr")
    more = page.get_by_role("button", name="Show older runs")
    for shown in range(1, pages):
        expect(rows).to_have_count(25 * shown)
        more.click()
    expect(rows).to_have_count(25 * pages)
    expect(more).to_have_count(0)


def test_predictions_are_drawn_by_role_time_and_as_of(console: Console, world: World) -> None:
    page = console.open(job(world, "Ackerrand"), token=world.token)
    chart = page.get_by_role("img", name=re.compile("Predictions from"))
    expect(chart.locator("canvas")).to_be_visible()
    expect(chart).to_have_attribute("aria-label", re.compile("prediction: [0-9]+ values.*spread: "))
    page.get_by_role("checkbox", name="spread").uncheck()
    expect(chart).not_to_have_attribute("aria-label", re.compile("spread"))
    page.get_by_role("combobox", name="Values").select_option("day")
    expect(page).to_have_url(re.compile("range=day"))
    expect(chart).to_have_attribute("aria-label", re.compile("prediction: [67][0-9] values"))
    slider = page.get_by_role("slider", name="As of")
    slider.focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(page).to_have_url(re.compile("as_of="))
    # The older run has a value each three hours only.
    expect(chart).to_have_attribute("aria-label", re.compile("prediction: 2[0-9] values"))
    page.get_by_text("The values as a table").click()
    expect(page.get_by_role("columnheader", name="Issued").first).to_be_visible()


def test_a_part_of_the_chart_is_looked_at_closely(console: Console, world: World) -> None:
    page = console.open(job(world, "Ackerrand"), token=world.token)
    plot = page.locator(".u-over")
    expect(plot).to_be_visible()
    box = plot.bounding_box()
    assert box
    left, width, y = box["x"], box["width"], box["y"] + 50
    page.mouse.move(left + width * 0.1, y)
    page.mouse.down()
    page.mouse.move(left + width * 0.3, y, steps=5)
    page.mouse.up()
    # What is at the right edge now is some days old, and not what is predicted for now.
    page.mouse.move(left + width - 2, y)
    day = page.locator(".u-legend .u-value").first
    expect(day).to_contain_text(re.compile("[0-9]"))
    age = page.evaluate("text => Date.now() - Date.parse(text.split(',')[0])", day.inner_text())
    assert age > 2 * 24 * 3600 * 1000


def test_a_value_tells_where_it_came_from(console: Console, world: World) -> None:
    page = console.open(job(world, "Ackerrand"), token=world.token)
    page.get_by_text("The values as a table").click()
    page.get_by_role("button", name=re.compile("Where from: prediction")).first.click()
    origin = page.locator("tr.more")
    run = world.call("GET", f"/{job(world, 'Ackerrand')}/runs?limit=1")["items"][0]
    expect(origin).to_contain_text(run["id"])
    expect(origin).to_contain_text("1.4.2")
    expect(origin.get_by_role("link", name=re.compile("Wetterstation|Station South"))).to_be_visible()


def test_bindings_stand_beside_the_contract(console: Console, world: World) -> None:
    page = console.open(job(world, "Gewächshaus 1", "/bindings"), token=world.token)
    row = page.get_by_role("row", name=re.compile("^temperature"))
    expect(row).to_contain_text("sensor of air_temperature in °C")
    expect(row).to_contain_text("Station South, °F")
    expect(row).to_contain_text("[degF]")
    expect(page.get_by_role("row", name=re.compile("^dew_point"))).to_contain_text("nothing")


def test_a_chain_is_followed_to_its_cause(console: Console, world: World) -> None:
    page = console.open(job(world, "Harvest forecast", "/chain"), token=world.token)
    page.get_by_role("link", name="Obstwiese Nord").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Obstwiese Nord")
    page.get_by_role("link", name="Chain").click()
    expect(page.get_by_role("link", name="Harvest forecast")).to_be_visible()


def test_a_blocked_job_names_what_blocks_it(console: Console, world: World) -> None:
    def answer(route: Route) -> None:
        response = route.fetch()
        shown = response.json()
        shown["health"]["blocked_by"] = [world.jobs["Obstwiese Nord"]]
        route.fulfill(response=response, json=shown)

    place = job(world, "Harvest forecast")
    console.page.route(re.compile(f"{place}\\?"), answer)
    page = console.open(place, token=world.token)
    expect(page.locator(".lead").get_by_role("link", name="Obstwiese Nord")).to_be_visible()


def test_a_job_is_renamed_and_what_it_was_is_restored(console: Console, world: World) -> None:
    page = console.open(job(world, "Parcel 8"), token=world.token)
    page.get_by_role("button", name="Rename").click()
    page.get_by_role("textbox", name="New name").fill("Parcel eight")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Parcel eight")
    page.get_by_role("link", name="Revisions").click()
    page.get_by_role("button", name="What changed with revision 2").click()
    expect(page.get_by_role("row", name="name Parcel 8 Parcel eight", exact=True)).to_be_visible()
    page.get_by_role("button", name="Restore revision 1").click()
    expect(page.get_by_role("row", name="name Parcel eight Parcel 8", exact=True)).to_be_visible()
    page.get_by_role("button", name="Restore revision 1", exact=True).last.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Parcel 8")
    expect(page.get_by_role("cell", name="local").first).to_be_visible()


def test_a_name_that_is_taken_is_told_at_its_field(console: Console, world: World) -> None:
    page = console.open(job(world, "Parcel 9"), token=world.token)
    page.get_by_role("button", name="Rename").click()
    console.expected = lambda text: "409" in text
    box = page.get_by_role("textbox", name="New name")
    other = next(name for name in world.jobs if name.startswith("Parcel") and name == "Parcel 4")
    box.fill(other)
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("409 conflict")
    expect(box).to_have_value(other)


@pytest.mark.parametrize("name", ["Gewächshaus 1", "Harvest forecast", MARKUP])
def test_the_copied_file_describes_the_job_as_it_is(
    console: Console, world: World, request: pytest.FixtureRequest, tmp_path: Path, name: str
) -> None:
    page = console.open(job(world, name, "/copy"), token=world.token)
    text = page.locator("figure", has_text="YAML").locator("pre").inner_text()
    file = tmp_path / "job.yaml"
    file.write_text(text)
    command = [request.config.getoption("--program"), "plan", "--adopt", "--file", str(file)]
    token = tmp_path / "token"
    token.write_text(world.token)
    environment = {"PREDICTION_URL": world.url, "PREDICTION_TOKEN_FILE": str(token), "HOME": str(tmp_path)}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert "1 adopt" in result.stdout or "adopt" in result.stdout, result.stdout + result.stderr
    assert "create" not in result.stdout and "update" not in result.stdout, result.stdout


def test_the_keyboard_is_enough(console: Console, world: World) -> None:
    page = console.open(job(world, "Parcel 10"), token=world.token)
    expect(page.get_by_role("heading", level=1)).to_have_text("Parcel 10")
    press(page, "Pause")
    expect(page.get_by_role("button", name="Resume")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Pause")).to_be_focused()
    press(page, "Revisions")
    expect(page.get_by_role("button", name="What changed with revision 3")).to_be_visible()
    press(page, "Restore revision 2")
    expect(page.get_by_text("Restoring revision 2 would change")).to_be_visible()


def press(page: Page, name: str) -> None:
    """Goes to what has that name by the keyboard alone, and presses it."""
    for _ in range(60):
        page.keyboard.press("Tab")
        here = "(e => e.getAttribute('aria-label') ?? e.textContent.trim())(document.activeElement)"
        if page.evaluate(here) == name:
            page.keyboard.press("Enter")
            return
    raise AssertionError(f"{name} is not reached by the keyboard")
