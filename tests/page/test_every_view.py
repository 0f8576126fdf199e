"""Requirements on every view: the rules of axe-core, the width of a phone, keyboard use, and hostile text."""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest
from playwright.sync_api import Dialog, Page, expect

from tests.page import sample_jobs
from tests.page.accessibility import findings, walk
from tests.page.conftest import Visit
from tests.support.browser import Colours
from tests.support.caller import Caller, Json, answer
from tests.support.server import Server

PHONE = 360

WIDE = """() => [...document.querySelectorAll("body *")]
  .filter((one) => one.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
  .filter((one) => !one.closest(".visually-hidden, .table-scroll, pre, .code, dialog:not([open])"))
  .map((one) => `${one.tagName} ${one.className}: ${one.innerText?.slice(0, 80)}`)
  .slice(0, 10)"""
"""Lists elements that are wider than the window, except in containers that scroll."""


class Place(NamedTuple):
    """A view with content."""

    path: str
    shows: str
    regions: tuple[str, ...] = ()
    """The regions that show it, if they are loaded separately."""


HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\N{RIGHT-TO-LEFT OVERRIDE}gpj.exe " + "w" * 10_000
"""HTML, an unterminated change of the text direction, and a very long word."""


@pytest.fixture(scope="module")
def places(server: Server) -> dict[str, Place]:
    """Views of a service that has jobs and batches of every kind, by name."""
    api = server.api
    failed = sample_jobs.that_raised(api, "to obey")
    large = sample_jobs.with_large_result(api)
    greeted = api.succeeded(api.submit("greet", {"name": "Ada", "times": 3}, label="kept", priority=-3)["id"])
    queued = [{"task": "greet", "params": {"name": "Ada"}}, {"task": "refuse", "params": {"text": "no"}}]
    batch = answer(api.http.post("/batches", json={"jobs": queued * 3, "labels": ["six"]}), 202)
    api.get(f"/batches/{batch['id']}", wait=10)
    return {
        "overview": Place("/", "refuse", ("Newest jobs", "Tasks")),
        "jobs": Place("/?view=jobs", "kept"),
        "no jobs": Place("/?view=jobs&task=hold", "No jobs match the filters."),
        "job": Place(f"/?view=job&job={greeted['id']}", "Hello, Ada!"),
        "log": Place(f"/?view=job&job={sample_jobs.with_log(api)['id']}", "I go on.", ("Log",)),
        "failed": Place(f"/?view=job&job={failed['id']}", "Traceback"),
        "large": Place(f"/?view=job&job={large['id']}", "of JSON"),
        "batches": Place("/?view=batches", "six"),
        "batch": Place(f"/?view=batches&batch={batch['id']}", "6 of 6"),
        "submit": Place("/?view=submit&task=file-digest&priority=1", "curl"),
        "files": Place("/?view=files", "sha256"),
    }


NAMES = ("overview", "jobs", "no jobs", "job", "log", "failed", "large", "batches", "batch", "submit", "files")


@pytest.fixture(params=NAMES)
def place(request: pytest.FixtureRequest, places: dict[str, Place]) -> Place:
    name: str = request.param
    return places[name]


def loaded(page: Page, place: Place) -> Page:
    """Waits until the page shows the content of the view."""
    main = page.get_by_role("main")
    for shown_in in [main.get_by_role("region", name=name) for name in place.regions] or [main]:
        expect(shown_in).to_contain_text(place.shows)
    return page


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_axe_has_no_serious_findings(visit: Visit, server: Server, place: Place, colours: Colours) -> None:
    assert findings(loaded(visit(server, place.path, colours=colours), place)) == []


def test_a_phone_does_not_scroll_horizontally(visit: Visit, server: Server, place: Place) -> None:
    page = loaded(visit(server, place.path, width=PHONE), place)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE, page.evaluate(WIDE)
    assert page.evaluate(WIDE) == []


def test_the_keyboard_reaches_every_control_and_is_not_trapped(visit: Visit, server: Server, place: Place) -> None:
    """Tab goes from the first link to the footer, and Shift+Tab back. Each focused element is visible and marked."""
    page = loaded(visit(server, place.path), place)
    stops = walk(page)
    assert stops[0].name == "a Skip to content"
    assert [stop for stop in stops if not stop.shown] == []
    assert [stop for stop in stops if not stop.marked] == []
    reached = {stop.name for stop in stops}
    for name in "a Overview", "a Jobs", "a Batches", "a Submit", "a Files", "select Theme", "a Problems":
        assert name in reached
    back = [stop.name for stop in walk(page, key="Shift+Tab")]
    there = [stop.name for stop in stops]
    assert back[: len(there)] == there[::-1], back  # Chromium may start again at the end


