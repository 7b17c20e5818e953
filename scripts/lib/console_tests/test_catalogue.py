"""The catalogue: a version is published after a rehearsal, compared, taken out of use, and jobs go to it."""

import json
import re

from playwright.sync_api import expect

from .conftest import Console
from .world import World, organisation, role, role_out


def snow(world: World) -> str:
    """A model with a version, and two jobs that run it."""
    if "snow-load" not in world.sources:
        source = world.call("POST", "/sources", {"name": "snow-load", "owner_organisation_id": organisation(1)})
        world.sources["snow-load"] = source["id"]
        body = {
            "source_id": source["id"],
            "version": "1.0.0",
            "input_roles": [role("temperature", "sensor", "air_temperature", "°C")],
            "output_roles": [role_out("load", "snow_load", "kN")],
        }
        world.versions["snow-load"] = world.call("POST", "/source_versions", body)["id"]
        world.set_up("Barn", 1, "snow-load")
        world.set_up("Shed", 2, "snow-load")
    return f"catalogue/{world.sources['snow-load']}"


def test_a_version_is_published_after_a_rehearsal_and_jobs_go_to_it(console: Console, world: World) -> None:
    console.expected = lambda text: "422" in text
    page = console.open("catalogue", token=world.token)
    snow(world)
    page.reload()
    page.get_by_role("link", name="snow-load").click()
    page.get_by_role("button", name="Publish a version").click()
    field = page.get_by_role("textbox", name=re.compile("contract"))
    # The label is still missing, and told with its line.
    expect(page.get_by_text(re.compile("Line 2: .*version"))).to_be_visible()
    expect(page.get_by_role("button", name="Publish", exact=True)).to_be_disabled()
    contract = json.loads(field.input_value())
    contract["version"] = "2.0.0"
    contract["output_roles"][0]["unit"] = ""
    field.fill(json.dumps(contract, indent=2))
    expect(page.get_by_text(re.compile("Line 1[0-9]: .*unit"))).to_be_visible()
    field.fill("{")
    expect(page.get_by_text("It is not JSON")).to_be_visible()
    contract["output_roles"][0]["unit"] = "kN"
    field.fill(json.dumps(contract, indent=2))
    expect(page.get_by_text("It fits, and can be published.")).to_be_visible()
    listed = f"/source_versions?source_id={world.sources['snow-load']}"
    assert len(world.call("GET", listed)["items"]) == 1
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.get_by_role("status").filter(has_text="Published snow-load 2.0.0")).to_be_visible()
    assert len(world.call("GET", listed)["items"]) == 2

    page.get_by_role("link", name="2.0.0").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("snow-load 2.0.0")
    expect(page.get_by_text("No job runs it.")).to_be_visible()
    expect(page.locator("section[aria-labelledby=comparison] tbody")).to_contain_text("unchanged")
    page.get_by_role("button", name="Look at every job of this source").click()
    expect(page.get_by_text("2 can go as they are")).to_be_visible()
    page.get_by_role("button", name="Rehearse the upgrade of the 2 jobs that are ready").click()
    expect(page.get_by_text("2 would be upgraded. Nothing is changed yet.")).to_be_visible()
    assert world.call("GET", f"/jobs/{world.jobs['Barn']}")["source_version_id"] == world.versions["snow-load"]
    page.get_by_role("button", name="Upgrade them").click()
    expect(page.get_by_role("status").filter(has_text="2 jobs run 2.0.0 now")).to_be_visible()
    assert world.call("GET", f"/jobs/{world.jobs['Barn']}")["source_version_id"] != world.versions["snow-load"]


def test_a_mistake_is_told_with_its_line(console: Console, world: World) -> None:
    """What is missing is told where it is missing, and not where something else has its name."""
    text = """{
  "description": "version, \\"unit\\": [",
  "version": "1",
  "roles": [
    {
      "role": "unit",
      "tags": [{}, [], "]"]
    },
    {
      "role": "b",
      "unit": "%"
    }
  ],
  "a/b~": [1]
}"""
    lines = {
        "": 1,
        "/version": 3,
        "/roles/0": 5,
        "/roles/0/unit": 5,
        "/roles/1": 9,
        "/roles/1/unit": 11,
        "/roles/2": 4,
        "/a~1b~0/0": 14,
        "/nothing/at/all": 1,
    }
    page = console.open(token=world.token)
    ask = """async ([text, pointers]) => {
      const { lineOf } = await import('/console/pages/catalogue_publish.js');
      return pointers.map(pointer => lineOf(text, pointer));
    }"""
    assert page.evaluate(ask, [text, list(lines)]) == list(lines.values())


