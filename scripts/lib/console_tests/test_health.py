"""The start page: what does not deliver is found, understood and paused, by mouse and by keyboard alone."""

import re

from playwright.sync_api import Route, expect

from .conftest import Console
from .world import LONGEST, MARKUP, PICTURES, RIGHT_TO_LEFT, World


def test_what_does_not_deliver_is_shown_worst_first(console: Console, world: World) -> None:
    page = console.open(token=world.token)
    rows = page.locator("tbody")
    expect(rows.first).to_contain_text("overdue")
    expect(rows.first).to_contain_text("Obstwiese Nord")
    expect(rows.first).to_contain_text("Ferme des Trois Chênes")
    expect(rows.first).to_contain_text(re.compile(r"mildew-predictor\s*@\s*2\.1\.0"))
    statuses = page.locator("tbody .status").all_inner_texts()
    order = ["overdue", "failing", "late"]
    assert statuses == sorted(statuses, key=order.index) and set(statuses) == set(order)
    # The token is in no address that somebody could copy.
    assert "token" not in page.url


def test_each_count_is_a_filter_that_the_address_keeps(console: Console, world: World) -> None:
    page = console.open(token=world.token)
    counts = page.get_by_role("group", name=re.compile("Jobs by health"))
    expect(counts.get_by_role("button", name=re.compile("^1 new"))).to_have_attribute("aria-pressed", "false")
    counts.get_by_role("button", name=re.compile("new")).click()
    expect(page.get_by_role("link", name="Never ran")).to_be_visible()
    expect(page).to_have_url(re.compile("health=overdue,failing,late,new"))
    page.reload()
    expect(page.get_by_role("link", name="Never ran")).to_be_visible()
    counts.get_by_role("button", name="All").click()
    expect(page.get_by_role("link", name="Resting")).to_be_visible()


def test_why_is_answered_with_the_message_of_the_run(console: Console, world: World) -> None:
    page = console.open(token=world.token)
    page.get_by_role("button", name="Why: Gewächshaus 1").click()
    expect(page.get_by_text("Its last 3 runs failed.")).to_be_visible()
    expect(page.locator("pre").filter(has_text="ValueError: <script>")).to_be_visible()


def test_the_last_line_of_a_failure_is_in_the_list(console: Console, world: World) -> None:
    page = console.open(token=world.token)
    row = page.locator("tbody").filter(has=page.get_by_role("link", name="Gewächshaus 1"))
    expect(row).to_contain_text("ValueError: <script>document.title=1</script> sensor is silent")
    expect(row).not_to_contain_text("Traceback")


def test_an_overdue_job_of_which_no_run_tells_says_so(console: Console, world: World) -> None:
    page = console.open(token=world.token)
    page.get_by_role("button", name="Why: Obstwiese Nord").click()
    expect(page.get_by_text("Nothing was reported since, not even a run that failed")).to_be_in_viewport()


def test_what_is_shown_is_of_one_customer(console: Console, world: World) -> None:
    page = console.open("?health=all", token=world.token)
    page.get_by_label("Organisation", exact=True).select_option(label="Hof Sonnenschein")
    expect(page.get_by_role("link", name="Südhang")).to_have_count(0)
    expect(page.get_by_role("link", name=PICTURES)).to_be_visible()
    assert {"Hof Sonnenschein"} == set(page.locator("tbody .job .aside").all_inner_texts())
    page.reload()
    expect(page.get_by_label("Organisation", exact=True)).to_have_value(re.compile("."))


def test_the_counts_follow_what_is_paused(console: Console, world: World) -> None:
    page = console.open("?health=all", token=world.token)
    counts = page.get_by_role("group", name=re.compile("Jobs by health"))
    count = counts.get_by_role("button", name=re.compile("paused")).locator("b")
    expect(count).to_have_text(re.compile("[0-9]"))
    paused = int(count.inner_text())
    page.get_by_role("button", name="Pause Parcel 7").click()
    expect(counts.get_by_role("button", name=f"{paused + 1} paused")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(counts.get_by_role("button", name=f"{paused} paused")).to_be_visible()


def test_a_job_is_paused_and_resumed(console: Console, world: World) -> None:
    page = console.open("?health=all", token=world.token)
    page.get_by_role("button", name="Pause Parcel 5").click()
    expect(page.get_by_role("status").filter(has_text="Paused Parcel 5")).to_be_visible()
    assert world.call("GET", f"/jobs/{world.jobs['Parcel 5']}")["active"] is False
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("status").filter(has_text="Resumed Parcel 5")).to_be_visible()
    assert world.call("GET", f"/jobs/{world.jobs['Parcel 5']}")["active"] is True


def test_pausing_warns_when_others_read_the_job(console: Console, world: World) -> None:
    page = console.open(token=world.token)
    page.get_by_role("button", name="Pause Obstwiese Nord").click()
    expect(page.get_by_role("status").filter(has_text="Paused Obstwiese Nord")).to_contain_text("output")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("status").filter(has_text="Resumed")).to_be_visible()
    # It was activated anew just now, which is not how the other tests want it.
    world.age()


