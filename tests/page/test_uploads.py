"""Uploads while the service is not reachable."""

import hashlib
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import FilePayload, Locator, Page, expect

from tests.page.conftest import Visit
from tests.support.browser import Watch
from tests.support.server import Server

LARGE = 200_000_000
"""More bytes than the socket buffers between browser and service hold."""


@pytest.fixture
def own(tmp_path: Path, watch: Watch, visit: Visit) -> Iterator[Server]:
    """A service for one test, which restarts at the same port. The pages are closed before it."""
    watch.allow_connection_errors()
    with Server(tmp_path) as server:
        server.settings["port"] = urlsplit(str(server.api.http.base_url)).port or 0
        yield server
        visit.close()


def row(page: Page, name: str) -> Locator:
    return page.get_by_role("list", name="Files").get_by_role("listitem").filter(has_text=name)


def test_an_interrupted_upload_is_sent_again(own: Server, visit: Visit, tmp_path: Path) -> None:
    film = tmp_path / "film.raw"
    with film.open("wb") as file:
        file.truncate(LARGE)
    page = visit(own, "/?view=files")
    expect(page.get_by_label("sha512")).to_be_visible()
    own.process.send_signal(signal.SIGSTOP)
    page.get_by_label("Choose files").set_input_files(film)
    shown = row(page, "film.raw")
    expect(shown).to_contain_text(re.compile(r"Uploading, \d+ %"))
    own.kill()
    expect(shown).to_contain_text("The connection was lost.")
    own.start()
    shown.get_by_role("button", name="Try again film.raw").click()
    expect(shown).to_contain_text(hashlib.sha256(bytes(LARGE)).hexdigest())
    expect(shown.get_by_role("button", name="Try again")).to_be_hidden()


def test_the_job_of_a_finished_upload_is_followed(own: Server, visit: Visit, watch: Watch, gate: Path) -> None:
    """Also if the first request for its job fails."""
    watch.allow("ERR_FAILED")
    for _ in range(2):
        own.api.submit("hold", {"gate": str(gate)}, max_attempts=5)
    page = visit(own, "/?view=files")
    page.route(re.compile(r"/jobs/[0-9a-f-]{36}$"), lambda route: route.abort(), times=1)
    page.get_by_label("Choose files").set_input_files(FilePayload(name="a.txt", mimeType="text/plain", buffer=b"abc"))
    shown = row(page, "a.txt")
    expect(shown).to_contain_text("Queued")
    own.kill()
    expect(page.get_by_role("status").filter(has_text="The connection is lost")).to_be_visible()
    expect(shown).to_contain_text("Queued")
    gate.touch()
    own.start()
    expect(shown).to_contain_text(hashlib.sha256(b"abc").hexdigest())
