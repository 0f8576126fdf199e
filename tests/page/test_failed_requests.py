"""Failed requests without a problem document: each place that shows an error shows what is known of it.

A proxy in front of the service answers in its place: with HTML, with an empty body, or by closing the connection.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.page.conftest import Visit
from tests.support.browser import Watch
from tests.support.caller import answer
from tests.support.proxy import Proxy
from tests.support.server import Server

HTML = b"<html><body><h1>It does not work</h1></body></html>"


def response(status: str, body: bytes = b"", *, kind: str = "text/html", length: int | None = None) -> bytes:
    """A response whose body may be shorter than its `Content-Length`: then the connection is cut."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length or len(body)}\r\n"
    return head.encode() + b"Connection: close\r\n\r\n" + body


@dataclass(frozen=True)
class Failure:
    """What the proxy sends, and what the page shows."""

    sent: bytes
    shown: str


FAILURES = {
    "html": Failure(response("502 Bad Gateway", HTML), "The request failed: 502 Bad Gateway."),
    "empty": Failure(response("504 Gateway Time-out"), "The request failed: 504 Gateway Time-out."),
    "no reason": Failure(response("503 "), "The request failed: status 503."),
    "other json": Failure(
        response("500 Internal Server Error", b'{"error": ""}', kind="application/json"),
        "The request failed: 500 Internal Server Error.",
    ),
    "json null": Failure(
        response("500 Internal Server Error", b"null", kind="application/json"),
        "The request failed: 500 Internal Server Error.",
    ),
    "rejected": Failure(response("403 Forbidden", HTML), "The request failed: 403 Forbidden."),
    "success": Failure(response("200 OK", HTML), "The response (200 OK) is not "),
    "cut body": Failure(response("200 OK", b'{"jobs": [', kind="application/json", length=1000), "connection was lost"),
    "cut error": Failure(response("502 Bad Gateway", HTML, length=1000), "The request failed: 502 Bad Gateway."),
    "cut": Failure(b"", "The service can't be reached."),
}


@pytest.fixture
def proxy(server: Server, visit: Visit, watch: Watch) -> Iterator[Proxy]:
    """A proxy in front of the service. The pages are closed before it."""
    watch.allow(r"status of \d+")
    watch.allow_connection_errors()
    with Proxy(int(server.url.rpartition(":")[2])) as proxy:
        yield proxy
        visit.close()


def fail(proxy: Proxy, *request_lines: str, sent: bytes) -> None:
    """Makes the proxy send this for every request with such a start of its first line."""
    proxy.instead = proxy.instead | dict.fromkeys(request_lines, sent)  # the proxy's threads read the old one


def alert(page: Page, text: str) -> None:
    """Waits until the page shows an error with this text."""
    expect(page.get_by_role("alert").filter(has_text=text)).to_be_visible()


@pytest.mark.parametrize("name", FAILURES)
def test_a_view_shows_why_its_request_failed(proxy: Proxy, visit: Visit, name: str) -> None:
    fail(proxy, "GET /jobs?", sent=FAILURES[name].sent)
    alert(visit(proxy, "/?view=jobs"), FAILURES[name].shown)


@pytest.fixture(scope="module")
def paths(server: Server) -> dict[str, str]:
    """The ids of a finished job and of a batch, by the name that paths have for them."""
    api = server.api
    job = api.succeeded(api.submit("talk", {"gate": "/"})["id"])
    batch = answer(api.http.post("/batches", json={"jobs": [{"task": "greet", "params": {"name": "Ada"}}]}), 202)
    return {"job": job["id"], "batch": batch["id"]}


@pytest.mark.parametrize("name", ["html", "cut body"])
@pytest.mark.parametrize(
    ("view", "request_line"),
    [
        ("/", "GET /stats "),
        ("/?view=batches", "GET /batches?"),
        ("/?view=batches&batch={batch}", "GET /batches/{batch}/events "),
        ("/?view=job&job={job}", "GET /jobs/{job} "),
        ("/?view=submit", "GET /tasks "),
        ("/?view=files", "GET /tasks/file-digest "),
    ],
)
def test_every_view_shows_why_its_request_failed(
    proxy: Proxy, visit: Visit, paths: dict[str, str], view: str, request_line: str, name: str
) -> None:
    failure = FAILURES[name]
    if "events" in request_line and name == "cut body":
        failure = Failure(response("200 OK", b"event: ba", kind="text/event-stream", length=1000), failure.shown)
    fail(proxy, request_line.format(**paths), sent=failure.sent)
    alert(visit(proxy, view.format(**paths)), failure.shown)


