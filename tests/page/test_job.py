"""The view of one job, and its actions."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.page import sample_jobs
from tests.page.conftest import Visit
from tests.support.browser import Watch
from tests.support.caller import Caller, Json
from tests.support.server import Server
from tests.support.waiting import until_sync

JOB = re.compile(r"/\?view=job&job=([0-9a-f-]{36})$")


@pytest.fixture
def page(visit: Visit, server: Server) -> Page:
    """Any view: the tests open their job from there."""
    return visit(server, "/?view=jobs")


def open_job(page: Page, job: Json) -> Locator:
    """Opens the view of a job; returns its content."""
    page.goto(f"/?view=job&job={job['id']}")
    main = page.get_by_role("main")
    expect(main.get_by_role("heading", level=2)).to_contain_text(job["task"])
    return main


def part(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name)


def other_job(page: Page, than: str) -> str:
    """Waits for the view of another job than this one; returns its id."""
    expect(page).not_to_have_url(re.compile(than))
    expect(page).to_have_url(JOB)
    found = JOB.search(page.url)
    assert found
    return found[1]


def test_a_lost_attempt_is_shown(page: Page, server: Server, gate: Path) -> None:
    job = sample_jobs.with_lost_attempt(server, gate)
    main = open_job(page, job)
    expect(main).to_contain_text("succeeded")
    expect(part(page, "Facts")).to_contain_text("2 of 2")
    expect(part(page, "Story")).to_contain_text(re.compile("attempt 2", re.IGNORECASE))
    expect(part(page, "Result")).to_contain_text(str(job["result"]))


def test_an_exception_is_shown_with_its_traceback(page: Page, api: Caller) -> None:
    main = open_job(page, sample_jobs.that_raised(api, "to obey"))
    expect(main).to_contain_text("failed")
    expect(main).to_contain_text("I refuse to obey")
    expect(main).to_contain_text("ValueError")
    expect(page.get_by_label("Traceback")).to_contain_text('raise ValueError(f"I refuse {text}")')
    expect(main.get_by_role("link", name="What this means")).to_have_attribute("href", "/problems/task-raised")
    expect(part(page, "Result")).to_be_hidden()


def test_an_exceeded_memory_limit_is_shown(page: Page, api: Caller) -> None:
    main = open_job(page, sample_jobs.over_memory(api))
    expect(main).to_contain_text("more than its 96 MiB of memory")
    expect(part(page, "Facts")).to_contain_text(re.compile(r"Peak memory\s*\d+(\.\d)? MiB"))


def test_a_large_result_is_a_download(page: Page, api: Caller) -> None:
    job = sample_jobs.with_large_result(api)
    open_job(page, job)
    expect(part(page, "Result")).to_contain_text("97.7 KiB of JSON")
    with page.expect_download() as download:
        part(page, "Result").get_by_role("button", name="Download").click()
    assert json.loads(download.value.path().read_text()) == api.result(job["id"])


def test_run_time_and_usage_are_shown(page: Page, api: Caller) -> None:
    open_job(page, api.succeeded(api.submit("fibonacci", {"n": 27, "algorithm": "recursive"})["id"]))
    facts = part(page, "Facts")
    for name in "CPU time", "Peak memory", "Run time":
        expect(facts).to_contain_text(re.compile(rf"{name}\s*\d"))


def test_progress_is_updated(page: Page, api: Caller, gate: Path) -> None:
    job = api.submit("count", {"gate": str(gate)})
    open_job(page, job)
    bar = page.get_by_role("progressbar", name="Progress")
    expect(bar).to_be_visible()
    value = float(bar.evaluate("bar => bar.value"))
    until_sync(lambda: bar.evaluate("bar => bar.value") > value, what="progress")
    gate.touch()
    expect(page.get_by_role("status").filter(has_text="The job succeeded.")).to_be_attached()
    expect(bar).to_be_hidden()


def test_parameters_and_result_are_not_rounded(page: Page, api: Caller) -> None:
    """JavaScript rounds 2⁵³ + 1."""
    open_job(page, api.succeeded(api.submit("fibonacci", {"n": 2**53 + 1, "modulus": 10})["id"]))
    for name in "Parameters", "Result":
        expect(part(page, name)).to_contain_text("9007199254740993")


def test_the_curl_line_returns_the_job(page: Page, api: Caller) -> None:
    job = api.succeeded(api.submit("greet", {"name": "Ada"})["id"])
    open_job(page, job)
    page.get_by_role("button", name="Copy the curl line: This job").click()
    line = page.evaluate("navigator.clipboard.readText()")
    output = subprocess.run(["sh", "-c", line], check=True, capture_output=True).stdout
    assert json.loads(output) == job


def test_a_running_job_is_cancelled(page: Page, api: Caller, gate: Path) -> None:
    job = api.submit("hold", {"gate": str(gate)})
    api.lane_of(job["id"])
    main = open_job(page, job)
    main.get_by_role("button", name="Cancel").press("Enter")
    expect(page.get_by_role("status").filter(has_text="The job was cancelled.")).to_be_attached()
    assert api.job(job["id"])["state"] == "cancelled"
    expect(page.get_by_role("button", name="Copy the curl line: Its events")).to_be_visible()
    expect(page.get_by_role("button", name="Copy the curl line: Its result")).to_be_hidden()
    expect(main.get_by_role("button", name="Cancel")).to_be_hidden()
    expect(main.get_by_role("button", name="Retry as new")).to_be_focused()


def test_a_job_is_submitted_again(page: Page, api: Caller) -> None:
    """With the same parameters and options."""
    old = api.succeeded(api.submit("greet", {"name": "Ada", "times": 2}, priority=7, label="kept", timeout_s=9)["id"])
    open_job(page, old).get_by_role("button", name="Retry as new").click()
    new = api.succeeded(other_job(page, old["id"]))
    same = "task", "params", "priority", "labels", "timeout_s", "memory_mb", "max_attempts", "result"
    assert {name: new[name] for name in same} == {name: old[name] for name in same}


def test_a_job_is_edited_and_submitted(page: Page, api: Caller) -> None:
    old = api.succeeded(api.submit("greet", {"name": "Ada", "times": 2})["id"])
    open_job(page, old).get_by_role("button", name="Edit and submit").click()
    expect(page.get_by_label("name")).to_have_value("Ada")
    page.get_by_label("times").fill("3")
    page.get_by_role("button", name="Submit").click()
    assert api.succeeded(other_job(page, old["id"]))["params"] == {"name": "Ada", "times": 3}


def test_a_job_is_deleted_after_a_confirmation(page: Page, api: Caller) -> None:
    job = api.succeeded(api.submit("greet", {"name": "Ada"})["id"])
    button = open_job(page, job).get_by_role("button", name="Delete")
    button.click()
    dialog = page.get_by_role("dialog", name="Delete this job?")
    dialog.get_by_role("button", name="Keep it").click()
    expect(dialog).to_be_hidden()
    expect(button).to_be_focused()
    api.job(job["id"])
    button.click()
    dialog.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
    api.get(f"/jobs/{job['id']}", expect=404)


def test_the_view_reports_that_its_job_was_deleted(page: Page, api: Caller) -> None:
    job = api.succeeded(api.submit("greet", {"name": "Ada"})["id"])
    open_job(page, job)
    assert api.http.delete(f"/jobs/{job['id']}").status_code == 204
    expect(page.get_by_role("alert").filter(has_text="deleted")).to_be_visible()


def test_an_unknown_job_is_reported(page: Page, watch: Watch) -> None:
    watch.allow("status of 404")
    page.goto("/?view=job&job=01a20673-a97b-7efd-9494-74bbf1b4cc0b")
    expect(page.get_by_role("alert")).to_contain_text("no job")


def test_new_lines_of_the_log_appear(page: Page, api: Caller, gate: Path) -> None:
    job = api.submit("talk", {"gate": str(gate)})
    open_job(page, job)
    log = part(page, "Log")
    expect(log).to_contain_text("I wait.")
    expect(log).not_to_contain_text("I am done.")
    first = log.locator(".log-line").first.element_handle()
    gate.touch()
    expect(log).to_contain_text(re.compile(r"warning I go <b>on</b>\..*stderr I am done\.", re.DOTALL))
    assert first.evaluate("row => row.isConnected"), "a selection in it would be lost"
    assert api.succeeded(job["id"])


def test_a_job_without_output_has_no_log(page: Page, api: Caller) -> None:
    open_job(page, api.succeeded(api.submit("greet", {"name": "Ada"})["id"]))
    expect(part(page, "Result")).to_contain_text("Hello, Ada!")
    expect(part(page, "Log")).to_be_hidden()


def test_a_long_log_shows_its_newest_lines_and_downloads_all(page: Page, api: Caller) -> None:
    open_job(page, api.succeeded(api.submit("chatter", {"lines": 1_500})["id"]))
    log = part(page, "Log")
    expect(log).to_contain_text("line 1499 of what a task has to say")
    expect(log).to_contain_text("The newest 1,000 lines.")
    assert log.locator(".log-line").count() == 1_000
    with page.expect_download() as taken:
        log.get_by_role("button", name="Download").click()
    assert Path(taken.value.path()).read_text().splitlines()[-1].endswith("line 1499 of what a task has to say")
