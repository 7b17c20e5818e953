"""What a job reads, and which version it runs, are changed after seeing what that comes to."""

import re

from playwright.sync_api import Page, Route, expect
from service.answers import Json

from .conftest import Console
from .world import World, input_id, organisation, role, role_out


def bindings(world: World, name: str) -> list[Json]:
    """What a job has bound."""
    found: list[Json] = world.call("GET", f"/jobs/{world.jobs[name]}")["role_bindings"]
    return found


def start(console: Console, world: World, name: str) -> Page:
    """The form that binds something else to a job."""
    page = console.open(f"jobs/{world.jobs[name]}/bindings", token=world.token)
    page.get_by_role("button", name="Change").click()
    return page


def test_another_input_is_bound(console: Console, world: World) -> None:
    page = start(console, world, "Parcel 1")
    field = page.get_by_role("combobox", name=re.compile("^temperature"))
    expect(field).to_have_value("Station South, °F")
    expect(page.get_by_role("button", name="Save")).to_be_disabled()
    field.fill("wetter")
    page.get_by_role("option", name=re.compile("Wetterstation Nord")).click()
    expect(page.get_by_text("Bound now: Station South, °F")).to_be_visible()
    expect(page.get_by_text("All of it fits.")).to_be_visible()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").filter(has_text="Parcel 1 reads what you chose")).to_be_visible()
    expect(page.get_by_role("link", name="Wetterstation Nord")).to_be_visible()
    assert [binding["input_id"] for binding in bindings(world, "Parcel 1")] == [input_id(1, 1)]


def test_the_keyboard_is_enough_to_bind(console: Console, world: World) -> None:
    page = console.open(f"jobs/{world.jobs['Parcel 9']}/bindings", token=world.token)
    change = page.get_by_role("button", name="Change temperature")
    change.focus()
    page.keyboard.press("Enter")
    field = page.get_by_role("combobox", name=re.compile("^temperature"))
    expect(field).to_be_focused()
    page.keyboard.press("Control+A")
    page.keyboard.type("south")
    expect(page.get_by_role("option", name=re.compile("Station South"))).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_text("All of it fits.")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="Parcel 9 reads what you chose")).to_be_visible()
    expect(change).to_be_focused()
    assert [binding["input_id"] for binding in bindings(world, "Parcel 9")] == [input_id(4, 2)]


def test_what_is_not_needed_is_bound_and_taken_away(console: Console, world: World) -> None:
    page = console.open(f"jobs/{world.jobs['Talaue']}/bindings", token=world.token)
    expect(page.get_by_role("button", name="Change temperature")).to_be_visible()
    expect(page.get_by_role("button", name="Unbind")).to_have_count(0)
    page.get_by_role("button", name="Bind dew_point").click()
    field = page.get_by_role("combobox", name=re.compile("^dew_point"))
    expect(field).to_be_focused()
    field.click()
    page.get_by_role("option", name=re.compile("Taupunkt Ost")).click()
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Unbind dew_point").press("Enter")
    expect(field).to_have_value("")
    expect(page.get_by_text("Bound now: Taupunkt Ost")).to_be_visible()
    assert [binding["role"] for binding in bindings(world, "Talaue")] == ["temperature", "dew_point"]
    page.get_by_role("button", name="Save").press("Enter")
    expect(page.get_by_role("button", name="Bind dew_point")).to_be_visible()
    assert [binding["role"] for binding in bindings(world, "Talaue")] == ["temperature"]


def test_a_mistake_stands_at_its_field_and_nothing_is_changed(console: Console, world: World) -> None:
    console.expected = lambda text: "422" in text
    before = bindings(world, "Parcel 10")
    page = start(console, world, "Parcel 10")
    field = page.get_by_role("combobox", name=re.compile("^temperature"))
    field.fill("the old one")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(page.locator(".mistake")).to_contain_text("UUID")
    page.get_by_role("button", name="Save").click()
    expect(field).to_be_focused()
    field.fill("")
    expect(page.get_by_text("Something has to be bound here.")).to_be_visible()
    assert bindings(world, "Parcel 10") == before


