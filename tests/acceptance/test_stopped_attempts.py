"""Cancel, time limit and memory limit: the process ends, whatever it is doing, and the lane is replaced."""

import time
from pathlib import Path

import pytest

from tests.support.caller import Caller
from tests.support.server import Server
from tests.support.traces import alive
from tests.support.waiting import until_sync

CANCEL_S = 3.0
"""The contract says a second, of a machine that has one to spare."""


@pytest.mark.parametrize(
    ("task", "params"),
    [("fibonacci", {"n": 40, "algorithm": "recursive"}), ("grind", {}), ("spin", {})],
    ids=["recursion", "C code", "endless loop"],
)
def test_cancel_returns_when_the_process_has_ended(api: Caller, task: str, params: dict[str, object]) -> None:
    job_id = api.submit(task, params)["id"]
    lane = api.lane_of(job_id)
    asked = time.monotonic()
    job = api.cancel(job_id)
    assert time.monotonic() - asked < CANCEL_S
    assert not alive(lane)
    assert (job["state"], job["result"], job["error"]) == ("cancelled", None, None)
    assert api.get(f"/jobs/{job_id}/result", expect=409)["type"] == "/problems/job-cancelled"
    assert lane not in api.idle_lanes()


def test_a_queued_job_is_cancelled_without_a_process(api: Caller, gate: Path) -> None:
    held = [api.submit("hold", {"gate": str(gate)})["id"] for _ in range(2)]
    queued = api.submit("hold", {"gate": str(gate)})["id"]
    for job_id in held:
        api.lane_of(job_id)
    assert api.job(queued)["state"] == "queued"
    job = api.cancel(queued)
    assert (job["state"], job["attempt"], job["started_at"]) == ("cancelled", 0, None)
    gate.touch()
    for job_id in held:
        api.succeeded(job_id)
    assert api.job(queued)["state"] == "cancelled"


def test_cancel_may_be_repeated(api: Caller) -> None:
    job_id = api.submit("spin", {})["id"]
    first = api.cancel(job_id)
    assert api.cancel(job_id) == first


def test_a_finished_job_can_not_be_cancelled(api: Caller) -> None:
    job = api.succeeded(api.submit("greet", {"name": "you"})["id"])
    assert api.cancel(job["id"], expect=409)["type"] == "/problems/job-finished"
    assert api.job(job["id"]) == job


@pytest.mark.parametrize("task", ["spin", "grind"])
def test_the_time_limit_ends_the_attempt_permanently(api: Caller, task: str) -> None:
    job_id = api.submit(task, {}, timeout_s=0.5)["id"]
    lane = api.lane_of(job_id)
    job = api.failed(job_id, "timed-out")
    assert not alive(lane)
    assert job["attempt"] == 1
    assert 0.5 <= job["usage"]["wall_s"] < 1.5
    assert lane not in api.idle_lanes()


def test_the_memory_limit_ends_the_attempt_and_no_other(api: Caller, gate: Path) -> None:
    spared = api.submit("hold", {"gate": str(gate)})["id"]
    other = api.lane_of(spared)
    job = api.failed(api.submit("eat", {}, memory_mb=96)["id"], "memory-exceeded")
    assert job["attempt"] == 1
    assert "96" in job["error"]["detail"]
    gate.touch()
    job = api.succeeded(spared)
    assert (job["attempt"], job["result"]) == (1, other.pid)
    api.idle_lanes()


def test_processes_that_a_task_has_started_end_with_it(server: Server, api: Caller) -> None:
    child = api.succeeded(api.submit("beget", {})["id"])["result"]
    until_sync(lambda: child not in {process.pid for process in server.family()}, what=f"process {child} to go")
    api.idle_lanes()
