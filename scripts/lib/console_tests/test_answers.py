"""Signing in, and what the console says when the service refuses, is busy, or is not there."""

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from .conftest import Console
from .world import World

JOBS = re.compile(r"/api/v1/jobs\?")


def problem(status: int, code: str, **members: Any) -> dict[str, Any]:
    """What the service answers when it refuses."""
    body = {
        "type": f"/problems/{code}",
        "title": f"Title of {code}",
        "status": status,
        "code": code,
        "detail": "The detail.",
    }
    return {
        "status": status,
        "content_type": "application/problem+json",
        "body": json.dumps(body | {"request_id": "req-7"} | members),
    }


def refuse_once(page: Page, pattern: re.Pattern[str], answer: dict[str, Any], method: str = "GET") -> None:
    """The next such request is answered like this, and no other."""

    left = [answer]

    def handle(route: Route) -> None:
        if route.request.method == method and left:
            route.fulfill(**left.pop())
        else:
            route.fallback()

    page.route(pattern, handle)


def test_the_link_of_the_greeting_signs_in_and_leaves_no_token(console: Console, world: World) -> None:
    page = console.open(token=world.token)
    expect(page.locator("tbody").first).to_be_visible()
    assert page.url == f"{world.url}/#/"
    assert world.token not in page.evaluate("JSON.stringify(performance.getEntriesByType('navigation'))").split("#")[0]
    assert page.evaluate("[localStorage.length, document.cookie]") == [0, ""]
    page.reload()
    expect(page.locator("tbody").first).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert page.evaluate("sessionStorage.length") == 0


def test_a_token_is_pasted(console: Console, world: World) -> None:
    page = console.open()
    expect(page.get_by_role("dialog")).to_be_visible()
    expect(page.get_by_role("textbox", name="Token")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert").filter(has_text="Paste a token first.")).to_be_visible()
    console.expected = lambda text: "401" in text
    page.get_by_role("textbox", name="Token").fill("nonsense")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Sign in again")).to_be_visible()
    page.get_by_role("textbox", name="Token").fill(f"export TOKEN={world.token}\n")
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("tbody").first).to_be_visible()


def test_nothing_typed_is_lost_when_the_token_expires(console: Console, world: World) -> None:
    page = console.open(f"jobs/{world.jobs['Parcel 11']}", token=world.token)
    page.get_by_role("button", name="Rename").click()
    page.get_by_role("textbox", name="New name").fill("Parcel eleven")
    console.expected = lambda text: "401" in text
    refuse_once(page, re.compile("/api/v1/jobs/"), problem(401, "invalid_token", detail="The token expired."), "PUT")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("The token expired.")
    page.get_by_role("textbox", name="Token").fill(world.token)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Parcel eleven")
    world.call("PUT", f"/jobs/{world.jobs['Parcel 11']}", {"name": "Parcel 11"})


@pytest.mark.parametrize(
    ("status", "code", "members", "told"),
    [
        (403, "insufficient_scope", {"required_scope": "jobs:read"}, "jobs:read"),
        (404, "not_found", {}, "Title of not_found"),
        (429, "rate_limited", {}, "The detail."),
        (500, "internal_error", {}, "req-7"),
        (503, "overloaded", {}, "503 overloaded"),
    ],
)
def test_a_list_that_is_refused_says_why_and_is_asked_again(
    console: Console, world: World, status: int, code: str, members: dict[str, Any], told: str
) -> None:
    console.expected = lambda text: str(status) in text
    refuse_once(console.page, JOBS, problem(status, code, **members))
    page = console.open(token=world.token)
    expect(page.get_by_role("alert")).to_contain_text(told)
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("tbody").first).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_service_that_is_gone_leaves_what_was_read(console: Console, world: World) -> None:
    page = console.open(token=world.token)
    expect(page.locator("tbody").first).to_be_visible()
    count = page.locator("tbody").count()
    console.expected = lambda text: "net::" in text or "502" in text
    page.route(re.compile("/api/v1/"), lambda route: route.abort())
    page.get_by_role("button", name="Refresh").click()
    expect(page.get_by_role("alert")).to_contain_text("The service cannot be reached")
    assert page.locator("tbody").count() == count
    page.unroute_all()
    page.route(re.compile("/api/v1/"), lambda route: route.fulfill(status=502, body="<html>proxy</html>"))
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("alert")).to_contain_text("502")
    page.unroute_all()
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("alert")).to_have_count(0)


@pytest.mark.parametrize(
    ("status", "code", "members", "told"),
    [
        (403, "insufficient_scope", {"required_scope": "jobs:write"}, "scope jobs:write"),
        (409, "conflict", {}, "Title of conflict"),
        (422, "quota_exceeded", {}, "request req-7"),
        (429, "rate_limited", {}, "It may work in 7 s"),
        (503, "overloaded", {}, "was not changed"),
    ],
)
def test_a_change_that_is_refused_says_why(
    console: Console, world: World, status: int, code: str, members: dict[str, Any], told: str
) -> None:
    page = console.open("?health=all", token=world.token)
    console.expected = lambda text: str(status) in text
    answer = problem(status, code, **members) | {
        "headers": {"Retry-After": "7", "Content-Type": "application/problem+json"}
    }
    del answer["content_type"]
    refuse_once(page, re.compile("/api/v1/jobs/"), answer, "PUT")
    page.get_by_role("button", name="Pause Parcel 12").click()
    expect(page.get_by_role("status").filter(has_text="Parcel 12 was not changed")).to_contain_text(told)
    expect(page.get_by_role("button", name="Pause Parcel 12")).to_be_visible()


def test_an_empty_service_says_what_to_do_next(console: Console, world: World) -> None:
    counts = dict.fromkeys(("paused", "unmonitored", "overdue", "failing", "late", "new", "on_time"), 0)
    body = {"counts": counts, "judged_at": "2026-06-01T12:00:00Z"}
    console.page.route(re.compile("/api/v1/jobs/health"), lambda route: route.fulfill(json=body))
    console.page.route(JOBS, lambda route: route.fulfill(json={"items": [], "next_cursor": None}))
    page = console.open(token=world.token)
    expect(page.get_by_role("heading", name="There are no jobs yet")).to_be_visible()
    expect(page.get_by_text("prediction apply --file job.yaml")).to_be_visible()
    page.get_by_role("link", name="set up a job here").click()
    expect(page.get_by_role("heading", name="Set up a job")).to_be_visible()
