"""The overview: the lanes, the queue and the history."""

import re
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.page import sample_jobs
from tests.page.conftest import Visit
from tests.support.browser import Watch
from tests.support.caller import Caller
from tests.support.keys import ALICE, BOB, ENTRIES, ROOT
from tests.support.server import Server
from tests.support.waiting import until_sync

SECONDS = re.compile(r"\d+(\.\d)? m?s$|\d min \d\d s$")


def lane(page: Page, text: str) -> Locator:
    """The lane whose row contains this text."""
    return page.get_by_role("listitem", name=re.compile(r"^Lane \d")).filter(has_text=text)


def queued(page: Page) -> Locator:
    """The rows of the queue."""
    table = page.get_by_role("table", name="Queued jobs by owner and priority")
    return table.get_by_role("row").filter(has=page.get_by_role("rowheader"))


def cells(page: Page) -> list[list[str]]:
    return [row.get_by_role("rowheader").or_(row.get_by_role("cell")).all_inner_texts() for row in queued(page).all()]


def test_lanes_show_their_job_with_its_progress_and_run_time(page: Page, api: Caller, gate: Path) -> None:
    expect(lane(page, "Idle")).to_have_count(2)
    counting = api.submit("count", {"gate": str(gate)})["id"]
    row = lane(page, "count")
    expect(row).to_have_count(1)
    expect(row).to_contain_text(f"pid {api.lane_of(counting).pid}")
    bar = row.get_by_role("progressbar", name="Progress of count")
    value = float(bar.evaluate("bar => bar.value"))
    until_sync(lambda: bar.evaluate("bar => bar.value") > value, what="progress")
    expect(row).to_have_text(SECONDS)
    before = row.inner_text()
    until_sync(lambda: row.inner_text() != before, what="another run time")
    row.get_by_role("link", name="count").click()
    expect(page).to_have_url(re.compile(counting))
    page.go_back()
    gate.touch()
    api.succeeded(counting)
    expect(lane(page, "Idle")).to_have_count(2)


def test_a_job_that_started_before_the_page_was_opened_is_shown(
    visit: Visit, server: Server, api: Caller, gate: Path
) -> None:
    held = api.submit("hold", {"gate": str(gate)})["id"]
    api.lane_of(held)
    page = visit(server)
    expect(lane(page, "hold")).to_contain_text(str(gate)[:10])
    gate.touch()
    api.succeeded(held)


def test_the_queue_is_shown_by_owner_and_priority(visit: Visit, watch: Watch, tmp_path: Path, gate: Path) -> None:
    watch.allow("status of 401")
    with Server(tmp_path, api_keys=ENTRIES) as server:
        alice, bob = server.api_with(ALICE), server.api_with(BOB)
        held = [alice.submit("hold", {"gate": str(gate)})["id"] for _ in range(2)]
        for caller, priority, number in (alice, 0, 3), (bob, 5, 2), (bob, -1, 1):
            for _ in range(number):
                caller.submit("greet", {"name": "Ada"}, priority=priority)
        for key, rows, lanes in (
            (ROOT, [["alice", "0", "3"], ["bob", "+5", "2"], ["bob", "\N{MINUS SIGN}1", "1"]], "hold"),
            (BOB, [["bob", "+5", "2"], ["bob", "\N{MINUS SIGN}1", "1"]], "Busy for another owner"),
        ):
            page = visit(server)
            page.get_by_role("dialog").get_by_label("Key").fill(key)
            page.get_by_role("button", name="Use this key").click()
            expect(lane(page, lanes)).to_have_count(2)
            expect(queued(page)).to_have_count(len(rows))
            assert sorted(cells(page)) == sorted(rows)
            page.close()
        gate.touch()
        for job_id in held:
            alice.succeeded(job_id)


def test_charts_have_data_after_a_restart(visit: Visit, tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        for _ in range(3):
            server.api.succeeded(server.api.submit("greet", {"name": "Ada"})["id"])
        sample_jobs.that_raised(server.api)
        server.stop()
        server.start()
        page = visit(server)
        chart = page.get_by_role("img", name=re.compile("^Finished jobs"))
        expect(chart).to_have_accessible_name("Finished jobs: 3 succeeded, 1 failed, 0 cancelled in the last hour")
        expect(page.get_by_role("img", name=re.compile("^Run time: .* median"))).to_be_visible()
        colours = chart.locator("canvas").evaluate(
            """canvas => {
              const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
              return new Set(new Uint32Array(data.buffer)).size;
            }"""
        )
        assert colours > 10, "the chart is empty"
        page.get_by_role("combobox", name="Period").select_option("Last 24 hours")
        expect(chart).to_have_accessible_name(re.compile("3 succeeded.*24 hours"))
        page.reload()
        expect(chart).to_have_accessible_name(re.compile("3 succeeded.*24 hours"))
        visit.close()
