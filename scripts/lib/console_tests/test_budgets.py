"""What a view costs: requests, and bytes."""

import pytest
from playwright.sync_api import expect

from .conftest import Console
from .test_looks import PLACES, place
from .world import World

MOST_REQUESTS = 3
MOST_BYTES = 150_000


@pytest.mark.parametrize("name", [name for name in PLACES if name != "sign-in"])
def test_a_view_takes_few_requests(console: Console, world: World, name: str) -> None:
    where, awaited = place(name, world)
    page = console.open(where, token=world.token)
    expect(page.locator(awaited).first).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert len(console.api_requests) <= MOST_REQUESTS, console.api_requests
    assert [url for url in console.requests if not url.url.startswith(world.url)] == []


def test_all_of_it_is_small(console: Console, world: World) -> None:
    """As it is sent, so compressed: the sources are what is served, with their comments."""
    sizes: dict[str, int] = {}
    for name in [name for name in PLACES if name != "sign-in"]:
        where, awaited = place(name, world)
        page = console.open(where, token=world.token)
        expect(page.locator(awaited).first).to_be_visible()
        page.wait_for_load_state("networkidle")
        entries = page.evaluate(
            "[...performance.getEntriesByType('resource'), ...performance.getEntriesByType('navigation')]"
            ".map(entry => [entry.name.split('#')[0], entry.encodedBodySize])"
        )
        sizes |= {url: size for url, size in entries if "/api/v1/" not in url and size}
        page.goto("about:blank")
    assert any(url.endswith("uplot.js") for url in sizes), sizes
    total = sum(sizes.values())
    print(f"The console has {total:,} bytes in {len(sizes)} files, as they are sent.")
    assert total <= MOST_BYTES, sizes