def test_a_view_that_failed_is_loaded_when_the_connection_is_back(
    proxy: Proxy, visit: Visit, paths: dict[str, str]
) -> None:
    requests = f"GET /jobs/{paths['job']} ", f"GET /batches/{paths['batch']}/events "
    fail(proxy, *requests, sent=FAILURES["html"].sent)
    job = visit(proxy, f"/?view=job&job={paths['job']}")
    batch = visit(proxy, f"/?view=batches&batch={paths['batch']}")
    for page in job, batch:
        alert(page, FAILURES["html"].shown)
    fail(proxy, "GET /events ", sent=b"")
    proxy.cut()
    for page in job, batch:
        expect(page.get_by_role("status").filter(has_text="The connection is lost")).to_be_visible()
    proxy.instead = {}
    expect(job.get_by_role("heading", level=2)).to_contain_text("talk")
    expect(batch.get_by_role("main")).to_contain_text("1 of 1")
    for page in job, batch:
        expect(page.get_by_role("alert").filter(has_text="failed")).to_have_count(0)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("html", "The connection is lost.*502 Bad Gateway.*Reconnecting"),
        ("success", "The connection is lost.*200 OK.*not a stream of events.*Reconnecting"),
        ("cut", "The connection is lost.*Reconnecting"),
        ("rejected", "No live updates.*403 Forbidden"),
    ],
)
def test_the_banner_shows_why_there_are_no_events(proxy: Proxy, visit: Visit, name: str, shown: str) -> None:
    fail(proxy, "GET /events ", sent=FAILURES[name].sent)
    page = visit(proxy, "/?view=files")
    expect(page.get_by_role("status").filter(has_text=re.compile(shown))).to_be_visible()


@pytest.mark.parametrize("name", ["html", "empty", "cut body"])
def test_every_download_of_a_job_shows_why_it_failed(
    proxy: Proxy, visit: Visit, paths: dict[str, str], name: str
) -> None:
    page = visit(proxy, f"/?view=job&job={paths['job']}")
    for region in "Log", "Result":
        expect(page.get_by_role("region", name=region).get_by_role("button", name="Download")).to_be_visible()
    path = f"/jobs/{paths['job']}"
    fail(proxy, f"GET {path}/logs ", f"GET {path}/result ", sent=FAILURES[name].sent)
    for region in "Log", "Result":
        page.get_by_role("region", name=region).get_by_role("button", name="Download").click()
        expect(page.get_by_role("region", name=region).get_by_role("alert")).to_contain_text(FAILURES[name].shown)


@pytest.mark.parametrize("name", ["html", "empty", "success", "cut"])
def test_every_action_on_a_job_shows_why_it_failed(
    proxy: Proxy, visit: Visit, paths: dict[str, str], name: str
) -> None:
    failure = FAILURES[name]
    fail(proxy, "POST /jobs/", f"DELETE /jobs/{paths['job']}", sent=failure.sent)
    page = visit(proxy, f"/?view=job&job={paths['job']}")
    page.get_by_role("button", name="Retry as new").click()
    alert(page, failure.shown)
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("alert").filter(has_text=failure.shown)).to_have_count(0)
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    alert(page, failure.shown)


@pytest.mark.parametrize("name", ["html", "empty", "success", "cut body", "cut"])
def test_a_submission_shows_why_it_failed(proxy: Proxy, visit: Visit, name: str) -> None:
    fail(proxy, "POST /jobs/greet", sent=FAILURES[name].sent)
    page = visit(proxy, "/?view=submit&task=greet")
    page.get_by_label("name").fill("Ada")
    page.get_by_role("button", name="Submit").click()
    alert(page, FAILURES[name].shown)
    expect(page.get_by_role("button", name="Submit")).to_be_enabled()


@pytest.mark.parametrize("name", ["html", "empty", "other json", "success", "cut error"])
def test_an_upload_shows_why_it_failed(proxy: Proxy, visit: Visit, name: str) -> None:
    fail(proxy, "POST /jobs/file-digest/upload", sent=FAILURES[name].sent)
    page = visit(proxy, "/?view=files")
    expect(page.get_by_label("sha512")).to_be_visible()
    page.get_by_label("Choose files").set_input_files(FilePayload(name="a.txt", mimeType="text/plain", buffer=b"abc"))
    row = page.get_by_role("listitem").filter(has_text="a.txt")
    expect(row).to_contain_text("connection was lost" if name == "cut error" else FAILURES[name].shown)
    proxy.instead = {}
    row.get_by_role("button", name="Try again").click()
    expect(row).to_contain_text("ba7816bf")


@pytest.mark.parametrize("name", ["html", "empty", "cut"])
def test_the_dialog_for_a_key_shows_why_it_could_not_be_checked(proxy: Proxy, visit: Visit, name: str) -> None:
    """Also if the service itself has no keys: a proxy may ask for one."""
    fail(proxy, "GET /jobs?", sent=response("401 Unauthorized", HTML))
    page = visit(proxy, "/?view=jobs")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Key")).to_be_focused()
    fail(proxy, "GET /stats ", sent=FAILURES[name].sent)
    dialog.get_by_label("Key").fill("a-key-of-a-proxy")
    dialog.get_by_role("button", name="Use this key").click()
    expect(dialog.get_by_role("alert")).to_have_text(f"{FAILURES[name].shown} Try again.")
    proxy.instead = {}
    dialog.get_by_role("button", name="Use this key").click()
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("table", name="Jobs, newest first").or_(page.get_by_text("No jobs yet"))).to_be_visible()
