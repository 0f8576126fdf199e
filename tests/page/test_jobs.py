"""The list of jobs: updates, filters in the address, and scrolling through any number of jobs."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.page import sample_jobs
from tests.page.conftest import Visit
from tests.support.caller import Caller, answer
from tests.support.server import Server
from tests.support.waiting import until_sync

MANY = 10_000
MOST_ROWS = 120
"""A window of 900 pixels shows about 25."""


@pytest.fixture
def page(visit: Visit, server: Server) -> Page:
    return visit(server, "/?view=jobs")


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service with 10,000 finished jobs."""
    with Server(tmp_path_factory.mktemp("full")) as server:
        jobs = [{"task": "greet", "params": {"name": f"no {number}"}} for number in range(MANY)]
        batch = answer(server.api.http.post("/batches", json={"jobs": jobs}), 202)
        until_sync(lambda: server.api.get(f"/batches/{batch['id']}", wait=5)["done"], within=60, what="10,000 jobs")
        yield server


def row(page: Page, text: str) -> Locator:
    return page.get_by_role("table", name="Jobs, newest first").get_by_role("row").filter(has_text=text)


def filters(page: Page) -> Locator:
    return page.get_by_role("search", name="Filter jobs")


def test_a_job_appears_and_changes_without_a_reload(page: Page, api: Caller, gate: Path) -> None:
    job = api.submit("hold", {"gate": str(gate)}, label="a-gate")
    expect(row(page, "a-gate")).to_contain_text("running")
    gate.touch()
    expect(row(page, "a-gate")).to_contain_text("succeeded")
    assert api.http.delete(f"/jobs/{job['id']}").status_code == 204
    expect(row(page, "a-gate")).to_have_count(0)


def test_filters_are_kept_by_a_reload_and_by_a_shared_address(
    page: Page, visit: Visit, server: Server, api: Caller
) -> None:
    sample_jobs.that_raised(api)
    for label in "red", "blue":
        api.succeeded(api.submit("greet", {"name": "Ada"}, label=label)["id"])
    filters(page).get_by_role("combobox", name="Task").select_option("greet")
    filters(page).get_by_role("searchbox", name="Label").fill("red")
    filters(page).get_by_role("checkbox", name="succeeded").check()
    expect(page).to_have_url(re.compile(r"state=succeeded&task=greet&label=red"))
    page.reload()
    other = visit(server, page.url)
    for shown in page, other:
        expect(row(shown, "red")).to_have_count(1)
        expect(row(shown, "blue")).to_have_count(0)
        expect(row(shown, "refuse")).to_have_count(0)
        expect(filters(shown).get_by_role("checkbox", name="succeeded")).to_be_checked()
        expect(filters(shown).get_by_role("searchbox", name="Label")).to_have_value("red")
    page.get_by_role("button", name="Clear filters").click()
    expect(row(page, "blue")).to_have_count(1)
    expect(row(page, "refuse")).to_have_count(1)


def test_a_job_that_no_longer_matches_the_filter_is_removed(page: Page, api: Caller, gate: Path) -> None:
    page.goto("/?view=jobs&state=running")
    expect(page.get_by_text("No jobs match the filters.")).to_be_visible()
    api.submit("hold", {"gate": str(gate)})
    expect(row(page, "hold")).to_have_count(1)
    gate.touch()
    expect(page.get_by_text("No jobs match the filters.")).to_be_visible()


def test_ten_thousand_jobs_can_be_scrolled(visit: Visit, full: Server) -> None:
    """To the oldest one. The document never has many more rows than the window shows."""
    page = visit(full, "/?view=jobs")
    expect(row(page, f"no {MANY - 1}")).to_have_count(1)
    most = 0

    def at_the_end() -> bool:
        nonlocal most
        page.mouse.wheel(0, 20_000)
        most = max(most, page.get_by_role("row").count())
        return page.get_by_text(re.compile(r"^10,000 jobs$")).count() == 1 and row(page, "no 0").count() == 1

    page.mouse.move(600, 500)
    until_sync(at_the_end, within=60, what="the first job")
    assert most < MOST_ROWS
    expect(page.get_by_role("table", name="Jobs, newest first")).to_have_attribute("aria-rowcount", str(MANY + 1))

    row(page, "no 0").get_by_role("link").click()
    expect(page.get_by_role("heading", level=2)).to_contain_text("greet")
    page.go_back()
    expect(row(page, "no 0")).to_be_in_viewport()


def test_ten_thousand_jobs_can_be_filtered(visit: Visit, full: Server) -> None:
    page = visit(full, "/?view=jobs")
    failed = sample_jobs.that_raised(full.api)
    filters(page).get_by_role("checkbox", name="failed").check()
    expect(page.get_by_text("1 job", exact=True)).to_be_visible()
    expect(row(page, "refuse")).to_have_count(1)
    page.get_by_role("button", name="Clear filters").click()
    expect(row(page, f"no {MANY - 1}")).to_have_count(1)
    assert page.get_by_role("row").count() < MOST_ROWS
    assert full.api.http.delete(f"/jobs/{failed['id']}").status_code == 204


def test_newer_jobs_do_not_move_the_rows_that_the_user_reads(visit: Visit, full: Server, gate: Path) -> None:
    page = visit(full, "/?view=jobs")
    expect(row(page, f"no {MANY - 1}")).to_have_count(1)
    page.mouse.move(600, 500)
    page.mouse.wheel(0, 1500)
    read = row(page, f"no {MANY - 40}")
    expect(read).to_be_in_viewport()
    before = read.bounding_box()
    full.api.succeeded(full.api.submit("hold", {"gate": str(gate.parent)})["id"])
    newer = page.get_by_role("button", name="1 newer")
    expect(newer).to_be_visible()
    assert read.bounding_box() == before
    newer.click()
    expect(row(page, "hold")).to_be_in_viewport()
    expect(row(page, "hold").get_by_role("link")).to_be_focused()
