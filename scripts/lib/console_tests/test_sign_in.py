"""Signing in at a real OpenID provider, as a person does: a page of its own, a code, and a token in exchange."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from service.processes import Server

from .conftest import Console
from .test_answers import problem, refuse_once
from .world import World

AUDIENCE = "https://predictions.example"


class Provider:
    """A certified provider on this machine: crates/server/tests/oidc-provider."""

    def __init__(self, program: str):
        self.process = subprocess.Popen(
            ["node", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.issuer = self._line()

    def _line(self) -> str:
        assert self.process.stdout
        line = self.process.stdout.readline().strip()
        assert line, "the provider ended"
        return line

    def tell(self, command: str) -> None:
        """Has it do something."""
        assert self.process.stdin
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        assert self._line() == "done"

    def stop(self) -> None:
        """Ends it."""
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    """Where people sign in."""
    program = os.environ.get("PREDICTION_TEST_OIDC_PROVIDER")
    assert program, "PREDICTION_TEST_OIDC_PROVIDER names the provider: ./scripts/test installs it"
    provider = Provider(program)
    yield provider
    provider.stop()


@pytest.fixture(scope="module")
def url(
    provider: Provider, world: World, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A service that shows the same jobs, to people whom that provider knows."""
    program = str(Path(request.config.getoption("--program")).resolve())
    folder = tmp_path_factory.mktemp("of-issuer")
    options = [f"--issuer={provider.issuer}", f"--audience={AUDIENCE}", "--issuer-over-http"]
    command = [program, "--listen=127.0.0.1:0", "--log-format=json", "--console-client-id=console", *options]
    environment = {"DATABASE_URL": world.database.url, "PREDICTION_API_DATA_DIR": str(folder / "data")}
    server = Server(command, folder / "server.log", environment)
    yield server.url
    server.stop()


@pytest.fixture
def console(context: BrowserContext, url: str) -> Iterator[Console]:
    """A tab. Whatever the browser complains about fails the test, unless the test expects it."""
    console = Console(context.new_page(), url)
    yield console
    assert [mistake for mistake in console.mistakes if not console.expected(mistake)] == []


def sign_in(page: Page) -> None:
    """Presses the button."""
    page.get_by_role("button", name="Sign in").click()


def kept(page: Page) -> list[str]:
    """What the tab keeps."""
    found: list[str] = page.evaluate("Object.keys(sessionStorage)")
    return found


def test_a_person_signs_in_and_comes_back_to_the_place(console: Console, url: str, provider: Provider) -> None:
    page = console.open("?health=late,on_time")
    expect(page.get_by_role("dialog")).to_contain_text(f"You sign in at {provider.issuer.removeprefix('http://')}")
    expect(page.get_by_role("button", name="Sign in")).to_be_focused()
    sign_in(page)
    expect(page.locator("tbody").first).to_be_visible()
    assert page.url == f"{url}/#/?health=late,on_time"
    expect(page.locator(".who")).to_contain_text("a-person, all organisations")
    # Neither the verifier nor the code is left anywhere.
    assert kept(page) == ["prediction-api.token"]
    assert page.evaluate("[localStorage.length, document.cookie]") == [0, ""]
    asked = next(request.url for request in console.requests if "/auth?" in request.url)
    assert "code_challenge_method=S256" in asked and "nonce=" in asked and "resource=" in asked
    assert not [request.url for request in console.requests if not request.url.startswith((url, provider.issuer))]
    # A step back does not lead to the code, and the same code is good for nothing.
    assert "code=" not in str(page.evaluate("JSON.stringify(history.state)"))
    page.reload()
    expect(page.locator("tbody").first).to_be_visible()


