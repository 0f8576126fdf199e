"""Whatever is killed, neither the next start nor the end of the service leaves files in /dev/shm or in `run/`."""

import json
import os
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import psutil
import pytest

from offload.wire.process_mark import Mark
from tests.support.server import Server
from tests.support.traces import alive
from tests.support.waiting import until_sync

SHARED_MEMORY = Path("/dev/shm")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path, tasks="shared_memory_tasks:litter, sample_tasks:greet")
    try:
        yield server.start()
    finally:
        server.close()
        assert not semaphores(server)
        assert not list((server.data_dir / "run").glob("*"))


def semaphores(server: Server) -> set[str]:
    """Returns the semaphores of all services that have used this data directory."""
    directory = Mark.of_this_service(server.data_dir).directory
    return {path.name for path in SHARED_MEMORY.glob(f"sem.offload-{directory:x}-*")}


def replaced(server: Server, lanes: Sequence[psutil.Process]) -> bool:
    """Returns True when other processes are idle lanes now."""
    new = server.api.lanes()
    return {lane["state"] for lane in new} == {"idle"} and not {lane["pid"] for lane in new} & {
        lane.pid for lane in lanes
    }


def litter(server: Server, tmp_path: Path) -> tuple[str, psutil.Process, list[Path]]:
    """Starts a job that leaves files. Returns its id, its lane and the files."""
    note = tmp_path / "note"
    job = server.api.submit("litter", {"note": str(note), "gate": str(tmp_path / "gate")}, max_attempts=1)["id"]
    lane = server.api.lane_of(job)
    until_sync(note.exists, what="what the task leaves")
    left = [Path(name) for name in json.loads(note.read_text())]
    assert all(path.exists() for path in left)
    return job, lane, left


def test_all_processes_are_killed_at_once(server: Server) -> None:
    earlier = semaphores(server)
    assert earlier
    server.note_semaphores()
    family = server.family()
    for process in family:
        process.suspend()
    for process in family:
        process.kill()
    server.process.wait()
    until_sync(lambda: not server.family(), what="no process")
    assert semaphores(server), "the resource tracker could not remove them"
    server.start()
    assert not semaphores(server) & earlier
    assert len(semaphores(server)) == len(earlier)


def test_a_starting_service_is_killed(server: Server) -> None:
    server.stop()
    for processes in (
        1,
        3,
        5,
    ):  # the service, with the resource tracker and the forkserver, with the Manager and a lane
        server.launch()
        until_sync(partial(has_processes, server, processes), what="a starting service")
        family = server.family()
        server.process.kill()
        server.process.wait()
    server.start()
    assert not any(alive(process) for process in family)
    assert sorted(path.name.partition("-")[0] for path in (server.data_dir / "run").iterdir()) == RUNNING


def has_processes(server: Server, number: int) -> bool:
    """Returns True when the service has started so many."""
    return len(server.family()) >= number


RUNNING = ["board.sock", "lane", "lane", "listener"]
"""The files in `run/` of a service with two lanes."""


def test_the_forkserver_is_killed_again_and_again(server: Server) -> None:
    run = server.data_dir / "run"
    for _ in range(3):
        lanes = [psutil.Process(lane["pid"]) for lane in server.api.lanes()]
        server.forkserver().kill()
        until_sync(partial(replaced, server, lanes), what="new lanes")
    until_sync(lambda: server.api.http.get("/health/ready").status_code == 200, what="a new Manager")
    names = until_sync(
        lambda: names if (names := [path.name.partition("-")[0] for path in run.iterdir()]).count("lane") == 2 else None
    )
    assert sorted(names) == RUNNING


def test_files_of_a_task_go_with_its_lane(server: Server, tmp_path: Path) -> None:
    other = SHARED_MEMORY / f"sem.loky-{os.getpid()}-abcdefg"
    other.touch()
    try:
        job, _, left = litter(server, tmp_path)
        server.api.cancel(job)
        until_sync(lambda: not [path for path in left if path.exists()], what="nothing left")
        assert other.exists()
    finally:
        other.unlink()


def test_files_of_a_task_go_with_the_start_after_a_kill(server: Server, tmp_path: Path) -> None:
    job, lane, left = litter(server, tmp_path)
    server.kill()
    until_sync(lambda: not alive(lane), what="the lane to end")
    (tmp_path / "gate").touch()
    server.start()
    server.api.failed(job, "interrupted")
    assert not [path for path in left if path.exists()]
