"""The machine allows no more processes and threads for a while. The service continues by itself when it does again."""

from pathlib import Path

import psutil

from tests.support.no_processes import no_new_processes
from tests.support.running_service import gate
from tests.support.server import Server
from tests.support.waiting import until_sync

__all__ = ["gate"]


def states(server: Server) -> set[str]:
    """Returns what the lanes do."""
    return {lane["state"] for lane in server.api.lanes()}


def test_jobs_wait_until_lanes_can_be_opened_again(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        lanes = [psutil.Process(lane["pid"]) for lane in server.api.lanes()]
        with no_new_processes(server.family()):
            for lane in lanes:
                lane.kill()
            until_sync(
                lambda: server.api.http.get("/health/ready").status_code == 503, what="the service not to be ready"
            )
            job = server.api.submit("greet", {"name": "Ada"}, max_attempts=1)["id"]
            until_sync(lambda: all(lane["problem"] for lane in server.api.lanes()), what="reasons")
            problem = server.api.get("/health/ready", expect=503)
            assert "no process and no thread can be started now" in problem["parts"]["lanes"]
            assert server.api.job(job)["state"] == "queued"
        assert server.api.succeeded(job)["attempt"] == 1
        until_sync(lambda: states(server) == {"idle"}, what="two idle lanes")
        server.api.get("/health/ready")
        assert [lane["problem"] for lane in server.api.lanes()] == [None, None]


def test_an_attempt_on_another_lane_does_not_notice(tmp_path: Path, gate: Path) -> None:
    with Server(tmp_path) as server:
        job = server.api.submit("hold", {"gate": str(gate)}, max_attempts=1)["id"]
        until_sync(lambda: states(server) == {"busy", "idle"}, what="a running job")
        (idle,) = (lane["pid"] for lane in server.api.lanes() if lane["state"] == "idle")
        with no_new_processes([server.forkserver()]):
            psutil.Process(idle).kill()
            until_sync(lambda: states(server) == {"busy", "opening"}, what="an opening lane")
            assert server.api.job(job)["state"] == "running"
        until_sync(lambda: states(server) == {"busy", "idle"}, what="an idle lane")
        gate.touch()
        assert server.api.succeeded(job)["attempt"] == 1
