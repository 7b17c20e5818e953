"""How pages look and read: in both themes, wide and narrow, by the rules of accessibility."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from .conftest import Console
from .world import LONGEST, World, input_id, organisation

WIDTHS = {"wide": 1280, "narrow": 375}


def place(name: str, world: World) -> tuple[str, str]:
    """Where a page is, and what is there when it has been read."""
    return {
        "health": ("", "tbody .status"),
        "health-empty": ("?q=Nobody", ".empty"),
        "health-why": (f"?organisation_id={organisation(1)}", "tbody .status"),
        "job": (f"jobs/{world.jobs['Gewächshaus 1']}", ".chart canvas"),
        "job-bindings": (f"jobs/{world.jobs['Harvest forecast']}/bindings", "section table"),
        "job-rebind": (f"jobs/{world.jobs['Gewächshaus 1']}/bindings", "section table"),
        "job-version": (f"jobs/{world.jobs['Gewächshaus 1']}/version", "section p"),
        "job-chain": (f"jobs/{world.jobs['Harvest forecast']}/chain", "section table"),
        "job-revisions": (f"jobs/{world.jobs['Gewächshaus 1']}/revisions", "section tbody"),
        "job-copy": (f"jobs/{world.jobs['Harvest forecast']}/copy", "figure"),
        "setup": (f"setup?organisation={organisation(1)}&source={world.sources['frost-warning']}", ".setup .combobox"),
        "input": (f"inputs/{organisation(1)}/{input_id(1, 2)}", "section tbody"),
        "catalogue": ("catalogue", "tbody"),
        "source-new": ("catalogue", "tbody"),
        "source": (f"catalogue/{world.sources['mildew-predictor']}", "tbody"),
        "version": (
            f"catalogue/{world.sources['frost-warning']}/{world.versions['frost-warning']}",
            "section[aria-labelledby=contract]",
        ),
        "runners": (f"runners?source={world.sources['frost-warning']}", "section figure"),
        "hostile": (f"jobs/{world.jobs[LONGEST]}/copy", "figure"),
        "sign-in": ("sign-in", "dialog[open]"),
    }[name]


PLACES = [
    "health",
    "health-empty",
    "health-why",
    "job",
    "job-bindings",
    "job-rebind",
    "job-version",
    "job-chain",
    "job-revisions",
    "job-copy",
    "setup",
    "input",
    "catalogue",
    "source-new",
    "source",
    "version",
    "runners",
    "hostile",
    "sign-in",
]
# What is pressed before a picture is taken.
PRESSED = {
    "health-why": "Why: Gewächshaus 1",
    "job-revisions": "Restore revision 2",
    "job-rebind": "Change",
    "setup": "Set up",
    "source-new": "Create a source",
    "source": "Publish a version",
}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", PLACES)
def test_a_page_is_accessible_at_every_width(
    browser: Browser, world: World, request: pytest.FixtureRequest, name: str, theme: str
) -> None:
    axe = Path(request.config.getoption("--axe")).read_text()
    folder = Path(request.config.getoption("--pictures"))
    folder.mkdir(parents=True, exist_ok=True)
    context = browser.new_context(color_scheme=theme, locale="en-GB", timezone_id="Europe/Berlin")  # type: ignore[arg-type]
    try:
        console = Console(context.new_page(), world.url)
        where, awaited = place(name, world)
        page = console.open(where, token=None if name == "sign-in" else world.token)
        expect(page.locator(awaited).first).to_be_visible()
        if name in PRESSED:
            page.get_by_role("button", name=PRESSED[name]).first.click()
        page.wait_for_load_state("networkidle")
        for size, width in WIDTHS.items():
            resize(page, width)
            page.screenshot(path=folder / f"{name}-{size}-{theme}.png", full_page=True)
        # 320 px are also 1280 px at 400 % (WCAG 1.4.10), and so more than 200 %.
        resize(page, 320)
        assert sideways(page) <= 320
        # Colours are the same at every width, and so are names: the rules are asked once for each theme.
        resize(page, 320 if theme == "dark" else 1280)
        page.evaluate(axe)
        found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")["violations"]
        told = [f"{rule['id']}: {node['html']} {node['failureSummary']}" for rule in found for node in rule["nodes"]]
        assert told == [], "\n".join(told)
        # The form that is sent empty is refused, and shows it.
        assert [mistake for mistake in console.mistakes if "422" not in mistake] == []
    finally:
        context.close()


def resize(page: Page, width: int) -> None:
    """Gives the window another width, and waits for the frame after the one in which charts are told of it."""
    page.set_viewport_size({"width": width, "height": 800})
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def sideways(page: Page) -> int:
    """How wide the page is; what is wider than the window has to be scrolled sideways."""
    return int(page.evaluate("document.documentElement.scrollWidth"))
