"""Overload is rejected explicitly."""

from pathlib import Path

import psutil

from tests.support.caller import answer
from tests.support.server import Server

ALLOWED_GROWTH = 4 << 20
"""Bytes that 2,000 refused requests may cost: noise of the allocator. A kilobyte kept of each would be half of it."""


def test_a_full_queue_rejects_jobs_until_one_has_ended(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    with Server(tmp_path, lanes=1, queue_limit=20) as server:
        api = server.api
        running = api.submit("hold", {"gate": str(gate)})["id"]
        api.lane_of(running)
        queued = [api.submit("greet", {"name": "you"})["id"] for _ in range(20)]
        refused = api.http.post("/jobs/greet", json={"name": "you"})
        assert answer(refused, 503)["type"] == "/problems/queue-full"
        assert int(refused.headers["Retry-After"]) >= 1
        assert len(api.get("/jobs")["jobs"]) == 21

        api.cancel(queued.pop())
        queued.append(api.submit("greet", {"name": "you"})["id"])
        gate.touch()
        for job_id in [running, *queued]:
            api.succeeded(job_id)
        api.succeeded(api.submit("greet", {"name": "you"})["id"])


def test_memory_stays_flat_while_jobs_are_rejected(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    with Server(tmp_path, lanes=1, queue_limit=20) as server:
        api = server.api
        api.lane_of(api.submit("hold", {"gate": str(gate)})["id"])
        for _ in range(20):
            api.submit("greet", {"name": "you"})

        def refusals(number: int) -> int:
            for _ in range(number):
                api.submit("greet", {"name": "you" * 1000}, expect=503)
            return psutil.Process(server.process.pid).memory_info().rss

        settled = refusals(200)
        assert refusals(2_000) - settled < ALLOWED_GROWTH
        gate.touch()


def test_large_parameters_fill_the_queue_before_they_fill_the_memory(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    with Server(tmp_path, lanes=1, queue_max_mb=4) as server:
        api = server.api
        running = api.submit("hold", {"gate": str(gate)})["id"]
        api.lane_of(running)
        large = {"name": "x" * 900_000}
        accepted = [api.submit("greet", large)["id"] for _ in range(4)]
        assert api.submit("greet", large, expect=503)["type"] == "/problems/queue-full"
        gate.touch()
        for job_id in accepted:
            api.succeeded(job_id)
        api.submit("greet", large)
