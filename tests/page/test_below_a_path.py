"""The page below a path, behind nginx as docs/operating.md configures it."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.docs.pages import blocks
from tests.docs.test_proxies import NGINX, PAGE, free_port
from tests.page.conftest import Visit
from tests.support.server import Server
from tests.support.waiting import until_sync

AROUND = """
server {{
    listen 127.0.0.1:{port};
    {location}
}}
"""


@dataclass(frozen=True, slots=True)
class Below:
    """The address of the service below its path."""

    url: str


@pytest.fixture(scope="module")
def below(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Below]:
    here, port = tmp_path_factory.mktemp("nginx"), free_port()
    (location,) = [block.text for block in blocks(PAGE) if block.file == "below.conf"]
    assert "127.0.0.1:8000" in location
    location = location.replace("127.0.0.1:8000", server.url.removeprefix("http://"))
    (here / "offload.conf").write_text(AROUND.format(port=port, location=location))
    (here / "nginx.conf").write_text(NGINX.format(here=here))
    with (here / "output").open("wb") as output:
        nginx = subprocess.Popen(["nginx", "-p", here, "-c", here / "nginx.conf"], stdout=output, stderr=output)
    try:
        until_sync(lambda: nginx.poll() is not None or (here / "nginx.pid").exists(), what="nginx to start")
        assert nginx.poll() is None, (here / "output").read_text()
        yield Below(f"http://127.0.0.1:{port}")
    finally:
        nginx.terminate()
        nginx.wait(10)


def test_a_job_is_submitted_followed_and_shown(visit: Visit, below: Below, gate: Path) -> None:
    page = visit(below, "/offload/?view=submit&task=hold")
    page.get_by_label("gate").fill(str(gate))
    page.get_by_role("button", name="Submit").click()
    expect(page).to_have_url(re.compile(rf"{below.url}/offload/\?view=job&job=[0-9a-f-]{{36}}$"))
    expect(page.get_by_role("main")).to_contain_text("running")
    gate.touch()  # the end comes by the stream of events
    expect(page.get_by_role("main")).to_contain_text("succeeded")
    page.get_by_role("navigation", name="Views").get_by_role("link", name="Jobs").click()
    expect(page).to_have_url(f"{below.url}/offload/?view=jobs")
    expect(page.get_by_role("link", name="hold").first).to_be_visible()


def test_swagger_ui_runs_a_task(visit: Visit, below: Below) -> None:
    page = visit(below, "/offload/docs")
    operation = page.locator("#operations-submit-submit_fibonacci")
    operation.locator(".opblock-summary-control").click()
    operation.get_by_role("button", name="Execute").click()
    expect(operation.locator(".request-url")).to_contain_text(f"{below.url}/offload/jobs/fibonacci")
    expect(operation.locator(".live-responses-table")).to_contain_text("202")


def test_the_links_of_the_footer_lead_below_the_path(visit: Visit, below: Below) -> None:
    page = visit(below, "/offload/")
    page.get_by_role("link", name="Problems").click()
    expect(page).to_have_url(f"{below.url}/offload/problems")
    page.get_by_role("link", name="queue-full").click()
    expect(page).to_have_url(f"{below.url}/offload/problems/queue-full")
