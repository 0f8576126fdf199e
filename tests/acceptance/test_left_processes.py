"""Processes that a task leaves behind: without the service's environment, in another session, forked twice, or in place
of the lane. However the attempt or the service ends, none of them is left.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.support.server import Server
from tests.support.traces import alive
from tests.support.waiting import until_sync

TASKS = "leave=daemon_tasks:leave, replace=daemon_tasks:replace"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path, tasks=TASKS) as server:
        yield server


def left_by(pidfile: Path) -> list[psutil.Process]:
    until_sync(pidfile.exists, what="the task's processes")
    return [psutil.Process(int(pid)) for pid in pidfile.read_text().split()]


def left_by_a_running_attempt(server: Server, home: Path) -> list[psutil.Process]:
    """Returns the processes of two attempts that run until they are stopped."""
    server.api.submit("leave", {"pidfile": str(home / "left"), "gate": str(home / "gate")})
    server.api.submit("replace", {"pidfile": str(home / "replaced")})
    found = [*left_by(home / "left"), *left_by(home / "replaced")]
    until_sync(lambda: "sleep" in found[-1].cmdline(), what="another program in place of the lane's")
    return found


def gone(processes: list[psutil.Process]) -> None:
    try:
        until_sync(lambda: not [process for process in processes if alive(process)], what=f"{processes} to end")
    finally:
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()


def test_at_the_attempts_end(server: Server, tmp_path: Path) -> None:
    server.api.succeeded(server.api.submit("leave", {"pidfile": str(tmp_path / "left")})["id"])
    gone(left_by(tmp_path / "left"))
    server.api.idle_lanes()


@pytest.mark.parametrize("how", ["cancel", "time limit"])
def test_when_the_attempt_is_stopped(server: Server, tmp_path: Path, how: str) -> None:
    limit = 1.0 if how == "time limit" else 60.0
    left = {"pidfile": str(tmp_path / "left"), "gate": str(tmp_path / "gate")}
    jobs = [server.api.submit("leave", left, timeout_s=limit)["id"]]
    jobs += [server.api.submit("replace", {"pidfile": str(tmp_path / "replaced")}, timeout_s=limit)["id"]]
    processes = [*left_by(tmp_path / "left"), *left_by(tmp_path / "replaced")]
    for job_id in jobs:
        if how == "cancel":
            server.api.cancel(job_id)
        else:
            server.api.failed(job_id, "timed-out")
    gone(processes)
    server.api.idle_lanes()


def test_when_the_service_is_stopped(server: Server, tmp_path: Path) -> None:
    processes = left_by_a_running_attempt(server, tmp_path)
    server.stop()
    gone(processes)


def test_when_the_server_is_killed(server: Server, tmp_path: Path) -> None:
    processes = left_by_a_running_attempt(server, tmp_path)
    server.kill()
    gone(processes)
    server.start()


def test_at_the_next_start_when_all_of_the_service_was_killed(server: Server, tmp_path: Path) -> None:
    processes = left_by_a_running_attempt(server, tmp_path)
    forkserver = server.forkserver()
    forkserver.suspend()
    server.kill()
    forkserver.kill()
    server.start()
    gone(processes)