def test_what_was_chosen_is_kept_when_somebody_else_changed_the_job(console: Console, world: World) -> None:
    console.expected = lambda text: "412" in text
    page = start(console, world, "Parcel 11")
    field = page.get_by_role("combobox", name=re.compile("^temperature"))
    field.fill("wetter")
    page.get_by_role("option", name=re.compile("Wetterstation Nord")).click()
    expect(page.get_by_text("All of it fits.")).to_be_visible()
    world.call("PUT", f"/jobs/{world.jobs['Parcel 11']}", {"name": "Parcel 11, fenced"})
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Somebody changed this job meanwhile.")).to_be_visible()
    page.get_by_role("button", name="Go on with the job").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Parcel 11, fenced")
    expect(field).to_have_value("Wetterstation Nord")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").filter(has_text="Parcel 11, fenced reads what you chose")).to_be_visible()
    world.call("PUT", f"/jobs/{world.jobs['Parcel 11']}", {"name": "Parcel 11"})


def test_what_the_page_read_by_itself_is_not_written_over(console: Console, world: World) -> None:
    page = console.open(f"jobs/{world.jobs['Parcel 12']}", token=world.token)
    page.get_by_role("button", name="Rename").click()
    field = page.get_by_role("textbox", name="New name")
    expect(field).to_be_focused()
    field.fill("Mine")
    world.call("PUT", f"/jobs/{world.jobs['Parcel 12']}", {"name": "Theirs"})
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.get_by_role("heading", level=1)).to_have_text("Theirs")
    expect(page.get_by_text("Somebody changed this job meanwhile.")).to_be_visible()
    expect(page.get_by_role("button", name="Save")).to_be_disabled()
    expect(field).to_have_value("Mine")
    page.get_by_role("button", name="Go on with the job").press("Enter")
    page.get_by_role("button", name="Save").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Mine")
    world.call("PUT", f"/jobs/{world.jobs['Parcel 12']}", {"name": "Parcel 12"})


def test_a_name_is_kept_when_it_comes_too_late(console: Console, world: World) -> None:
    console.expected = lambda text: "412" in text
    page = console.open(f"jobs/{world.jobs['Parcel 12']}", token=world.token)
    page.get_by_role("button", name="Rename").click()
    page.get_by_role("textbox", name="New name").fill("Mine again")
    world.call("PUT", f"/jobs/{world.jobs['Parcel 12']}", {"name": "Theirs"})
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Go on with the job").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Theirs")
    expect(page.get_by_role("textbox", name="New name")).to_have_value("Mine again")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Mine again")
    world.call("PUT", f"/jobs/{world.jobs['Parcel 12']}", {"name": "Parcel 12"})


def hail(world: World) -> str:
    """A job of a model whose other versions ask for one input more, needed or not, or for another unit."""
    if "Hail" not in world.jobs:
        source = world.call("POST", "/sources", {"name": "hail-alarm", "owner_organisation_id": organisation(1)})
        temperature = role("temperature", "sensor", "air_temperature", "°C")
        dew_point = role("dew_point", "sensor", "dew_point", "°C")
        kelvin = role("temperature", "sensor", "air_temperature", "K")
        wanted = role("dew_point", "sensor", "dew_point", "°C", False)
        versions = {"1.0.0": [temperature], "2.0.0": [temperature, dew_point], "3.0.0": [kelvin]}
        versions["1.1.0"] = [temperature, wanted]
        for version, roles in versions.items():
            body = {"source_id": source["id"], "version": version, "input_roles": roles}
            body["output_roles"] = [role_out("hail", "hail_probability", "%")]
            world.versions[f"hail {version}"] = world.call("POST", "/source_versions", body)["id"]
        world.versions["hail-alarm"] = world.versions["hail 1.0.0"]
        world.set_up("Hail", 1, "hail-alarm")
        world.set_up("Sleet", 1, "hail-alarm")
    return f"jobs/{world.jobs['Hail']}/version"


