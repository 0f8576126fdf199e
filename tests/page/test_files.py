"""Files that are dropped on the page or chosen: upload, digest, comparison."""

import base64
import hashlib
import random
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.page.conftest import Visit
from tests.support.caller import Caller
from tests.support.server import Server

CONTENT = random.Random(7).randbytes(3 << 20)  # noqa: S311  # not a secret
SHA256 = hashlib.sha256(CONTENT).hexdigest()

DROP = """([names, content]) => {
  const bytes = Uint8Array.from(atob(content), (sign) => sign.charCodeAt(0));
  const data = new DataTransfer();
  for (const name of names) data.items.add(new File([bytes], name));
  const over = document.elementFromPoint(innerWidth / 2, innerHeight / 2);
  for (const kind of ["dragenter", "dragover", "drop"]) {
    over.dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
  }
}"""
"""Dispatches the events of a browser in which files are dropped on the middle of the page."""


def drop(page: Page, *names: str, content: bytes = CONTENT) -> None:
    page.evaluate(DROP, [names, base64.b64encode(content).decode()])


@pytest.fixture
def page(visit: Visit, server: Server) -> Page:
    return visit(server, "/?view=files")


def test_a_file_that_is_dropped_on_any_view_is_digested(visit: Visit, server: Server, api: Caller) -> None:
    page = visit(server)
    expect(page.get_by_role("navigation", name="Views")).to_be_visible()
    drop(page, "harbour.raw")
    row = page.get_by_role("list", name="Files").get_by_role("listitem").filter(has_text="harbour.raw")
    expect(row).to_contain_text(SHA256)
    row.get_by_role("button", name="Copy").click()
    assert page.evaluate("navigator.clipboard.readText()") == SHA256
    row.get_by_role("link", name="Job").click()
    expect(page.get_by_role("main")).to_contain_text(SHA256)
    (job,) = api.get("/jobs", task="file-digest", limit=1)["jobs"]
    assert job["result"]["digests"] == {"sha256": SHA256}
    assert job["id"] in page.url


def test_several_files_have_a_row_each(page: Page) -> None:
    names = [f"photo {number}.jpg" for number in range(5)]
    drop(page, *names, content=b"abc")
    for name in names:
        row = page.get_by_role("listitem").filter(has_text=name)
        expect(row).to_contain_text(hashlib.sha256(b"abc").hexdigest())


def test_a_file_is_compared_with_the_expected_digest(page: Page) -> None:
    page.get_by_label("sha512").check()
    page.get_by_label("Expected digest").fill(SHA256.upper())
    file = page.get_by_label("Choose files")
    file.set_input_files(FilePayload(name="right.raw", mimeType="image/x-raw", buffer=CONTENT))
    file.set_input_files(FilePayload(name="wrong.raw", mimeType="image/x-raw", buffer=CONTENT[1:]))
    right = page.get_by_role("listitem").filter(has_text="right.raw")
    wrong = page.get_by_role("listitem").filter(has_text="wrong.raw")
    expect(right).to_contain_text("Matches the expected digest")
    expect(right).to_contain_text(hashlib.sha512(CONTENT).hexdigest())
    expect(wrong).to_contain_text("Does not match the expected digest")


def test_the_upload_of_a_large_file_shows_its_progress_and_can_be_stopped(page: Page, tmp_path: Path) -> None:
    """300 MB at the speed of a home connection."""
    large = tmp_path / "film.raw"
    with large.open("wb") as file:
        file.truncate(300_000_000)
    devtools = page.context.new_cdp_session(page)
    devtools.send("Network.enable")
    slow = {"offline": False, "latency": 20, "downloadThroughput": -1, "uploadThroughput": 5_000_000}
    devtools.send("Network.emulateNetworkConditions", slow)
    page.get_by_label("Choose files").set_input_files(large)
    row = page.get_by_role("listitem").filter(has_text="film.raw")
    bar = row.get_by_role("progressbar", name="Progress of film.raw")
    expect(row).to_contain_text("286 MiB")
    expect(row).to_contain_text("Uploading")
    page.wait_for_function("(bar) => bar.value > 0", arg=bar.element_handle())
    row.get_by_role("button", name="Stop").click()
    expect(row).to_contain_text("Stopped")
    row.get_by_role("button", name="Dismiss").click()
    expect(row).to_have_count(0)
