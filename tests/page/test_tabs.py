"""Many tabs: browsers open six connections to a service for all of them, and each stream takes one."""

from collections import Counter

from playwright.sync_api import Page, expect

from tests.page.conftest import Visit
from tests.support.browser import Watch
from tests.support.caller import Caller
from tests.support.server import Server


def turn(page: Page, *, hidden: bool) -> None:
    """What a tab is told that comes to the front, or that another one comes before."""
    page.evaluate(
        """hidden => {
          Object.defineProperty(document, "hidden", {get: () => hidden, configurable: true});
          document.dispatchEvent(new Event("visibilitychange"));
        }""",
        hidden,
    )


def test_a_tab_that_nobody_looks_at_lets_go_of_its_stream(
    visit: Visit, server: Server, api: Caller, watch: Watch
) -> None:
    """And says nothing of a lost connection; who looks again sees what came meanwhile, without loading all again."""
    page = visit(server, "/?view=jobs", clocked=True)
    earlier = api.succeeded(api.submit("greet", {"name": "Ada"})["id"])
    expect(page.locator(f'a[href*="{earlier["id"]}"]')).to_be_visible()
    turn(page, hidden=True)
    page.clock.run_for(60_000)
    meanwhile = api.succeeded(api.submit("greet", {"name": "Bob"})["id"])
    page.clock.run_for(5_000)
    assert page.locator(f'a[href*="{meanwhile["id"]}"]').count() == 0
    assert "lost" not in page.locator("body").inner_text()
    turn(page, hidden=False)
    expect(page.locator(f'a[href*="{meanwhile["id"]}"]')).to_be_visible()
    asked = Counter(watch.requests)
    assert asked["GET /events"] == 2
    assert asked["GET /jobs?limit=200"] == 1
