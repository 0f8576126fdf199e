"""The list of batches and the view of one: counts, outputs, cancellation."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.page.conftest import Visit
from tests.support.browser import Watch
from tests.support.caller import Caller, Json, answer
from tests.support.server import Server


@pytest.fixture
def page(visit: Visit, server: Server) -> Page:
    return visit(server, "/?view=batches")


def submit(api: Caller, path: str, **body: object) -> Json:
    return answer(api.http.post(path, json=body), 202)


def held(api: Caller, gate: Path, size: int) -> Json:
    """Submits a batch of one job that fails and of others that wait for the gate."""
    jobs = [{"task": "hold", "params": {"gate": str(gate)}}] * (size - 1)
    return submit(api, "/batches", jobs=[{"task": "refuse", "params": {"text": "this"}, "priority": 1}, *jobs])


def saved(page: Page, button: str) -> tuple[str, str]:
    """Returns the name and the text of the file that a button downloads."""
    with page.expect_download() as download:
        page.get_by_role("button", name=button).click()
    return download.value.suggested_filename, download.value.path().read_text()


def test_a_batch_appears_and_is_counted_without_a_reload(page: Page, api: Caller, gate: Path) -> None:
    expect(page.get_by_role("heading", name="Batches")).to_be_visible()
    held(api, gate, 5)
    row = page.get_by_role("row").nth(1)
    expect(row).to_contain_text("1 of 5")
    expect(row).to_contain_text("2 running")
    expect(row).to_contain_text("1 failed")
    gate.touch()
    expect(row).to_contain_text("5 of 5")
    expect(row).to_contain_text("4 succeeded")
    expect(row.get_by_text("running")).to_be_hidden()


def test_a_batch_is_updated_and_links_to_its_jobs(page: Page, api: Caller, gate: Path) -> None:
    batch = held(api, gate, 4)
    page.goto(f"/?view=batches&batch={batch['id']}")
    counts = page.get_by_role("list", name="Jobs by state")
    expect(counts.get_by_role("link", name="2 running")).to_be_visible()
    bar = page.get_by_role("progressbar", name="Finished jobs")
    expect(bar).to_have_js_property("value", 0.25)
    gate.touch()
    expect(bar).to_have_js_property("value", 1)
    expect(page.get_by_role("main")).to_contain_text("done")
    counts.get_by_role("link", name="1 failed").click()
    expect(page).to_have_url(re.compile(f"view=jobs.*batch={batch['id']}.*state=failed"))


def test_a_batch_is_cancelled_after_a_confirmation(page: Page, api: Caller, gate: Path) -> None:
    batch = held(api, gate, 4)
    page.goto(f"/?view=batches&batch={batch['id']}")
    button = page.get_by_role("button", name="Cancel")
    button.click()
    page.get_by_role("dialog").get_by_role("button", name="Keep it").click()
    expect(button).to_be_focused()
    assert not api.get(f"/batches/{batch['id']}")["done"]
    button.click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel the batch").click()
    expect(page.get_by_role("link", name="3 cancelled")).to_be_visible()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page).to_have_url(re.compile(r"\?view=batches$"))
    api.get(f"/batches/{batch['id']}", expect=404)


def test_a_verification_has_downloads_of_its_report_and_manifest(server: Server, page: Page, api: Caller) -> None:
    (server.files_dir / "abc.txt").write_text("abc")
    manifest = "900150983cd24fb0d6963f7d28e17f72  abc.txt\n" + "0" * 32 + "  gone.txt\n"
    headers = {"Content-Type": "text/plain"}
    batch = answer(api.http.post("/batches/file-digest/verify", content=manifest, headers=headers), 202)
    page.goto(f"/?view=batches&batch={batch['id']}")
    name, report = saved(page, "Report")
    assert name == f"{batch['id']}.report.txt"
    assert report.startswith("abc.txt: OK\ngone.txt: MISSING\n")
    assert saved(page, "Manifest, md5")[1] == manifest.splitlines(keepends=True)[0]
    name, results = saved(page, "Results")
    assert name == f"{batch['id']}.jsonl"
    assert len(results.splitlines()) == 2


def test_an_unknown_batch_is_reported(page: Page, watch: Watch) -> None:
    watch.allow("status of 404")
    page.goto("/?view=batches&batch=01a20666-7798-7b65-8a47-88745e38de4a")
    expect(page.get_by_role("alert")).to_contain_text("01a20666-7798-7b65-8a47-88745e38de4a")


def test_older_batches_are_loaded_on_request(page: Page, api: Caller) -> None:
    for _ in range(52):
        submit(api, "/batches", jobs=[{"task": "fibonacci", "params": {"n": 1}}])
    page.goto("/?view=batches")
    rows = page.get_by_role("table", name="Batches").get_by_role("row")
    expect(rows).to_have_count(51)
    page.get_by_role("button", name="Older").click()
    expect(rows.nth(52)).to_be_visible()
    submit(api, "/batches", jobs=[{"task": "fibonacci", "params": {"n": 2}}])
    expect(rows.nth(53)).to_be_visible()


def test_a_verification_shows_the_files_that_differ(server: Server, page: Page, api: Caller) -> None:
    (server.files_dir / "same.txt").write_text("abc")
    (server.files_dir / "other.txt").write_text("abd")
    same = "900150983cd24fb0d6963f7d28e17f72"
    headers = {"Content-Type": "text/plain"}
    for manifest, shown in [
        (f"{same}  same.txt\n{same}  other.txt\n", "WARNING: 1 computed checksum did NOT match\nother.txt: FAILED"),
        (f"{same}  same.txt\n", None),
    ]:
        batch = answer(api.http.post("/batches/file-digest/verify", content=manifest, headers=headers), 202)
        page.goto(f"/?view=batches&batch={batch['id']}")
        if shown:
            expect(page.get_by_role("region", name="Differences from the manifest").locator("pre")).to_have_text(shown)
        else:
            expect(page.get_by_text("Every file matches the manifest.")).to_be_visible()
