"""A service with keys: the page asks for one, checks it, shows the owner's jobs only and never discloses the key."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.page.conftest import Visit
from tests.support.browser import Watch
from tests.support.keys import ALICE, BOB, ENTRIES
from tests.support.server import Server

UNKNOWN = "carol-0123456789abcdefgh"
UNAUTHORIZED = "status of 401"


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service with keys on which alice and bob have one job each."""
    with Server(tmp_path_factory.mktemp("keyed"), api_keys=ENTRIES) as server:
        for key, name in (ALICE, "Alice"), (BOB, "Bob"):
            caller = server.api_with(key)
            caller.succeeded(caller.submit("greet", {"name": name}, label=f"of-{name}")["id"])
        yield server


@pytest.fixture
def page(visit: Visit, keyed: Server, watch: Watch) -> Page:
    """The list of jobs, before a key is entered."""
    watch.allow(UNAUTHORIZED)
    return visit(keyed, "/?view=jobs")


def enter(page: Page, key: str) -> None:
    page.get_by_role("dialog").get_by_label("Key").fill(key)
    page.get_by_role("button", name="Use this key").click()


def test_an_unknown_key_is_reported_and_a_known_one_shows_its_owners_jobs(page: Page) -> None:
    dialog = page.get_by_role("dialog", name="This service requires a key")
    expect(dialog.get_by_label("Key")).to_be_focused()
    enter(page, UNKNOWN)
    expect(dialog.get_by_role("alert")).to_have_text("The service does not know this key.")
    enter(page, ALICE)
    expect(dialog).to_be_hidden()
    expect(page.get_by_text("of-Alice")).to_be_visible()
    expect(page.get_by_text("of-Bob")).to_have_count(0)


def test_without_a_key_no_empty_state_is_shown(visit: Visit, keyed: Server, watch: Watch) -> None:
    watch.allow(UNAUTHORIZED)
    overview = visit(keyed, "/")
    expect(overview.get_by_role("dialog")).to_be_visible()
    main = overview.get_by_role("main")
    expect(main.get_by_text("Queue", exact=True)).to_be_attached()
    for text in "The queue is empty.", "No job has finished since the service started.":
        expect(main.get_by_text(text)).to_be_hidden()
    enter(overview, ALICE)
    expect(main.get_by_text("The queue is empty.")).to_be_visible()


def test_the_key_is_kept_in_its_tab_only(page: Page, visit: Visit, keyed: Server, watch: Watch) -> None:
    enter(page, BOB)
    expect(page.get_by_text("of-Bob")).to_be_visible()
    assert not [request for request in watch.requests if BOB in request]
    assert BOB not in page.url
    assert BOB not in page.evaluate("JSON.stringify(localStorage) + document.cookie")

    page.reload()
    expect(page.get_by_text("of-Bob")).to_be_visible()

    other = visit(keyed, "/?view=jobs")
    expect(other.get_by_role("dialog", name="This service requires a key")).to_be_visible()
    assert BOB not in keyed.stdout + keyed.stderr


def test_the_curl_line_reads_the_key_from_the_same_variable_as_the_command_line(page: Page, keyed: Server) -> None:
    enter(page, ALICE)
    page.get_by_role("link", name="greet").first.click()
    page.get_by_role("button", name="Copy the curl line: This job").click()
    line = page.evaluate("navigator.clipboard.readText()")
    assert ALICE not in line
    environment = {**os.environ, "OFFLOAD_API_KEY": ALICE}
    output = subprocess.run(["sh", "-c", line], check=True, capture_output=True, env=environment).stdout
    assert keyed.api_with(ALICE).job(json.loads(output)["id"])["labels"] == ["of-Alice"]


def test_the_page_asks_again_after_the_key_is_forgotten(page: Page) -> None:
    enter(page, ALICE)
    page.get_by_role("button", name="Forget the key").click()
    expect(page.get_by_role("dialog", name="This service requires a key")).to_be_visible()
    expect(page.get_by_text("of-Alice")).to_have_count(0)


def test_the_page_asks_again_after_the_key_is_removed_from_the_service(
    visit: Visit, watch: Watch, tmp_path: Path
) -> None:
    """All requests and the stream of events wait for one dialog and continue with the new key."""
    keys = tmp_path / "keys"
    keys.write_text(f"alice:{ALICE}\n")
    watch.allow(UNAUTHORIZED)
    with Server(tmp_path, api_keys_file=str(keys)) as server:
        page = visit(server)
        enter(page, ALICE)
        expect(page.get_by_role("dialog")).to_be_hidden()
        keys.write_text(f"bob:{BOB}\n")
        server.close_terminal()
        dialog = page.get_by_role("dialog", name="This service requires a key")
        expect(dialog.get_by_role("alert")).to_have_text(re.compile("no longer accepts"))
        expect(page.get_by_role("dialog")).to_have_count(1)
        enter(page, BOB)
        expect(page.get_by_role("dialog")).to_be_hidden()
        page.get_by_role("navigation", name="Views").get_by_role("link", name="Jobs").click()
        server.api_with(BOB).submit("greet", {"name": "Bob"}, label="new")
        expect(page.get_by_text("new", exact=True)).to_be_visible()
        visit.close()


def test_the_metrics_are_linked_only_without_keys(page: Page, visit: Visit, server: Server, watch: Watch) -> None:
    expect(metrics_of(page)).to_be_hidden()
    enter(page, ALICE)
    expect(page.get_by_text("of-Alice")).to_be_visible()  # then the key has been stored
    page.reload()
    expect(page.get_by_text("of-Alice")).to_be_visible()
    expect(metrics_of(page)).to_be_hidden()

    watch.allow("favicon.ico")  # the browser requests it, since plain text names no icon
    open_to_all = visit(server)
    metrics_of(open_to_all).click()
    expect(open_to_all.locator("body")).to_contain_text("offload_jobs_queued")


def metrics_of(page: Page) -> Locator:
    return page.locator("footer").get_by_text("Metrics")
