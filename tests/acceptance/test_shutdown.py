"""SIGTERM and Ctrl-C: new jobs are rejected, running ones may finish, the rest is queued again, in bounded time."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from offload.server.serve import OVERDUE_S
from tests.support.caller import Caller, answer
from tests.support.server import Server
from tests.support.small_disk import Disk, disk
from tests.support.spool import half_an_upload, parts
from tests.support.waiting import until_sync

__all__ = ["disk"]

GRACE_S = 5.0
BOUND_S = GRACE_S + OVERDUE_S
"""A service that has not ended by itself is killed then, and has another exit code than 0."""
LONG_GRACE_S = 60.0
HURRIED_S = 15.0


def refused(api: Caller) -> bool:
    """True once the service refuses new work because it stops. Whatever it takes until then is quick."""
    response = api.http.post("/jobs/greet", json={"name": "you"})
    if response.status_code == 202:
        return False
    assert answer(response, 503)["type"] == "/problems/stopping"
    assert "Retry-After" in response.headers
    return True


@pytest.mark.parametrize(
    "end",
    [Server.terminate, Server.terminate_all, Server.interrupt, Server.close_terminal],
    ids=["SIGTERM", "SIGTERM to all", "Ctrl-C", "terminal closed"],
)
def test_work_is_finished_or_queued_again(tmp_path: Path, end: Callable[[Server], None]) -> None:
    quick_gate, slow_gate = tmp_path / "quick", tmp_path / "slow"
    with Server(tmp_path, shutdown_grace_s=GRACE_S) as server:
        api = server.api
        quick, slow, queued = (
            api.submit("hold", {"gate": str(gate)})["id"] for gate in (quick_gate, slow_gate, slow_gate)
        )
        api.lane_of(quick)
        api.lane_of(slow)

        end(server)
        until_sync(lambda: refused(api), what="503 stopping")
        quick_gate.touch()
        until_sync(lambda: api.job(quick)["state"] == "succeeded", what="the first job to finish in the grace")
        assert api.job(slow)["state"] == "running"
        assert api.job(queued)["state"] == "queued"
        assert server.wait(within=GRACE_S + 2) == 0
        until_sync(lambda: not server.family(), what="every process to go")

        api = server.start().api
        assert api.job(quick)["attempt"] == 1
        for job_id in (slow, queued):
            api.lane_of(job_id)
        slow_gate.touch()
        assert [api.succeeded(job_id)["attempt"] for job_id in (slow, queued)] == [1, 1]


@pytest.mark.parametrize("end", [Server.terminate, Server.interrupt], ids=["SIGTERM", "Ctrl-C"])
def test_a_second_signal_hurries(tmp_path: Path, end: Callable[[Server], None]) -> None:
    with Server(tmp_path, shutdown_grace_s=LONG_GRACE_S) as server:
        job_id = server.api.submit("hold", {"gate": str(tmp_path / "gate")})["id"]
        server.api.lane_of(job_id)
        end(server)
        until_sync(lambda: refused(server.api), what="503 stopping")
        end(server)
        assert server.wait(within=HURRIED_S) == 0
        job = server.start().api.job(job_id)
        assert job["attempt"] <= 1
        server.api.cancel(job_id)


def stopping(api: Caller) -> bool:
    return "service" in api.get("/health/ready", expect=503)["parts"]


@contextmanager
def full(server: Server, disk: Disk) -> Iterator[None]:
    """The disk has no space while entered."""
    disk.fill()
    until_sync(lambda: server.api.http.post("/jobs/greet", json={"name": "x" * 5000}).status_code == 507, what="507")
    disk.fill()  # the journal's reserve as well
    yield
    disk.free()


@contextmanager
def locked(server: Server, _: Disk) -> Iterator[None]:
    """Another process would wait for this test's lock on the journal while entered."""
    with closing(sqlite3.connect(server.data_dir / "journal.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield


@pytest.mark.parametrize(
    ("refusing", "again"),
    [
        (full, None),
        (locked, None),
        (full, Server.terminate),
        (locked, Server.interrupt),
        (locked, Server.close_terminal),
    ],
    ids=["full", "locked", "full, SIGTERM twice", "locked, then Ctrl-C", "locked, then terminal closed"],
)
def test_a_journal_that_refuses_writes_does_not_delay_the_shutdown(
    tmp_path: Path,
    disk: Disk,
    refusing: Callable[[Server, Disk], AbstractContextManager[None]],
    again: Callable[[Server], None] | None,
) -> None:
    gate = tmp_path / "gate"
    with Server(disk.directory, shutdown_grace_s=GRACE_S if again is None else LONG_GRACE_S) as server:
        jobs = [server.api.submit("hold", {"gate": str(gate)})["id"] for _ in range(3)]
        for job_id in jobs[:2]:
            server.api.lane_of(job_id)
        with refusing(server, disk):
            server.terminate()
            if again is not None:
                until_sync(lambda: stopping(server.api), what="readiness to say that the service stops")
                again(server)
            assert server.wait(within=BOUND_S) == 0
        api = server.start().api
        gate.touch()
        for job_id in jobs:
            api.succeeded(job_id)


HANGS = """
import signal, sys, time
from offload.server.process import exit_on_signals

exit_on_signals(within=0.2)
try:
    print("ready", flush=True)
    signal.pause()
finally:
    while True:
        try:
            time.sleep(60)
        except BaseException:
            pass
"""


def test_a_service_that_hangs_at_its_end_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", HANGS], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.terminate()
        assert process.wait(HURRIED_S) == -signal.SIGALRM


def test_an_idle_service_ends_immediately(tmp_path: Path) -> None:
    with Server(tmp_path, shutdown_grace_s=LONG_GRACE_S) as server:
        server.terminate()
        assert server.wait(within=HURRIED_S) == 0


@pytest.mark.parametrize("end", [Server.terminate, Server.interrupt], ids=["SIGTERM", "Ctrl-C"])
@pytest.mark.parametrize("begun", ["offload.lock", "run/listener-*", "run/board.sock"])
def test_a_signal_during_the_start_ends_the_service(tmp_path: Path, begun: str, end: Callable[[Server], None]) -> None:
    with closing(Server(tmp_path)) as server:
        server.launch()
        until_sync(lambda: list(server.data_dir.glob(begun)), what="the service to begin")
        end(server)
        assert server.wait(within=HURRIED_S) == 0


def test_a_signal_while_a_task_is_imported_is_no_failed_import(tmp_path: Path) -> None:
    (tmp_path / "slow_module.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGTERM)\nf = None\n")
    with closing(Server(tmp_path, tasks="slow_module:f")) as server:
        server.environment["PYTHONPATH"] = str(tmp_path)
        server.launch()
        assert server.wait(within=HURRIED_S) == 0
        assert "slow_module" not in server.stderr


SWALLOWS = """
import os, signal, sys

class Finalised:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)

class Finder:
    def find_spec(self, name, path, target=None):
        if name == {module!r}:
            sys.meta_path.remove(self)
            Finalised()

sys.meta_path.insert(0, Finder())
"""
"""Has the signal come where Python lets nothing be raised, at the import of a module."""


@pytest.mark.parametrize("module", ["uvicorn", "uvloop"])
def test_a_signal_whose_exception_python_drops_is_repeated(tmp_path: Path, module: str) -> None:
    (tmp_path / "sitecustomize.py").write_text(SWALLOWS.format(module=module))
    with closing(Server(tmp_path)) as server:
        server.environment["PYTHONPATH"] = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[2])])
        server.launch()
        assert server.wait(within=HURRIED_S) == 0