def test_a_version_is_taken_out_of_use_after_it_was_confirmed(console: Console, world: World) -> None:
    place = f"{snow(world)}/{world.versions['snow-load']}"
    lifecycle = f"/source_versions/{world.versions['snow-load']}/lifecycle"
    page = console.open(place, token=world.token)
    page.get_by_role("combobox", name="Stage").select_option("deprecated")
    page.get_by_role("button", name="Make it deprecated").click()
    reason = page.get_by_role("textbox", name="Why")
    expect(reason).to_be_focused()
    expect(page.locator(".mistake")).to_contain_text("Say why")
    page.keyboard.type("Snow is wetter now")
    page.keyboard.press("Enter")
    expect(page.get_by_text("It would be deprecated.")).to_contain_text("Nothing is changed yet.")
    assert world.call("GET", lifecycle)["stage"] == "active"
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("It would be deprecated.")).to_have_count(0)
    page.get_by_role("button", name="Make it deprecated").press("Enter")
    page.get_by_role("button", name="Yes, make it deprecated").press("Enter")
    expect(page.get_by_role("status").filter(has_text="1.0.0 is deprecated now")).to_be_visible()
    expect(page.get_by_text("deprecated: Snow is wetter now")).to_be_visible()
    assert world.call("GET", lifecycle)["stage"] == "deprecated"


def test_the_keyboard_is_enough_to_publish_and_to_upgrade(console: Console, world: World) -> None:
    console.expected = lambda text: "422" in text
    page = console.open(snow(world), token=world.token)
    page.get_by_role("button", name="Publish a version").focus()
    page.keyboard.press("Enter")
    field = page.get_by_role("textbox", name=re.compile("contract"))
    contract = json.loads(field.input_value()) | {"version": "3.0.0"}
    page.keyboard.press("Tab")
    while not field.evaluate("field => field === document.activeElement"):
        page.keyboard.press("Tab")
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(json.dumps(contract))
    publish = page.get_by_role("button", name="Publish", exact=True)
    expect(publish).to_be_enabled()
    page.keyboard.press("Tab")
    expect(publish).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_role("link", name="3.0.0").press("Enter")
    page.get_by_role("button", name="Look at every job of this source").press("Enter")
    page.get_by_role("button", name=re.compile("^Rehearse the upgrade")).press("Enter")
    page.get_by_role("button", name="Upgrade them").press("Enter")
    expect(page.get_by_role("status").filter(has_text="2 jobs run 3.0.0 now")).to_be_visible()


def test_two_people_change_the_life_of_a_version(console: Console, world: World) -> None:
    console.expected = lambda text: "412" in text
    place = f"{snow(world)}/{world.versions['snow-load']}"
    lifecycle = f"/source_versions/{world.versions['snow-load']}/lifecycle"
    page = console.open(place, token=world.token)
    page.get_by_role("combobox", name="Stage").select_option("withdrawn")
    reason = page.get_by_role("textbox", name="Why")
    reason.fill("It is wrong about snow")
    world.call("PUT", lifecycle, {"stage": "deprecated", "reason": "Theirs"})
    page.get_by_role("button", name="Make it withdrawn").click()
    expect(page.get_by_text("Somebody changed this version meanwhile.")).to_be_visible()
    page.get_by_role("button", name="Go on with the version").click()
    expect(page.get_by_text("deprecated: Theirs")).to_be_visible()
    expect(reason).to_have_value("It is wrong about snow")
    page.get_by_role("button", name="Make it withdrawn").click()
    page.get_by_role("button", name="Yes, make it withdrawn").click()
    expect(page.get_by_role("status").filter(has_text="1.0.0 is withdrawn now")).to_be_visible()
    world.call("PUT", lifecycle, {"stage": "active", "reason": None})


def test_a_reader_is_told_what_is_not_offered(console: Console, reader_token: str, world: World) -> None:
    page = console.open(f"catalogue/{world.sources['mildew-predictor']}", token=reader_token)
    button = page.get_by_role("button", name="Publish a version")
    expect(button).to_be_disabled()
    expect(button).to_have_attribute("title", "Your token lacks the scope catalog:create.")
    page.get_by_role("link", name="2.1.0").click()
    expect(page.get_by_text("lacks the scope catalog:write")).to_be_visible()


