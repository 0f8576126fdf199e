"""A task can use Offload itself: its client, its commands, even a service of its own. It can use multiprocessing."""

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.support.server import Server
from tests.support.traces import alive
from tests.support.waiting import until_sync


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    tasks = "serve=nesting_tasks:serve, pool=nesting_tasks:pool"
    with Server(tmp_path_factory.mktemp("service"), tasks=tasks) as server:
        yield server


def test_a_task_can_run_a_service(server: Server, tmp_path: Path) -> None:
    params = {"directory": str(tmp_path / "inner"), "pidfile": str(tmp_path / "left")}
    job = server.api.succeeded(server.api.submit("serve", params)["id"])
    assert job["result"] == [0, 0]
    left = [int(pid) for pid in (tmp_path / "left").read_text().split()]
    until_sync(lambda: not any(psutil.pid_exists(pid) for pid in left), what=f"{left} to end")


def test_a_service_in_a_task_ends_with_the_task(server: Server, tmp_path: Path) -> None:
    gate = {"gate": str(tmp_path / "gate")}
    params = {"directory": str(tmp_path / "inner"), "pidfile": str(tmp_path / "left"), **gate}
    job_id = server.api.submit("serve", params)["id"]
    until_sync((tmp_path / "left").exists, what="the inner job's processes")
    left = [psutil.Process(int(pid)) for pid in (tmp_path / "left").read_text().split()]
    inner = server.api.lane_of(job_id).children(recursive=True)
    assert set(left) <= set(inner)
    server.api.cancel(job_id)
    until_sync(lambda: not [one for one in inner if alive(one)], what=f"{inner} to end")
    server.api.idle_lanes()


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_task_can_use_a_pool_of_processes(server: Server, method: str) -> None:
    assert server.api.succeeded(server.api.submit("pool", {"method": method})["id"])["result"] == [1, 2, 3]
