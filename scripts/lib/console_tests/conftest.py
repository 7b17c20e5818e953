"""The service, the browser, and pages that notice whatever goes wrong in them."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect, sync_playwright
from service.processes import Server, mint

from .world import World, organisation

# What a browser does for its maker and its user, and nothing here wants.
QUIET = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# A browser on a machine that is busy is slow, and nothing is wrong with the console.
PATIENCE_MS = float(os.environ.get("CONSOLE_PATIENCE_MS", "45000"))
expect.set_options(timeout=PATIENCE_MS)


def pytest_addoption(parser: pytest.Parser) -> None:
    """What the suite is told on the command line."""
    parser.addoption("--program", required=True, help="the service")
    parser.addoption("--chromium", required=True, help="the browser")
    parser.addoption("--axe", required=True, help="the file axe.min.js")
    parser.addoption("--pictures", required=True, help="folder for the pictures that are taken")


@pytest.fixture(scope="session")
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A service with something to show."""
    program = str(Path(request.config.getoption("--program")).resolve())
    folder = tmp_path_factory.mktemp("service")
    database, data = folder / "console.db", folder / "data"
    os.environ["NO_PROXY"] = "127.0.0.1"
    scopes = "catalog:write inputs:read inputs:write jobs:read jobs:write predictions:read predictions:write"
    token = mint(program, data, [organisation(number) for number in range(1, 6)], scopes)
    environment = {"DATABASE_URL": f"sqlite:{database}", "PREDICTION_API_DATA_DIR": str(data)}
    server = Server([program, "--listen=127.0.0.1:0", "--log-format=json"], folder / "server.log", environment)
    try:
        world = World(server.url, token)
        world.fill()
        world.database = database
        world.age()
        yield world
    finally:
        server.stop()


@pytest.fixture(scope="session")
def reader_token(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, world: World) -> str:
    """A token that may look at jobs and do nothing else."""
    program = str(Path(request.config.getoption("--program")).resolve())
    data = tmp_path_factory.getbasetemp() / "service0" / "data"
    return mint(program, data, [organisation(1)], "jobs:read")


@pytest.fixture(scope="session")
def browser(request: pytest.FixtureRequest) -> Iterator[Browser]:
    """Chromium, as the system has it."""
    path = request.config.getoption("--chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield browser
        browser.close()


class Console:
    """A tab with the console, and what was noticed in it."""

    def __init__(self, page: Page, url: str):
        self.page = page
        self.url = url
        self.mistakes: list[str] = []
        self.requests: list[Request] = []
        self.expected: Callable[[str], bool] = lambda _: False
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.mistakes.append(f"thrown: {error}"))
        page.on("request", lambda request: self.requests.append(request))
        page.add_init_script(
            "addEventListener('securitypolicyviolation', event => console.error('CSP: ' + event.violatedDirective))"
        )

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.mistakes.append(f"{message.type}: {message.text}")

    @property
    def api_requests(self) -> list[str]:
        """What was asked of the API so far."""
        return [f"{request.method} {request.url}" for request in self.requests if "/api/v1/" in request.url]

    def open(self, place: str = "", token: str | None = None) -> Page:
        """Opens a place of the console, with a token if one is given."""
        if token is None:
            self.page.goto(f"{self.url}/#/{place}")
        else:
            self.page.goto(f"{self.url}/#token={token}&to={quote('/' + place, safe='/?=&,')}")
        return self.page


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser of its own for each test."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB", timezone_id="Europe/Berlin")
    yield context
    context.close()


@pytest.fixture
def console(context: BrowserContext, world: World) -> Iterator[Console]:
    """A tab. Whatever the browser complains about fails the test, unless the test expects it."""
    console = Console(context.new_page(), world.url)
    yield console
    found = [mistake for mistake in console.mistakes if not console.expected(mistake)]
    assert found == []