def test_waiting_requests_get_a_response(tmp_path: Path) -> None:
    with Server(tmp_path, shutdown_grace_s=GRACE_S) as server, ThreadPoolExecutor(1) as beside:
        job_id = server.api.submit("hold", {"gate": str(tmp_path / "gate")})["id"]
        server.api.lane_of(job_id)
        waiting = beside.submit(httpx.get, f"{server.api.http.base_url}/jobs/{job_id}?wait=60", timeout=60)
        until_sync(lambda: connections(server) == 2, what="the waiting request to be there")
        server.terminate()
        job = answer(waiting.result(timeout=HURRIED_S), 200)
        assert job["state"] in {"running", "queued"}
        assert server.wait() == 0
        server.start().api.cancel(job_id)


def connections(server: Server) -> int:
    """How many clients the service has accepted and not lost."""
    return sum(c.status == "ESTABLISHED" for c in psutil.Process(server.process.pid).net_connections("tcp"))


def test_an_upload_in_progress_does_not_delay_the_shutdown(tmp_path: Path) -> None:
    with Server(tmp_path, shutdown_grace_s=GRACE_S) as server, half_an_upload(server) as client:
        server.terminate()
        assert server.wait(within=HURRIED_S) == 0
        head, _, body = client.makefile("rb").read().partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 503 ")
        assert json.loads(body)["type"] == "/problems/stopping"
        assert not parts(server)