def test_nothing_typed_is_lost_when_the_token_expires(console: Console, world: World) -> None:
    page = console.open(f"jobs/{world.jobs['Parcel 11']}")
    sign_in(page)
    page.get_by_role("button", name="Rename").click()
    page.get_by_role("textbox", name="New name").fill("Parcel eleven")
    console.expected = lambda text: "401" in text
    refuse_once(page, re.compile("/api/v1/jobs/"), problem(401, "invalid_token", detail="The token expired."), "PUT")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("The token expired.")
    expect(page.get_by_role("dialog")).to_contain_text("in a window of its own")
    before = page.evaluate("performance.timeOrigin")
    with page.context.expect_page() as opened:
        sign_in(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Parcel eleven")
    assert page.evaluate("performance.timeOrigin") == before, "the page was not left"
    assert kept(page) == ["prediction-api.token"]
    if not opened.value.is_closed():
        expect(opened.value.get_by_role("heading")).to_have_text("You can close this window")
        assert "code=" not in opened.value.url
    world.call("PUT", f"/jobs/{world.jobs['Parcel 11']}", {"name": "Parcel 11"})


def test_a_refusal_of_the_issuer_is_said_in_words(console: Console, url: str, provider: Provider) -> None:
    provider.tell("refuse")
    page = console.open("?health=late")
    try:
        sign_in(page)
        told = page.get_by_role("dialog").get_by_role("alert").first
        expect(told).to_contain_text("Access was denied. The issuer says: This account is <b>closed</b>.")
        assert (page.url, kept(page)) == (f"{url}/#/?health=late", [])
    finally:
        provider.tell("accept")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".who")).to_contain_text("a-person")
    assert page.url == f"{url}/#/?health=late"


def test_a_step_back_from_the_issuer_leads_to_where_one_was(console: Console, url: str) -> None:
    page = console.open("?health=late")
    page.route(re.compile("/auth[?]"), lambda route: route.fulfill(body="The page of the issuer"))
    sign_in(page)
    expect(page.get_by_text("The page of the issuer")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    assert page.url == f"{url}/#/?health=late"


def test_a_window_that_is_blocked_is_told(console: Console, world: World) -> None:
    page = console.page
    page.add_init_script("window.open = () => null")
    console.expected = lambda text: "401" in text
    refuse_once(page, re.compile("/api/v1/jobs"), problem(401, "invalid_token", detail="The token expired."))
    console.open(token=world.token)
    sign_in(page)
    expect(page.get_by_role("dialog")).to_contain_text("The browser did not open the window.")
    page.get_by_role("button", name="sign in in this window").click()
    expect(page.locator(".who")).to_contain_text("a-person")


def test_an_answer_that_was_not_asked_for_signs_nobody_in(console: Console, url: str) -> None:
    page = console.page
    page.goto(f"{url}/?code=stolen&state=made-up")
    expect(page.get_by_role("dialog")).to_contain_text("belongs to no sign-in that is under way")
    assert page.url == f"{url}/"
    assert [request.url for request in console.requests if "/token" in request.url] == []
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("tbody").first).to_be_visible()


def test_an_issuer_that_is_away_is_told_and_a_token_can_be_pasted(console: Console, world: World) -> None:
    console.expected = lambda text: "net::" in text or "401" in text
    console.page.route(re.compile(r"/\.well-known/"), lambda route: route.abort())
    page = console.open()
    sign_in(page)
    expect(page.get_by_role("dialog")).to_contain_text("The issuer cannot be reached from this page.")
    page.get_by_text("Paste a token instead").click()
    page.get_by_role("textbox", name="Token").fill(world.token)
    page.get_by_role("button", name="Use this token").click()
    # It is one of the service itself, which an issuer's service does not take.
    expect(page.get_by_role("heading", name="Sign in again")).to_be_visible()


def test_the_panel_is_accessible(console: Console, request: pytest.FixtureRequest) -> None:
    page = console.open()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    page.get_by_text("Paste a token instead").click()
    folder = Path(request.config.getoption("--pictures"))
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=folder / "sign-in-issuer-wide-light.png")
    page.evaluate(Path(request.config.getoption("--axe")).read_text())
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")["violations"]
    assert [rule["id"] for rule in found] == []
