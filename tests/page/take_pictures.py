"""Takes the README's pictures of the page from a running service: `python -m tests.page.take_pictures`.

The history is written into the journal before the start, and the tasks of `studio_tasks` stop at a fixed progress. So
only times, ids and pids differ between runs.
"""

import tempfile
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.page.journal_history import write_history
from tests.support.browser import Colours, chromium, new_context
from tests.support.caller import Caller
from tests.support.keys import ALICE, BOB, ENTRIES, ROOT
from tests.support.server import Server

HERE = Path(__file__).parents[2]
PICTURES = HERE / "docs" / "pictures"
TASKS = "render train transcode thumbnail"
COLOURS: tuple[Colours, Colours] = ("light", "dark")


def main() -> None:
    """Writes every picture."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as directory:
        write_history(Path(directory) / "data", owners=("alice", "bob"))
        tasks = ", ".join(f"tests.page.studio_tasks:{name}" for name in TASKS.split())
        server = Server(Path(directory), lanes=4, tasks=tasks, api_keys=ENTRIES, shutdown_grace_s=0)
        server.environment["PYTHONPATH"] = str(HERE)
        with server:
            make_busy(server.api_with(ALICE), server.api_with(BOB), server.api_with(ROOT))
            with chromium() as browser:
                context = new_context(browser, str(server.api.http.base_url))
                page = context.new_page()
                for colours in COLOURS:
                    page.emulate_media(color_scheme=colours)
                    overview(page, colours)
                    form(page, colours)
                context.close()


def make_busy(alice: Caller, bob: Caller, root: Caller) -> None:
    """Fills the lanes, and the queue with jobs of both owners."""
    bob.succeeded(bob.submit("thumbnail", {"photo": "lighthouse.jpg"}, label="autumn")["id"])
    bob.ended(bob.submit("transcode", {"film": "harbour at dawn.lost"}, label="archive")["id"])
    bob.succeeded(bob.submit("transcode", {"film": "harbour at noon"}, label="archive")["id"])
    for caller, task, params in (
        (alice, "render", {"scene": "harbour at dawn"}),
        (bob, "train", {"corpus": "letters of sailors"}),
        (alice, "render", {"scene": "lighthouse", "frames": 480}),
        (bob, "render", {"scene": "fog over the bay", "quality": "draft"}),
    ):
        root.lane_of(caller.submit(task, params)["id"])
    for caller, priority, number in (alice, 10, 3), (bob, 0, 12), (alice, 0, 7), (bob, -5, 24):
        for _ in range(number):
            caller.submit("thumbnail", {"photo": "lighthouse.jpg"}, priority=priority)


def visit(page: Page, path: str, *, height: int) -> None:
    page.set_viewport_size({"width": 1200, "height": height})
    page.goto(path)
    key = page.get_by_role("dialog").get_by_label("Key")
    expect(key.or_(page.get_by_role("button", name="Forget the key")).first).to_be_visible()
    if key.is_visible():
        key.fill(ROOT)
        page.get_by_role("button", name="Use this key").click()


def overview(page: Page, colours: Colours) -> None:
    visit(page, "/", height=800)
    expect(page.get_by_role("progressbar")).to_have_count(4)
    expect(page.get_by_role("img", name="Finished jobs").locator("canvas")).to_be_visible()
    expect(page.get_by_role("img", name="Run time").locator("canvas")).to_be_visible()
    take(page, f"page-overview-{colours}")


def form(page: Page, colours: Colours) -> None:
    visit(page, "/?view=submit&task=render", height=820)
    page.get_by_label("scene").fill("harbour at dawn")
    take(page, f"page-submit-{colours}")


def take(page: Page, name: str) -> None:
    page.evaluate("document.activeElement?.blur()")
    page.screenshot(path=PICTURES / f"{name}.png", animations="disabled")


if __name__ == "__main__":
    main()
