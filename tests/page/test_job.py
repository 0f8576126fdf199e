"""A job's whole story on one page, and what can be done with it there."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.page import stories
from tests.page.conftest import Visit
from tests.support.browser import Watch
from tests.support.caller import Caller, Json
from tests.support.server import Server
from tests.support.waiting import until_sync

JOB = re.compile(r"/\?view=job&job=([0-9a-f-]{36})$")


@pytest.fixture
def page(visit: Visit, server: Server) -> Page:
    """Any view: tests go to their job from there."""
    return visit(server, "/?view=jobs")


def story(page: Page, job: Json) -> Locator:
    """What is told of a job, once its view is shown."""
    page.goto(f"/?view=job&job={job['id']}")
    main = page.get_by_role("main")
    expect(main.get_by_role("heading", level=2)).to_contain_text(job["task"])
    return main


def part(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name)


def other_job(page: Page, than: str) -> str:
    """The id of another job than this one, once its view is shown."""
    expect(page).not_to_have_url(re.compile(than))
    expect(page).to_have_url(JOB)
    found = JOB.search(page.url)
    assert found
    return found[1]


def test_a_retried_attempt_is_told(page: Page, server: Server, gate: Path) -> None:
    job = stories.retried(server, gate)
    main = story(page, job)
    expect(main).to_contain_text("succeeded")
    expect(part(page, "Facts")).to_contain_text("2 of 2")
    expect(part(page, "Story")).to_contain_text(re.compile("attempt 2", re.IGNORECASE))
    expect(part(page, "Result")).to_contain_text(str(job["result"]))


def test_what_a_task_raised_is_told_with_its_traceback(page: Page, api: Caller) -> None:
    main = story(page, stories.raised(api, "to obey"))
    expect(main).to_contain_text("failed")
    expect(main).to_contain_text("I refuse to obey")
    expect(main).to_contain_text("ValueError")
    expect(page.get_by_label("Traceback")).to_contain_text('raise ValueError(f"I refuse {text}")')
    expect(main.get_by_role("link", name="What this means")).to_have_attribute("href", "/problems/task-raised")
    expect(part(page, "Result")).to_be_hidden()


def test_memory_exceeded_is_told(page: Page, api: Caller) -> None:
    main = story(page, stories.over_memory(api))
    expect(main).to_contain_text("more than its 96 MiB of memory")
    expect(part(page, "Facts")).to_contain_text(re.compile(r"Peak memory\s*\d+(\.\d)? MiB"))


def test_a_large_result_is_given_as_a_file(page: Page, api: Caller) -> None:
    job = stories.large(api)
    story(page, job)
    expect(part(page, "Result")).to_contain_text("97.7 KiB of JSON")
    with page.expect_download() as download:
        part(page, "Result").get_by_role("button", name="Download").click()
    assert json.loads(download.value.path().read_text()) == api.result(job["id"])


def test_how_long_it_took_and_what_it_used_is_told(page: Page, api: Caller) -> None:
    story(page, api.succeeded(api.submit("fibonacci", {"n": 27, "algorithm": "recursive"})["id"]))
    facts = part(page, "Facts")
    for name in "CPU time", "Peak memory", "Run time":
        expect(facts).to_contain_text(re.compile(rf"{name}\s*\d"))


def test_progress_is_live(page: Page, api: Caller, gate: Path) -> None:
    job = api.submit("count", {"gate": str(gate)})
    story(page, job)
    bar = page.get_by_role("progressbar", name="Progress")
    expect(bar).to_be_visible()
    value = float(bar.evaluate("bar => bar.value"))
    until_sync(lambda: bar.evaluate("bar => bar.value") > value, what="progress")
    gate.touch()
    expect(page.get_by_role("status").filter(has_text="The job succeeded.")).to_be_attached()
    expect(bar).to_be_hidden()


def test_every_digit_of_parameters_and_result_is_shown(page: Page, api: Caller) -> None:
    """2⁵³ + 1: a browser's own numbers don't have it."""
    story(page, api.succeeded(api.submit("fibonacci", {"n": 2**53 + 1, "modulus": 10})["id"]))
    for name in "Parameters", "Result":
        expect(part(page, name)).to_contain_text("9007199254740993")


def test_the_line_of_curl_is_right(page: Page, api: Caller) -> None:
    job = api.succeeded(api.submit("greet", {"name": "Ada"})["id"])
    story(page, job)
    page.get_by_role("button", name="Copy the curl line: This job").click()
    line = page.evaluate("navigator.clipboard.readText()")
    said = subprocess.run(["sh", "-c", line], check=True, capture_output=True).stdout
    assert json.loads(said) == job


def test_a_running_job_is_cancelled(page: Page, api: Caller, gate: Path) -> None:
    job = api.submit("hold", {"gate": str(gate)})
    api.lane_of(job["id"])
    main = story(page, job)
    main.get_by_role("button", name="Cancel").press("Enter")
    expect(page.get_by_role("status").filter(has_text="The job was cancelled.")).to_be_attached()
    assert api.job(job["id"])["state"] == "cancelled"
    expect(page.get_by_role("button", name="Copy the curl line: Its events")).to_be_visible()
    expect(page.get_by_role("button", name="Copy the curl line: Its result")).to_be_hidden()
    expect(main.get_by_role("button", name="Cancel")).to_be_hidden()
    expect(main.get_by_role("button", name="Retry as new")).to_be_focused()


def test_a_job_is_tried_again_as_a_new_one(page: Page, api: Caller) -> None:
    """With all that it was submitted with."""
    old = api.succeeded(api.submit("greet", {"name": "Ada", "times": 2}, priority=7, label="kept", timeout_s=9)["id"])
    story(page, old).get_by_role("button", name="Retry as new").click()
    new = api.succeeded(other_job(page, old["id"]))
    same = "task", "params", "priority", "labels", "timeout_s", "memory_mb", "max_attempts", "result"
    assert {name: new[name] for name in same} == {name: old[name] for name in same}


def test_a_job_is_edited_and_submitted(page: Page, api: Caller) -> None:
    old = api.succeeded(api.submit("greet", {"name": "Ada", "times": 2})["id"])
    story(page, old).get_by_role("button", name="Edit and submit").click()
    expect(page.get_by_label("name")).to_have_value("Ada")
    page.get_by_label("times").fill("3")
    page.get_by_role("button", name="Submit").click()
    assert api.succeeded(other_job(page, old["id"]))["params"] == {"name": "Ada", "times": 3}


def test_a_job_is_deleted_once_that_is_confirmed(page: Page, api: Caller) -> None:
    job = api.succeeded(api.submit("greet", {"name": "Ada"})["id"])
    button = story(page, job).get_by_role("button", name="Delete")
    button.click()
    dialog = page.get_by_role("dialog", name="Delete this job?")
    dialog.get_by_role("button", name="Leave it").click()
    expect(dialog).to_be_hidden()
    expect(button).to_be_focused()
    api.job(job["id"])
    button.click()
    dialog.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
    api.get(f"/jobs/{job['id']}", expect=404)


def test_a_job_that_somebody_else_deletes_is_gone(page: Page, api: Caller) -> None:
    job = api.succeeded(api.submit("greet", {"name": "Ada"})["id"])
    story(page, job)
    assert api.http.delete(f"/jobs/{job['id']}").status_code == 204
    expect(page.get_by_role("alert").filter(has_text="deleted")).to_be_visible()


def test_a_job_that_is_not_there_is_told(page: Page, watch: Watch) -> None:
    watch.allow("status of 404")
    page.goto("/?view=job&job=01a20673-a97b-7efd-9494-74bbf1b4cc0b")
    expect(page.get_by_role("alert")).to_contain_text("no job")


def test_what_a_task_says_is_shown_as_it_comes(page: Page, api: Caller, gate: Path) -> None:
    job = api.submit("talk", {"gate": str(gate)})
    story(page, job)
    log = part(page, "Log")
    expect(log).to_contain_text("I wait.")
    expect(log).not_to_contain_text("I am done.")
    first = log.locator(".log-line").first.element_handle()
    gate.touch()
    expect(log).to_contain_text(re.compile(r"warning I go <b>on</b>\..*stderr I am done\.", re.DOTALL))
    assert first.evaluate("row => row.isConnected"), "who had marked it has lost the mark"
    assert api.succeeded(job["id"])


def test_a_job_that_says_nothing_has_no_log(page: Page, api: Caller) -> None:
    story(page, api.succeeded(api.submit("greet", {"name": "Ada"})["id"]))
    expect(part(page, "Result")).to_contain_text("Hello, Ada!")
    expect(part(page, "Log")).to_be_hidden()


def test_of_a_long_log_the_newest_is_shown_and_all_can_be_had(page: Page, api: Caller) -> None:
    story(page, api.succeeded(api.submit("chatter", {"lines": 1_500})["id"]))
    log = part(page, "Log")
    expect(log).to_contain_text("line 1499 of what a task has to say")
    expect(log).to_contain_text("The newest 1,000 lines.")
    assert log.locator(".log-line").count() == 1_000
    with page.expect_download() as taken:
        log.get_by_role("button", name="Download").click()
    assert Path(taken.value.path()).read_text().splitlines()[-1].endswith("line 1499 of what a task has to say")
