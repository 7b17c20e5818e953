"""Setting up a job: mistakes stand at their fields while they are made, and nothing is written before it is wanted."""

import re
from typing import Any

from playwright.sync_api import Locator, Page, Route, expect

from .conftest import Console
from .test_answers import problem, refuse_once
from .world import World, organisation

SETUP = re.compile("/api/v1/jobs/setup")


def form(console: Console, world: World, source: str, number: int = 1) -> Page:
    """The form for a job of that source and organisation."""
    # While a form is filled in, the service says what is still missing: that is no mistake of the console.
    console.expected = lambda text: "422" in text
    where = f"setup?organisation={organisation(number)}&source={world.sources[source]}"
    page = console.open(where, token=world.token)
    expect(page.get_by_role("textbox", name="Name of the job")).to_be_visible()
    return page


def options(page: Page, name: str = "") -> Locator:
    """What is offered at a field, whose name or whose fit contains that."""
    offered = page.get_by_role("listbox", name="What can be bound").get_by_role("option")
    return offered.filter(has_text=name) if name else offered


def test_three_mistakes_are_mended_at_their_fields(console: Console, world: World) -> None:
    page = form(console, world, "frost-warning")
    name = page.get_by_role("textbox", name="Name of the job")
    temperature = page.get_by_role("combobox", name=re.compile("^temperature"))
    dew = page.get_by_role("combobox", name=re.compile("^dew_point"))
    expect(page.locator("[aria-invalid=true]")).to_have_count(0)
    dew.fill("not an id")
    expect(page.locator(".field", has=dew).locator(".mistake")).to_contain_text('"not an id" is neither')
    page.get_by_role("button", name="Set up", exact=True).click()
    expect(page.locator("[aria-invalid=true]")).to_have_count(3)
    expect(name).to_be_focused()
    expect(page.locator(".field", has=temperature).locator(".mistake")).to_contain_text("has to be bound")
    name.fill("Frost by hand")
    temperature.click()
    options(page, "Wetterstation Nord").click()
    dew.fill("taupunkt")
    options(page, "Taupunkt Ost").click()
    expect(page.get_by_text("All of it fits: a new job would be created.")).to_be_visible()
    assert world.call("GET", "/jobs?name=Frost%20by%20hand")["items"] == []
    page.get_by_role("button", name="Set up", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Frost by hand")
    expect(page.get_by_role("status").filter(has_text="Frost by hand is set up.")).to_be_visible()
    made = world.call("GET", "/jobs?name=Frost%20by%20hand")["items"][0]
    assert {binding["role"] for binding in made["role_bindings"]} == {"temperature", "dew_point"}
    world.call("DELETE", f"/jobs/{made['id']}")


def test_the_keyboard_is_enough_and_the_same_job_is_no_second_one(console: Console, world: World) -> None:
    page = form(console, world, "mildew-predictor", 4)
    name = page.get_by_role("textbox", name="Name of the job")
    name.focus()
    page.keyboard.type("Parcel 8")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    box = page.get_by_role("combobox", name=re.compile("^temperature"))
    expect(box).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(options(page)).to_have_count(2)
    page.keyboard.press("ArrowDown")
    expect(box).to_have_attribute("aria-activedescendant", re.compile("-0$"))
    page.keyboard.press("Escape")
    expect(options(page)).to_have_count(0)
    page.keyboard.type("wetter")
    expect(options(page, "fits")).to_have_count(1)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(box).to_have_value("Wetterstation Nord")
    expect(page.get_by_text(re.compile("would be created|would be changed"))).to_be_visible()


def test_what_can_be_chosen_is_all_there_is(console: Console, world: World) -> None:
    """The service gives pages, of one here. Who is on the second page is a customer, too."""

    def shorten(route: Route) -> None:
        route.continue_(url=re.sub("limit=[0-9]+", "limit=1", route.request.url))

    source = world.sources["frost-warning"]
    lists = {
        "Organisation": ("/organisations?limit=200", 2),
        "Source": ("/sources?limit=200", 1),
        "Version": (f"/source_versions?limit=200&source_id={source}", 0),
    }
    console.page.route(re.compile(r"/api/v1/(sources|organisations|source_versions)\?"), shorten)
    page = form(console, world, "frost-warning")
    for label, (path, others) in lists.items():
        there = len(world.call("GET", path)["items"])
        expect(page.get_by_label(label, exact=True).locator("option")).to_have_count(there + others)
    expect(page.get_by_label("Organisation", exact=True)).to_contain_text("Lakeside Orchards")


def test_what_is_there_is_reused(console: Console, world: World) -> None:
    made = world.call("GET", f"/jobs/{world.jobs['Parcel 2']}")
    page = form(console, world, "mildew-predictor", 2)
    page.get_by_role("textbox", name="Name of the job").fill("Parcel 2")
    page.get_by_role("combobox", name=re.compile("^temperature")).fill(made["role_bindings"][0]["input_id"])
    expect(page.get_by_text("This job is there already, just like this")).to_be_visible()
    page.get_by_role("button", name="Set up", exact=True).click()
    expect(page.get_by_role("status").filter(has_text="was there already")).to_be_visible()


def test_a_name_that_is_taken_is_told_at_its_field(console: Console, world: World) -> None:
    page = form(console, world, "frost-warning", 2)
    console.expected = lambda text: "409" in text or "422" in text
    name = page.get_by_role("textbox", name="Name of the job")
    name.fill("Parcel 2")
    page.get_by_role("combobox", name=re.compile("^temperature")).click()
    options(page, "Wetterstation Nord").click()
    expect(page.locator(".field", has=name).locator(".mistake")).to_contain_text("a job of that name already")
    expect(page.locator("[aria-invalid=true]")).to_have_count(1)
    page.get_by_role("link", name="Parcel 2").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Parcel 2")


def test_units_that_convert_are_told_and_hostile_names_are_text(console: Console, world: World) -> None:
    page = form(console, world, "yield-forecast", 2)
    page.get_by_role("combobox", name=re.compile("^area")).click()
    expect(options(page, "Feld 7 <img src=x")).to_be_visible()
    page.get_by_role("combobox", name=re.compile("^risk")).click()
    expect(options(page, "Obstwiese Nord, prediction")).to_be_visible()
    page = form(console, world, "mildew-predictor", 3)
    page.get_by_role("combobox", name=re.compile("^temperature")).click()
    expect(options(page, "Station South, °F converted: [degF] → °C")).to_be_visible()
    assert page.locator("main img").count() == 0


def test_nothing_typed_is_lost_when_the_service_is_busy_or_the_token_expires(console: Console, world: World) -> None:
    page = form(console, world, "mildew-predictor", 3)
    name = page.get_by_role("textbox", name="Name of the job")
    name.fill("Patience")
    page.get_by_role("combobox", name=re.compile("^temperature")).click()
    options(page, "Wetterstation Nord").click()
    expect(page.get_by_text("a new job would be created")).to_be_visible()
    for status, code, told in [
        (503, "overloaded", "Title of overloaded"),
        (429, "quota_exceeded", "429"),
        (403, "organisation_out_of_scope", "403"),
    ]:
        console.expected = lambda text: re.search("403|422|429|503|401", text) is not None
        refuse_once(page, SETUP, problem(status, code), "POST")
        page.get_by_role("button", name="Set up", exact=True).click()
        expect(page.get_by_role("alert").filter(has_text=told)).to_be_visible()
        expect(name).to_have_value("Patience")
    answer: dict[str, Any] = problem(401, "invalid_token", detail="The token expired.")
    refuse_once(page, SETUP, answer, "POST")
    page.get_by_role("button", name="Set up", exact=True).click()
    page.get_by_role("textbox", name="Token").fill(world.token)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Patience")
    world.call("DELETE", f"/jobs/{page.url.rpartition('/')[2]}")
