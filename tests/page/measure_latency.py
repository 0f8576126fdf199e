"""Measures the time from the end of a task to the frame in which Chromium shows its job as succeeded.

Run it as `python -m tests.page.measure_latency`. It measures an idle service, one with every core busy, and one that
runs a batch of 10,000 jobs. The task returns the time of its end; the page's clock gives the time of the frame.
"""

import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import Page

from tests.support.browser import chromium, new_context
from tests.support.caller import Caller, answer
from tests.support.server import Server
from tests.support.waiting import until_sync

JOBS = 60
ROOT = Path(__file__).parents[2]

RECORD_ENDS = """() => {
  window.ends = {};
  const look = () => {
    for (const link of document.querySelectorAll("main tbody a")) {
      const id = new URL(link.href).searchParams.get("job");
      if (id && !(id in window.ends) && link.closest("tr").innerText.includes("succeeded")) {
        window.ends[id] = Date.now() / 1000;
      }
    }
    requestAnimationFrame(look);
  };
  look();
}"""


def latencies(page: Page, api: Caller) -> list[float]:
    """Returns the latency of each job in seconds."""
    page.goto("/?view=jobs&label=measured&task=moment")
    page.get_by_role("heading", name="Jobs").wait_for()
    page.evaluate(RECORD_ENDS)
    ended = [api.succeeded(api.submit("moment", {}, priority=100, label="measured")["id"]) for _ in range(JOBS)]
    ids = [job["id"] for job in ended]
    until_sync(lambda: page.evaluate("ids => ids.every((id) => id in window.ends)", ids), what="all rows")
    seen = page.evaluate("window.ends")
    for job in ended:
        assert api.http.delete(f"/jobs/{job['id']}").status_code == 204
    return [seen[job["id"]] - job["result"] for job in ended]


def summary(name: str, seconds: Sequence[float]) -> str:
    """Returns one line of the output, in milliseconds."""
    ordered = sorted(seconds)
    p50, p95 = statistics.median(ordered), ordered[int(len(ordered) * 0.95)]
    return f"{name:28} p50 {p50 * 1000:6.1f} ms   p95 {p95 * 1000:6.1f} ms   max {ordered[-1] * 1000:6.1f} ms"


def main() -> None:
    """Prints a line for each load."""
    with tempfile.TemporaryDirectory() as directory, chromium() as browser:
        server = Server(Path(directory), tasks="tests.page.studio_tasks:moment")
        server.environment["PYTHONPATH"] = str(ROOT)
        with server:
            api = server.api
            page = new_context(browser, str(api.http.base_url)).new_page()
            print(summary("idle", latencies(page, api)))
            for _ in range(8):
                api.submit("fibonacci", {"n": 33, "algorithm": "recursive"}, label="load")
            print(summary("every core busy", latencies(page, api)))
            jobs = [{"task": "fibonacci", "params": {"n": number}} for number in range(10_000)]
            answer(api.http.post("/batches", json={"jobs": jobs}), 202)
            print(summary("a batch of 10,000 runs", latencies(page, api)))
            page.close()


if __name__ == "__main__":
    main()