def test_the_keyboard_is_enough(console: Console, world: World) -> None:
    page = console.open("?health=all", token=world.token)
    expect(page.get_by_role("link", name="Parcel 6")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="To the content")).to_be_focused()
    page.keyboard.press("Enter")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('.job') !== null"):
            break
    for _ in range(60):
        if page.evaluate("document.activeElement.textContent") == "Parcel 6":
            break
        page.keyboard.press("ArrowDown")
    expect(page.get_by_role("link", name="Parcel 6")).to_be_focused()
    for _ in range(8):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.getAttribute('aria-label')") == "Pause Parcel 6":
            break
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Resume Parcel 6")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Pause Parcel 6")).to_be_focused()


def test_rows_keep_their_places_when_the_list_is_read_again(console: Console, world: World) -> None:
    page = console.open("?health=new", token=world.token)
    expect(page.get_by_role("link", name="Never ran")).to_be_visible()
    world.set_up("Late comer", 3, "frost-warning")
    world.report_days("Never ran", 1)
    page.get_by_role("button", name="Refresh").click()
    expect(page.locator("tbody")).to_have_count(2)
    expect(page.locator("tbody").nth(0)).to_contain_text("Never ran")
    expect(page.locator("tbody").nth(0)).to_contain_text("was here")
    expect(page.locator("tbody").nth(1)).to_contain_text("Late comer")
    world.call("DELETE", f"/jobs/{world.jobs['Late comer']}")


def test_names_are_text(console: Console, world: World) -> None:
    page = console.open("?health=all", token=world.token)
    for name in (MARKUP, RIGHT_TO_LEFT, LONGEST, PICTURES):
        expect(page.get_by_role("link", name=name, exact=True)).to_be_visible()
    assert page.locator("main img, main script, main b:not(.count b)").count() == 0
    assert page.title() == "Health · Prediction API"


def test_a_part_of_a_name_finds_a_job_whatever_its_health(console: Console, world: World) -> None:
    page = console.open(token=world.token)
    box = page.get_by_role("searchbox", name="Name")
    box.fill("OBST")
    expect(page.locator("tbody")).to_have_count(1)
    expect(page).to_have_url(re.compile("q=OBST"))
    box.fill("never r")
    expect(page.get_by_role("link", name="Never ran")).to_be_visible()
    box.fill("لوم")
    expect(page.get_by_text("No job has")).to_be_visible()
    box.fill("שלום")
    expect(page.get_by_role("link", name=RIGHT_TO_LEFT, exact=True)).to_be_visible()
    box.fill("Nobody")
    expect(page.get_by_role("heading", name="No job has Nobody in its name")).to_be_visible()
    page.get_by_role("button", name="Show all jobs").click()
    expect(page.get_by_role("link", name="Resting")).to_be_visible()


def test_a_part_that_is_in_few_names_is_looked_for_page_by_page(console: Console, world: World) -> None:
    """Of very many jobs the service looks at some for each page, and says where the next one begins."""
    kept = world.call("GET", f"/jobs/{world.jobs['Talaue']}")
    asked: list[str] = []

    def answer(route: Route) -> None:
        asked.append(route.request.url)
        found = [kept] if len(asked) == 4 else []
        route.fulfill(json={"items": found, "next_cursor": None if len(asked) == 4 else f"behind{len(asked)}"})

    console.page.route("**/jobs?*q=alau*", answer)
    page = console.open("?q=alau", token=world.token)
    expect(page.get_by_role("link", name="Talaue")).to_be_visible()
    assert [("cursor=" in url) for url in asked] == [False, True, True, True], asked


def test_a_reader_is_not_offered_to_pause_and_told_why(console: Console, reader_token: str) -> None:
    page = console.open("?health=all", token=reader_token)
    button = page.get_by_role("button", name="Pause Gewächshaus 1")
    expect(button).to_be_disabled()
    expect(button).to_have_attribute("title", "Your token lacks the scope jobs:write.")
    page.get_by_role("button", name="Why: Gewächshaus 1").click()
    expect(page.get_by_text("lacks the scope predictions:read")).to_be_visible()


def test_two_people_change_one_job(console: Console, world: World) -> None:
    page = console.open("?health=all", token=world.token)
    button = page.get_by_role("button", name="Pause Parcel 7")
    expect(button).to_be_visible()
    world.call("PUT", f"/jobs/{world.jobs['Parcel 7']}", {"active": False})
    console.expected = lambda text: "412" in text
    button.click()
    expect(page.get_by_role("status").filter(has_text="Somebody else changed Parcel 7")).to_be_visible()
    page.get_by_role("button", name="Resume Parcel 7").click()
    expect(page.get_by_role("button", name="Pause Parcel 7")).to_be_visible()
