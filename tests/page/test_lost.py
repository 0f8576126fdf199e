"""The connection is lost: the page says so, stands still, and comes back by itself with the truth."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.page.conftest import Visit
from tests.support.browser import Watch
from tests.support.server import Server

LOST = re.compile(r"The connection is lost\. What is shown is from \d\d:\d\d:\d\d")


@pytest.fixture
def own(tmp_path: Path, watch: Watch, visit: Visit) -> Iterator[Server]:
    """A service of this test's own, always at the same port. Pages are closed before it is."""
    watch.allow_losses()
    watch.allow("status of 503")  # while it stops
    with Server(tmp_path) as server:
        server.settings["port"] = urlsplit(str(server.api.http.base_url)).port or 0
        yield server
        visit.leave()


def test_what_ran_and_what_came_meanwhile_is_shown(own: Server, visit: Visit, gate: Path) -> None:
    """In each view that was open; nobody has to reload it."""
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


def test_what_is_shown_stands_still(own: Server, visit: Visit, gate: Path) -> None:
    """No seconds go on that nobody knows of."""
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


def test_a_service_that_stops_in_order_is_lost_as_well(own: Server, visit: Visit) -> None:
    page = visit(own)
    expect(page.get_by_role("listitem", name="Lane 1")).to_be_visible()
    own.stop()
    expect(page.get_by_role("status").filter(has_text=LOST)).to_be_visible()
    own.start()
    expect(page.get_by_role("status").filter(has_text=LOST)).to_have_count(0)
    job = own.api.submit("greet", {"name": "Ada"})
    expect(page.get_by_role("region", name="Newest jobs").locator(f'a[href*="{job["id"]}"]')).to_be_visible()
