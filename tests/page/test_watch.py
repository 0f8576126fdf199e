"""The watch of the page's tests: it records each kind of fault."""

import pytest
from playwright.sync_api import Page, expect

from tests.page.conftest import Visit
from tests.support.browser import Watch
from tests.support.server import Server
from tests.support.waiting import until_sync


@pytest.mark.parametrize(
    ("script", "fault"),
    [
        ("console.error('oh')", "console: oh"),
        ("setTimeout(() => { throw new Error('not caught') })", "exception: not caught"),
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
def test_a_fault_is_recorded(page: Page, watch: Watch, script: str, fault: str) -> None:
    page.evaluate(f"() => {{ {script} }}")

    def recorded_fault() -> bool:
        page.evaluate("1")  # lets playwright dispatch its events
        return any(fault in recorded for recorded in watch.faults)

    until_sync(recorded_fault, what=fault)
    watch.allow("")


def test_swagger_ui_works_under_the_policy(visit: Visit, server: Server) -> None:
    page = visit(server, "/docs")
    expect(page.get_by_role("heading", name="Offload")).to_be_visible()
    expect(page.get_by_text("/jobs/fibonacci", exact=True)).to_be_visible()
