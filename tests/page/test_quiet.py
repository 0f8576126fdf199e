"""Nothing happens: the page is quiet. Its clock is wound on by hand."""

import re
from collections import Counter

import pytest
from playwright.sync_api import Page, expect

from tests.page.conftest import Visit
from tests.support.browser import Watch
from tests.support.server import Server

VIEWS = ["/", "/?view=jobs", "/?view=batches", "/?view=submit&task=greet", "/?view=files"]

NOTE_CHANGES = """() => {
  const told = ({ type, target, attributeName }) =>
    `${type} ${attributeName ?? ""} of ${target.nodeName} ${target.className}, in ${target.parentElement?.className}`;
  window.changes = [];
  new MutationObserver((records) => window.changes.push(...records.map(told))).observe(document, {
    attributes: true, characterData: true, childList: true, subtree: true,
  });
}"""


def wind_on(page: Page, seconds: int) -> None:
    """Lets seconds pass, each with time for the answers to what was asked in it."""
    for _ in range(seconds):
        page.clock.run_for(1000)
        page.evaluate("fetch('/health/live').then(() => 0)")


@pytest.mark.parametrize("path", VIEWS)
def test_nothing_is_asked_and_nothing_moves(visit: Visit, server: Server, watch: Watch, path: str) -> None:
    """Half a minute: longer, and the page would miss the stream's pings, which keep to the real time.

    The overview looks at the statistics each five seconds, and at the history each minute.
    """
    page = visit(server, path, clocked=True)
    expect(page.get_by_role("heading", level=2)).to_be_attached()
    wind_on(page, 5)
    page.evaluate(NOTE_CHANGES)
    begin = len(watch.requests)
    wind_on(page, 30)
    asked = Counter(re.sub(r"\?.*", "", request) for request in watch.requests[begin:])
    del asked["GET /health/live"]
    if path == "/":
        assert 5 <= asked.pop("GET /stats") <= 7
        assert asked.pop("GET /stats/history", 0) <= 1
    assert not asked
    assert page.evaluate("window.changes") == []


def test_a_page_that_nobody_looks_at_asks_less(visit: Visit, server: Server, watch: Watch) -> None:
    page = visit(server, clocked=True)
    expect(page.get_by_role("listitem", name="Lane 1")).to_be_visible()
    page.evaluate(
        """() => {
          Object.defineProperty(document, "hidden", {get: () => true});
          document.dispatchEvent(new Event("visibilitychange"));
        }"""
    )
    wind_on(page, 1)
    begin = len(watch.requests)
    wind_on(page, 60)
    assert Counter(watch.requests[begin:])["GET /stats"] <= 2
