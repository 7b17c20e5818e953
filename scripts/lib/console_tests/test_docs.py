"""The page of the API, request by request: ours by name, with nothing from elsewhere, and a token that is kept."""

from playwright.sync_api import expect

from .conftest import Console
from .world import World


def test_the_documentation_keeps_the_token_over_a_reload(console: Console, world: World) -> None:
    page = console.page
    page.goto(f"{world.url}/docs/")
    expect(page.get_by_role("heading", name="Prediction API")).to_be_visible()
    assert page.title() == "Prediction API, request by request"
    # No bar to explore the documents of others.
    expect(page.locator(".topbar")).to_have_count(0)
    page.get_by_role("button", name="Authorize").first.click()
    page.get_by_role("textbox").last.fill(world.token)
    page.get_by_role("button", name="Apply credentials").click()
    page.get_by_role("button", name="Close").last.click()
    page.reload()
    expect(page.get_by_role("heading", name="Prediction API")).to_be_visible()
    page.get_by_role("button", name="Authorize").first.click()
    expect(page.get_by_role("button", name="Remove authorization")).to_be_visible()
    assert [request.url for request in console.requests if not request.url.startswith(world.url)] == []
