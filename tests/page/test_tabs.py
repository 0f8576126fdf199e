"""Many tabs: a browser opens six connections to a service for all tabs, and each stream of events uses one."""

from collections import Counter

from playwright.sync_api import Page, expect

from tests.page.conftest import Visit
from tests.support.browser import Watch
from tests.support.caller import Caller
from tests.support.server import Server


def set_hidden(page: Page, *, hidden: bool) -> None:
    """Hides or shows the tab, as the browser reports it to the page."""
    page.evaluate(
        """hidden => {
          Object.defineProperty(document, "hidden", {get: () => hidden, configurable: true});
          document.dispatchEvent(new Event("visibilitychange"));
        }""",
        hidden,
    )


def test_a_hidden_tab_closes_its_stream(visit: Visit, server: Server, api: Caller, watch: Watch) -> None:
    """It reports no lost connection. When it is shown again, it has what it missed without loading the list again."""
    page = visit(server, "/?view=jobs", clocked=True)
    earlier = api.succeeded(api.submit("greet", {"name": "Ada"})["id"])
    expect(page.locator(f'a[href*="{earlier["id"]}"]')).to_be_visible()
    set_hidden(page, hidden=True)
    page.clock.run_for(60_000)
    meanwhile = api.succeeded(api.submit("greet", {"name": "Bob"})["id"])
    page.clock.run_for(5_000)
    assert page.locator(f'a[href*="{meanwhile["id"]}"]').count() == 0
    assert "lost" not in page.locator("body").inner_text()
    set_hidden(page, hidden=False)
    expect(page.locator(f'a[href*="{meanwhile["id"]}"]')).to_be_visible()
    requested = Counter(watch.requests)
    assert requested["GET /events"] == 2
    assert requested["GET /jobs?limit=200"] == 1
