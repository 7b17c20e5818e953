"""What a view costs: requests, and bytes."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from .conftest import Console
from .test_looks import PLACES, place
from .world import World

STATIC = Path(__file__).parents[3] / "crates/console/static"
MOST_REQUESTS = 3
MOST_BYTES = 150_000


@pytest.mark.parametrize("name", [name for name in PLACES if name != "sign-in"])
def test_a_view_takes_few_requests(console: Console, world: World, name: str) -> None:
    where, awaited = place(name, world)
    # A form is judged while it is filled in, which is an action and not a view.
    console.expected = lambda text: "422" in text
    page = console.open(where, token=world.token)
    expect(page.locator(awaited).first).to_be_visible()
    page.wait_for_load_state("networkidle")
    reads = [request for request in console.api_requests if "dry_run" not in request]
    assert len(reads) <= MOST_REQUESTS, reads
    assert [url for url in console.requests if not url.url.startswith(world.url)] == []


def test_all_of_it_is_small(console: Console, world: World) -> None:
    """As it is sent, so compressed: the sources are what is served, with their comments."""
    sizes: dict[str, int] = {}
    console.expected = lambda text: "422" in text
    for name in ("health", "job", "setup", "input", "catalogue", "runners"):
        where, awaited = place(name, world)
        page = console.open(where, token=world.token)
        expect(page.locator(awaited).first).to_be_visible()
        page.wait_for_load_state("networkidle")
        # Loaded when somebody signs in at an issuer, and never otherwise.
        page.evaluate("import('./console/lib/oauth4webapi.js')")
        entries = page.evaluate(
            "[...performance.getEntriesByType('resource'), ...performance.getEntriesByType('navigation')]"
            ".map(entry => [entry.name.split('#')[0], entry.encodedBodySize])"
        )
        sizes |= {url: size for url, size in entries if "/api/v1/" not in url and size}
        page.goto("about:blank")
    written = {f"{world.url}/console/{file.relative_to(STATIC)}" for file in STATIC.rglob("*.js")}
    assert written <= sizes.keys(), written - sizes.keys()
    total = sum(sizes.values())
    print(f"The console has {total:,} bytes in {len(sizes)} files, as they are sent.")
    assert total <= MOST_BYTES, sizes