def test_a_source_is_created_and_every_mistake_stands_at_its_field(console: Console, world: World) -> None:
    console.expected = lambda text: "422" in text or "409" in text
    page = console.open("catalogue", token=world.token)
    page.get_by_role("button", name="Create a source").click()
    name = page.get_by_role("textbox", name="Name")
    expect(name).to_be_focused()
    # What is still empty is no mistake before somebody tries to send it.
    expect(page.locator(".mistake")).to_have_count(0)
    name.fill("MILDEW-predictor")
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page.locator("#source-owner-about .mistake")).to_have_text("Choose whose it is")
    page.get_by_role("combobox", name="Whose it is").select_option(organisation(1))
    expect(page.locator("#source-name-about")).to_contain_text("There is a source of that name already")
    expect(page.locator(".mistake")).to_have_count(1)
    name.fill("")
    page.get_by_role("textbox", name=re.compile("minutes")).fill("often")
    page.get_by_role("textbox", name=re.compile("days")).fill("4000")
    page.get_by_role("button", name="Create", exact=True).click()
    expect(name).to_be_focused()
    for field in ("name", "interval", "retention"):
        expect(page.locator(f"#source-{field}-about .mistake")).to_contain_text("This ")
    expect(page.get_by_text("3 things are missing or wrong.")).to_be_visible()
    name.fill("Hail 🧊 <b>1</b>")
    page.get_by_role("textbox", name=re.compile("minutes")).fill("")
    page.get_by_role("textbox", name=re.compile("days")).fill("7")
    expect(page.get_by_text("It fits, and can be created. Nothing is stored yet.")).to_be_visible()
    assert "Hail" not in str(world.call("GET", "/sources"))
    page.get_by_role("button", name="Create", exact=True).press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Hail 🧊 <b>1</b>")
    expect(page.get_by_role("status").filter(has_text="is created")).to_be_visible()
    created = next(item for item in world.call("GET", "/sources?limit=200")["items"] if item["name"].startswith("Hail"))
    assert (created["expected_interval_minutes"], created["retention_hours"]) == (None, 7 * 24)
    assert created["owner_organisation_id"] == organisation(1)
    page.get_by_role("button", name="Publish a version").press("Enter")
    contract_field = page.get_by_role("textbox", name=re.compile("contract"))
    publish = page.get_by_role("button", name="Publish", exact=True)
    expect(page.get_by_text("Line 14: role is empty")).to_be_visible()
    expect(publish).to_be_disabled()
    contract = json.loads(contract_field.input_value())
    contract["output_roles"] = [role_out("hail", "hail_risk", "%")]
    contract_field.fill(json.dumps(contract, indent=2))
    expect(page.get_by_text("From then on it cannot be changed.")).to_be_visible()
    publish.press("Enter")
    expect(page.get_by_role("link", name="1.0.0")).to_be_visible()


def test_a_source_of_a_token_of_one_organisation_is_its_own(console: Console, world: World) -> None:
    """Nobody is asked whose it is where there is no choice; and who may not create one reads why."""
    console.expected = lambda text: "422" in text
    token = world.mint([organisation(3)], "catalog:create jobs:read")
    page = console.open("catalogue", token=token)
    page.get_by_role("button", name="Create a source").press("Enter")
    page.keyboard.type("Of customer 3")
    expect(page.get_by_role("combobox", name="Whose it is")).to_have_count(0)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Of customer 3")
    [created] = [item for item in world.call("GET", "/sources?limit=200")["items"] if item["name"] == "Of customer 3"]
    assert created["owner_organisation_id"] == organisation(3)
    page = console.open("catalogue", token=world.mint([organisation(3)], "jobs:read"))
    expect(page.get_by_role("button", name="Create a source")).to_be_disabled()
    expect(page.get_by_role("button", name="Create a source")).to_have_attribute("title", re.compile("catalog:create"))


def test_jobs_of_one_customer_can_be_upgraded_by_themselves(console: Console, world: World) -> None:
    world.call("POST", "/sources", {"name": "ice", "owner_organisation_id": organisation(1)})
    source = next(item["id"] for item in world.call("GET", "/sources?limit=200")["items"] if item["name"] == "ice")
    contract = {
        "source_id": source,
        "input_roles": [role("temperature", "sensor", "air_temperature", "°C")],
        "output_roles": [role_out("ice", "ice", "mm")],
    }
    old = world.call("POST", "/source_versions", contract | {"version": "1"})["id"]
    new = world.call("POST", "/source_versions", contract | {"version": "2"})["id"]
    world.versions["ice"] = old
    jobs = [world.set_up("Pond", number, "ice") for number in (1, 2)]
    page = console.open(f"catalogue/{source}/{new}", token=world.token)
    page.get_by_role("button", name="Look at every job of this source").click()
    rows = page.get_by_role("table", name="Jobs that run another version").locator("tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.nth(1)).to_contain_text("Ferme des Trois Chênes")
    page.get_by_role("combobox", name="Organisation").select_option(organisation(2))
    expect(rows).to_have_count(1)
    page.get_by_role("button", name="Rehearse the upgrade of the job that is ready").click()
    page.get_by_role("button", name="Upgrade them").click()
    expect(page.get_by_role("status").filter(has_text="1 job runs 2 now")).to_be_visible()
    assert [world.call("GET", f"/jobs/{job}")["source_version_id"] for job in jobs] == [old, new]
