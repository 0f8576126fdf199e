"""The watch itself: each kind of fault is seen, or no test of the page would mean much."""

import pytest
from playwright.sync_api import Page, expect

from tests.page.conftest import Visit
from tests.support.browser import Watch
from tests.support.server import Server
from tests.support.waiting import until_sync


@pytest.mark.parametrize(
    ("does", "told"),
    [
        ("console.error('oh')", "console: oh"),
        ("setTimeout(() => { throw new Error('nobody caught me') })", "exception: nobody caught me"),
        ("fetch('/nowhere')", "status of 404"),
        ("window.open('http://127.0.0.2:4711/')", "another host: http://127.0.0.2:4711/"),
        ("fetch('http://127.0.0.2:4711/').catch(() => {})", "Content Security Policy"),
        ("document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">')", "Content Security Policy"),
        (
            "document.body.append(Object.assign(document.createElement('script'), {text: '1'}))",
            "Content Security Policy",
        ),
    ],
)
def test_a_fault_is_seen(page: Page, watch: Watch, does: str, told: str) -> None:
    page.evaluate(f"() => {{ {does} }}")

    def seen() -> bool:
        page.evaluate("1")  # lets playwright tell what has happened
        return any(told in fault for fault in watch.faults)

    until_sync(seen, what=told)
    watch.allow("")


def test_swagger_ui_works_under_the_policy(visit: Visit, server: Server) -> None:
    page = visit(server, "/docs")
    expect(page.get_by_role("heading", name="Offload")).to_be_visible()
    expect(page.get_by_text("/jobs/fibonacci", exact=True)).to_be_visible()
