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


def test_a_version_is_taken_out_of_use(console: Console, world: World) -> None:
    place = f"{snow(world)}/{world.versions['snow-load']}"
    page = console.open(place, token=world.token)
    page.get_by_role("combobox", name="Stage").select_option("deprecated")
    page.get_by_role("textbox", name="Why").fill("Snow is wetter now")
    page.get_by_role("button", name="Make it deprecated").press("Enter")
    expect(page.get_by_role("status").filter(has_text="1.0.0 is deprecated now")).to_be_visible()
    expect(page.get_by_text("deprecated: Snow is wetter now")).to_be_visible()
    found = world.call("GET", f"/source_versions/{world.versions['snow-load']}")
    assert found["lifecycle"]["stage"] == "deprecated"


def test_a_reader_is_told_what_is_not_offered(console: Console, reader_token: str, world: World) -> None:
    page = console.open(f"catalogue/{world.sources['mildew-predictor']}", token=reader_token)
    button = page.get_by_role("button", name="Publish a version")
    expect(button).to_be_disabled()
    expect(button).to_have_attribute("title", "Your token lacks the scope catalog:create.")
    page.get_by_role("link", name="2.1.0").click()
    expect(page.get_by_text("lacks the scope catalog:write")).to_be_visible()