def test_a_version_is_changed_after_its_plan_was_seen(console: Console, world: World) -> None:
    console.expected = lambda text: "422" in text
    page = console.open(hail(world), token=world.token)
    page.get_by_role("combobox", name="Change it to").select_option(label="2.0.0")
    plan = page.get_by_role("table")
    expect(plan.get_by_role("row", name=re.compile("temperature.*stays as it is"))).to_be_visible()
    change = page.get_by_role("button", name="Change to 2.0.0")
    expect(change).to_be_disabled()
    expect(plan.get_by_role("row", name=re.compile("dew_point.*has to be bound"))).to_be_visible()
    expect(page.get_by_text("Something has to be bound here.")).to_be_visible()
    assert world.call("GET", f"/jobs/{world.jobs['Hail']}")["source_version_id"] == world.versions["hail 1.0.0"]
    page.get_by_role("combobox", name=re.compile("^dew_point")).click()
    page.get_by_role("option", name=re.compile("Taupunkt Ost")).click()
    expect(plan.get_by_role("row", name=re.compile("dew_point.*for the first time"))).to_be_visible()
    expect(change).to_be_enabled()
    change.click()
    expect(page.get_by_role("status").filter(has_text="Hail runs 2.0.0 now")).to_be_visible()
    assert world.call("GET", f"/jobs/{world.jobs['Hail']}")["source_version_id"] == world.versions["hail 2.0.0"]


def test_what_is_new_and_not_needed_can_be_bound_at_once(console: Console, world: World) -> None:
    hail(world)
    page = console.open(f"jobs/{world.jobs['Sleet']}/version", token=world.token)
    page.get_by_role("combobox", name="Change it to").select_option(label="1.1.0")
    plan = page.get_by_role("table")
    expect(plan.get_by_role("row", name=re.compile("dew_point.*is new, and need not be bound"))).to_be_visible()
    expect(page.get_by_role("button", name="Change to 1.1.0")).to_be_enabled()
    page.get_by_role("combobox", name=re.compile("^dew_point")).click()
    page.get_by_role("option", name=re.compile("Taupunkt Ost")).click()
    expect(plan.get_by_role("row", name=re.compile("dew_point.*for the first time"))).to_be_visible()
    page.get_by_role("button", name="Change to 1.1.0").click()
    expect(page.get_by_role("status").filter(has_text="Sleet runs 1.1.0 now")).to_be_visible()


def test_a_plan_tells_of_other_units(console: Console, world: World) -> None:
    console.expected = lambda text: "422" in text
    page = console.open(hail(world), token=world.token)
    page.get_by_role("combobox", name="Change it to").select_option(label="3.0.0")
    row = page.get_by_role("table").get_by_role("row", name=re.compile("^temperature"))
    expect(row).to_contain_text("has to be chosen again")
    expect(row).to_contain_text("unit: °C → K")
    expect(page.get_by_text("It is measured in another way now")).to_be_visible()
    change = page.get_by_role("button", name="Change to 3.0.0")
    expect(change).to_be_disabled()
    field = page.get_by_role("combobox", name=re.compile("^temperature"))
    expect(page.get_by_text("Bound now: Station South, °F")).to_be_visible()
    field.click()
    page.get_by_role("option", name=re.compile("Station South")).click()
    expect(change).to_be_enabled()
    change.click()
    expect(page.get_by_role("status").filter(has_text="Hail runs 3.0.0 now")).to_be_visible()


