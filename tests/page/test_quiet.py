"""An idle page makes few requests and changes nothing. The tests advance its clock."""

import re
from collections import Counter

import pytest
from playwright.sync_api import Page, expect

from tests.page.conftest import Visit
from tests.support.browser import Watch
from tests.support.server import Server

VIEWS = ["/", "/?view=jobs", "/?view=batches", "/?view=submit&task=greet", "/?view=files"]

RECORD_CHANGES = """() => {
  const text = ({ type, target, attributeName }) =>
    `${type} ${attributeName ?? ""} of ${target.nodeName} ${target.className}, in ${target.parentElement?.className}`;
  window.changes = [];
  new MutationObserver((records) => window.changes.push(...records.map(text))).observe(document, {
    attributes: true, characterData: true, childList: true, subtree: true,
  });
}"""


def advance(page: Page, seconds: int) -> None:
    """Advances the clock second by second, and waits after each for the responses to its requests."""
    for _ in range(seconds):
        page.clock.run_for(1000)
        page.evaluate("fetch('/health/live').then(() => 0)")


@pytest.mark.parametrize("path", VIEWS)
def test_an_idle_page_makes_few_requests_and_changes_nothing(
    visit: Visit, server: Server, watch: Watch, path: str
) -> None:
    """For 30 seconds: after more, the page would miss the pings of the stream, which are sent in real time.

    The overview requests the statistics every five seconds and the history every minute.
    """
    page = visit(server, path, clocked=True)
    expect(page.get_by_role("heading", level=2)).to_be_attached()
    advance(page, 5)
    page.evaluate(RECORD_CHANGES)
    first = len(watch.requests)
    advance(page, 30)
    requested = Counter(re.sub(r"\?.*", "", request) for request in watch.requests[first:])
    del requested["GET /health/live"]
    if path == "/":
        assert 5 <= requested.pop("GET /stats") <= 7
        assert requested.pop("GET /stats/history", 0) <= 1
    assert not requested
    assert page.evaluate("window.changes") == []


def test_a_hidden_page_makes_fewer_requests(visit: Visit, server: Server, watch: Watch) -> None:
    page = visit(server, clocked=True)
    expect(page.get_by_role("listitem", name="Lane 1")).to_be_visible()
    page.evaluate(
        """() => {
          Object.defineProperty(document, "hidden", {get: () => true});
          document.dispatchEvent(new Event("visibilitychange"));
        }"""
    )
    advance(page, 1)
    first = len(watch.requests)
    advance(page, 60)
    assert Counter(watch.requests[first:])["GET /stats"] <= 2
