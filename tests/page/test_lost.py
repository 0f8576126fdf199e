"""A lost connection: the page reports it, stops its clocks, and reconnects and updates by itself."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.page.conftest import Visit
from tests.support.browser import Watch
from tests.support.server import Server

LOST = re.compile(r"The connection is lost\. The page shows the state at \d\d:\d\d:\d\d")


@pytest.fixture
def own(tmp_path: Path, watch: Watch, visit: Visit) -> Iterator[Server]:
    """A service for one test, which restarts at the same port. The pages are closed before it."""
    watch.allow_connection_errors()
    watch.allow("status of 503")  # while it stops
    with Server(tmp_path) as server:
        server.settings["port"] = urlsplit(str(server.api.http.base_url)).port or 0
        yield server
        visit.close()


def test_missed_changes_are_shown_after_a_reconnection(own: Server, visit: Visit, gate: Path) -> None:
    """In every open view, without a reload."""
    running = own.api.submit("hold", {"gate": str(gate)}, label="ran")["id"]
    own.api.lane_of(running)
    overview, jobs, job = visit(own), visit(own, "/?view=jobs"), visit(own, f"/?view=job&job={running}")
    newest = overview.get_by_role("region", name="Newest jobs").get_by_role("listitem")
    expect(newest.filter(has_text="hold")).to_contain_text("running")
    expect(jobs.get_by_role("row").filter(has_text="hold")).to_contain_text("running")
    own.kill()
    for page in overview, jobs, job:
        expect(page.get_by_role("status").filter(has_text=LOST)).to_be_visible()

    gate.touch()
    own.start()
    own.api.succeeded(running)
    greeted = own.api.succeeded(own.api.submit("greet", {"name": "Ada"})["id"])
    for page in overview, jobs, job:
        expect(page.get_by_role("status").filter(has_text=LOST)).to_have_count(0)
    expect(newest.filter(has_text="hold")).to_contain_text("succeeded")
    expect(newest.filter(has_text="greet")).to_contain_text("succeeded")
    expect(jobs.get_by_role("row").filter(has_text="hold")).to_contain_text("succeeded")
    expect(jobs.get_by_role("row").filter(has_text="greet")).to_contain_text("succeeded")
    expect(job.get_by_role("main")).to_contain_text("succeeded")
    for page in overview, jobs:
        expect(page.locator(f'a[href*="{greeted["id"]}"]')).not_to_have_count(0)


def test_times_stop_while_the_connection_is_lost(own: Server, visit: Visit, gate: Path) -> None:
    counting = own.api.submit("count", {"gate": str(gate)})["id"]
    own.api.lane_of(counting)
    overview, job = visit(own, clocked=True), visit(own, f"/?view=job&job={counting}", clocked=True)
    lane = overview.get_by_role("listitem", name=re.compile("^Lane")).filter(has_text="count")
    expect(lane).to_be_visible()
    expect(job.get_by_role("main")).to_contain_text("running")
    own.kill()
    for page in overview, job:
        expect(page.get_by_role("status").filter(has_text=LOST)).to_be_visible()
        shown = page.get_by_role("main").inner_text()
        page.clock.run_for(90_000)
        assert page.get_by_role("main").inner_text() == shown
        page.clock.resume()
    gate.touch()
    own.start()
    own.api.succeeded(counting)
    for page in overview, job:
        expect(page.get_by_role("status").filter(has_text=LOST)).to_have_count(0)
    expect(lane).to_have_count(0)


def test_a_service_that_stops_gracefully_is_reported_as_lost(own: Server, visit: Visit) -> None:
    page = visit(own)
    expect(page.get_by_role("listitem", name="Lane 1")).to_be_visible()
    own.stop()
    expect(page.get_by_role("status").filter(has_text=LOST)).to_be_visible()
    own.start()
    expect(page.get_by_role("status").filter(has_text=LOST)).to_have_count(0)
    job = own.api.submit("greet", {"name": "Ada"})
    expect(page.get_by_role("region", name="Newest jobs").locator(f'a[href*="{job["id"]}"]')).to_be_visible()