def test_the_keyboard_is_enough_to_change_the_version(console: Console, world: World) -> None:
    console.expected = lambda text: "422" in text
    place = hail(world)
    world.versions["hail-alarm"] = world.versions["hail 1.0.0"]
    name = world.set_up("Hail at night", 2, "hail-alarm")
    page = console.open(place.replace(world.jobs["Hail"], name), token=world.token)
    choice = page.get_by_role("combobox", name="Change it to")
    choice.focus()
    page.keyboard.type("2.0")
    expect(choice).to_have_value(world.versions["hail 2.0.0"])
    expect(page.get_by_text("Something has to be bound here.")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("combobox", name=re.compile("^dew_point"))).to_be_focused()
    page.keyboard.type("tau")
    expect(page.get_by_role("option", name=re.compile("Taupunkt Ost"))).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    change = page.get_by_role("button", name="Change to 2.0.0")
    expect(change).to_be_enabled()
    page.keyboard.press("Tab")
    expect(change).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="Hail at night runs 2.0.0 now")).to_be_visible()
    world.call("DELETE", f"/jobs/{name}")


def test_an_input_tells_who_reads_it(console: Console, world: World) -> None:
    page = console.open(f"jobs/{world.jobs['Never ran']}/bindings", token=world.token)
    page.get_by_role("link", name="Station South, °F").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Station South, °F")
    expect(page.locator(".facts")).to_contain_text("air_temperature in [degF]")
    expect(page.locator(".facts")).to_contain_text("Nordwind Gärten")
    row = page.get_by_role("row", name=re.compile("Never ran"))
    expect(row).to_contain_text("temperature")
    expect(row).to_contain_text(re.compile("new|late|overdue"))
    row.get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Never ran")
    # One that nobody registered.
    console.expected = lambda text: "404" in text
    console.open(f"inputs/{organisation(1)}/{input_id(9, 9)}")
    expect(page.get_by_text("It is not registered")).to_be_visible()
    expect(page.get_by_text("No job reads it.")).to_be_visible()


def test_many_jobs_of_an_input_are_read_page_by_page(console: Console, world: World) -> None:
    kept = world.call("GET", f"/jobs/{world.jobs['Never ran']}?expand=source")
    asked: list[str] = []

    def answer(route: Route) -> None:
        asked.append(route.request.url)
        is_later = "cursor=" in route.request.url
        numbers = range(50, 51) if is_later else range(50)
        items = [kept | {"id": input_id(7, number), "name": f"Reader {number}"} for number in numbers]
        route.fulfill(json={"items": items, "next_cursor": None if is_later else "behind"})

    console.page.route(re.compile(r"/api/v1/jobs\?"), answer)
    page = console.open(f"inputs/{organisation(1)}/{input_id(1, 2)}", token=world.token)
    expect(page.locator("section tbody tr")).to_have_count(50)
    page.get_by_role("button", name="Show more").press("Enter")
    expect(page.get_by_role("link", name="Reader 50")).to_be_visible()
    assert all("order=health" in url and f"input_id={input_id(1, 2)}" in url for url in asked), asked


def test_the_keyboard_is_enough_for_runners(console: Console, world: World) -> None:
    page = console.open("runners", token=world.token)
    page.get_by_role("link", name="frost-warning").press("Enter")
    summary = page.locator("summary").filter(has_text="sensor is silent")
    opened = page.locator("details[open]")
    expect(opened).to_have_count(1)
    summary.press("Enter")
    expect(opened).to_have_count(0)
    summary.press("Space")
    expect(opened).to_have_count(1)
    opened.get_by_role("link").first.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page).to_have_url(re.compile("#/jobs/"))


def test_runners_show_what_was_reported_and_how_to_start_one(console: Console, world: World) -> None:
    page = console.open("runners", token=world.token)
    page.get_by_role("link", name="frost-warning").click()
    expect(page.get_by_text("The last report came")).to_be_visible()
    expect(page.locator("summary").filter(has_text="sensor is silent")).to_contain_text(re.compile("[23] jobs"))
    expect(page.locator("figure pre")).to_contain_text(world.url)
    expect(page.locator("figure pre")).not_to_contain_text(world.token)
    page.get_by_role("link", name="mildew-predictor").click()
    expect(page.get_by_role("heading", name="Never reported")).to_be_visible()
    expect(page.locator(".names").first).to_contain_text("Never ran")