def test_a_job_is_submitted_and_deleted_with_the_keyboard_only(visit: Visit, server: Server) -> None:
    page = visit(server)
    press = page.keyboard.press

    def go_to(name: str) -> None:
        for _ in range(60):
            press("Tab")
            focused = page.evaluate(
                "(document.activeElement.getAttribute('aria-label') || document.activeElement.labels?.[0]?.innerText"
                " || document.activeElement.innerText || '').trim()"
            )
            if focused.startswith(name):
                return
        raise AssertionError(f"the focus does not reach {name}")

    go_to("Submit")
    press("Enter")
    expect(page.get_by_role("main")).to_be_focused()
    go_to("Task")
    page.keyboard.type("greet")
    expect(page.get_by_role("form", name="Parameters of greet")).to_be_visible()
    go_to("name")
    page.keyboard.type("Ada")
    press("Control+Enter")
    expect(page.get_by_role("main")).to_contain_text("Hello, Ada!")
    go_to("Delete")
    press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("button", name="Delete")).to_be_focused()


# ---- hostile text ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def hostile(server: Server, places: dict[str, Place]) -> Json:  # noqa: ARG001  # the views' own jobs are older
    """A job with hostile parameters, label and result."""
    api = server.api
    return api.succeeded(api.submit("greet", {"name": HOSTILE}, label=HOSTILE[:100])["id"])


@pytest.fixture
def alarm() -> Iterator[Callable[[Page], None]]:
    """Fails the test if a page opens a browser dialog: then injected script has run."""
    messages: list[str] = []

    def record(dialog: Dialog) -> None:
        messages.append(dialog.message)
        dialog.dismiss()

    yield lambda page: page.on("dialog", record)
    assert messages == []


@pytest.mark.parametrize("path", ["/", "/?view=jobs", "/?view=job&job={id}", "/?view=batches"])
@pytest.mark.parametrize("width", [1280, PHONE])
def test_hostile_parameters_are_shown_as_text(
    visit: Visit, server: Server, hostile: Json, alarm: Callable[[Page], None], path: str, width: int
) -> None:
    page = visit(server, path.format(id=hostile["id"]), width=width)
    alarm(page)
    if "batches" not in path:
        expect(page.get_by_role("main")).to_contain_text("<script>alert(1)</script>")
    assert page.get_by_role("main").locator("script, img").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width, page.evaluate(WIDE)


@pytest.mark.parametrize("width", [1280, PHONE])
def test_a_hostile_log_is_shown_as_text(
    visit: Visit, server: Server, api: Caller, alarm: Callable[[Page], None], width: int
) -> None:
    page = visit(server, f"/?view=job&job={sample_jobs.with_log(api, HOSTILE)['id']}", width=width)
    alarm(page)
    expect(page.get_by_role("region", name="Log")).to_contain_text("<script>alert(1)</script>")
    assert page.get_by_role("main").locator("script, img").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width, page.evaluate(WIDE)


def test_hostile_text_in_forms_and_file_names_is_shown_as_text(
    visit: Visit, server: Server, api: Caller, hostile: Json, alarm: Callable[[Page], None]
) -> None:
    page = visit(server, f"/?view=job&job={hostile['id']}", width=PHONE)
    alarm(page)
    page.get_by_role("button", name="Edit and submit").click()
    expect(page.get_by_label("name")).to_have_value(HOSTILE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE, page.evaluate(WIDE)
    page.goto("/?view=files")
    name = HOSTILE[:200].replace("/", "_")
    page.get_by_label("Choose files").set_input_files({"name": name, "mimeType": "image/png", "buffer": b"abc"})
    expect(page.get_by_role("listitem").filter(has_text="<script>")).to_contain_text("ba7816bf")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE, page.evaluate(WIDE)
    (job,) = api.get("/jobs", task="file-digest", limit=1)["jobs"]
    page.goto(f"/?view=job&job={job['id']}")
    expect(page.get_by_role("main")).to_contain_text(re.compile("ba7816bf"))
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE, page.evaluate(WIDE)
