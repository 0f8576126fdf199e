"""The view that submits a job: the form of a user's task, options, errors at their fields, links and curl."""

import json
import re
import subprocess

import pytest
from playwright.sync_api import Page, expect

from tests.page.conftest import Visit
from tests.support.browser import Watch
from tests.support.caller import Caller, Json
from tests.support.server import Server

JOB = re.compile(r"/\?view=job&job=([0-9a-f-]{36})$")


@pytest.fixture
def page(visit: Visit, server: Server) -> Page:
    """The form of a user's task."""
    return visit(server, "/?view=submit&task=greet")


def submitted(page: Page, api: Caller) -> Json:
    """Waits for the view of the submitted job; returns the job once it is final."""
    expect(page).to_have_url(JOB)
    found = JOB.search(page.url)
    assert found
    return api.ended(found[1])


def test_a_users_task_has_a_form(page: Page, api: Caller) -> None:
    expect(page.get_by_text("Greet somebody.")).to_be_visible()
    page.get_by_label("name").fill("Ada")
    page.get_by_label("times").fill("3")
    page.get_by_role("button", name="Submit").click()
    job = submitted(page, api)
    assert job["params"] == {"name": "Ada", "times": 3}
    expect(page.get_by_role("main")).to_contain_text("Hello, Ada!")


def test_the_task_is_chosen(visit: Visit, server: Server) -> None:
    page = visit(server)
    page.get_by_role("navigation", name="Views").get_by_role("link", name="Submit").click()
    page.get_by_label("Task").select_option("blob")
    expect(page.get_by_role("form", name="Parameters of blob")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("form", name="Parameters of blob")).to_be_hidden()


def test_options_are_sent(page: Page, api: Caller) -> None:
    page.get_by_label("name").fill("Ada")
    page.get_by_text("Options").click()
    page.get_by_label("priority").fill("7")
    page.get_by_label("max_attempts").fill("1")
    page.get_by_role("button", name="Submit").click()
    job = submitted(page, api)
    assert (job["priority"], job["max_attempts"]) == (7, 1)


def test_errors_are_shown_at_their_fields_before_anything_is_sent(page: Page, watch: Watch) -> None:
    page.get_by_label("times").fill("11")
    page.get_by_role("button", name="Submit").click()
    name, times = page.get_by_label("name"), page.get_by_label("times")
    expect(name).to_be_focused()
    expect(name).to_have_attribute("aria-invalid", "true")
    expect(times).to_have_attribute("aria-invalid", "true")
    expect(times).to_have_accessible_description(re.compile("10"))
    assert not [request for request in watch.requests if request.startswith("POST")]


def test_an_error_of_the_service_is_shown_at_its_field(page: Page, watch: Watch) -> None:
    """The limit of the memory is not part of the schema."""
    watch.allow("status of 422")
    page.goto("/?view=submit&task=greet&memory_mb=999999999")
    page.get_by_label("name").fill("Ada")
    page.get_by_role("button", name="Submit").click()
    memory = page.get_by_label("memory_mb")
    expect(memory).to_be_focused()
    expect(memory).to_have_attribute("aria-invalid", "true")
    expect(memory).to_have_accessible_description(re.compile("memory|less|at most", re.IGNORECASE))


def test_too_expensive_parameters_are_reported(page: Page, watch: Watch) -> None:
    watch.allow("status of 422")
    page.goto("/?view=submit&task=fibonacci")
    page.get_by_role("textbox", name=re.compile("^n")).fill("99999999999")
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("alert").filter(has_text=re.compile("10.?000.?000"))).to_be_visible()


def test_a_link_fills_in_the_form(page: Page) -> None:
    page.get_by_label("name").fill("Łukasz & <Söhne>")
    page.get_by_role("button", name="Copy a link to this form").click()
    link = page.evaluate("navigator.clipboard.readText()")
    page.goto(link)
    expect(page.get_by_label("name")).to_have_value("Łukasz & <Söhne>")


def test_numbers_are_not_rounded(page: Page, api: Caller) -> None:
    page.goto("/?view=submit&task=fibonacci")
    page.get_by_role("textbox", name=re.compile("^n")).fill("9007199254740993")
    page.get_by_label("modulus").fill("10")
    expect(page.get_by_role("complementary", name="The same with curl")).to_contain_text("9007199254740993")
    page.get_by_role("button", name="Submit").click()
    assert submitted(page, api)["params"]["n"] == 2**53 + 1


def test_the_curl_line_submits_the_same_job(page: Page, api: Caller) -> None:
    """A shell runs it as it is copied from the page."""
    page.get_by_label("name").fill("O'Neill $HOME `id`")
    page.get_by_role("button", name="Copy", exact=True).click()
    line = page.evaluate("navigator.clipboard.readText()")
    accepted = subprocess.run(["sh", "-c", line], check=True, capture_output=True).stdout
    job = api.succeeded(json.loads(accepted)["id"])
    assert job["params"]["name"] == "O'Neill $HOME `id`"
