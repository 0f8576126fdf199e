"""kill -9 and SIGSTOP of every process except the server: lost attempts run again, and other jobs are not affected."""

import time
from pathlib import Path

from psutil import STATUS_STOPPED

from tests.support.caller import Caller, Json
from tests.support.server import Server
from tests.support.traces import alive
from tests.support.waiting import until_sync

POLL_S = 1.0
"""What a poll may take at most while a part of the service hangs; an answer that waited for it would take longer."""


def second_attempt(api: Caller, job_id: str) -> Json:
    return until_sync(
        lambda: job if (job := api.job(job_id))["attempt"] == 2 and job["state"] == "running" else None,
        what="a second attempt",
    )


def test_a_busy_lane_costs_one_attempt_of_one_job(api: Caller, gate: Path) -> None:
    struck, spared = (api.submit("hold", {"gate": str(gate)})["id"] for _ in range(2))
    lane, other = api.lane_of(struck), api.lane_of(spared)
    lane.kill()
    second_attempt(api, struck)
    assert api.lane_of(struck) not in {lane, other}
    assert api.lane_of(spared) == other
    gate.touch()
    assert api.succeeded(struck)["attempt"] == 2
    job = api.succeeded(spared)
    assert (job["attempt"], job["result"]) == (1, other.pid)


def test_an_idle_lane_is_opened_again(api: Caller) -> None:
    lane, other = api.idle_lanes()
    lane.kill()
    until_sync(lambda: lane not in (lanes := api.idle_lanes()) and other in lanes, what="another lane")
    both = [api.submit("greet", {"name": "you"})["id"] for _ in range(2)]
    assert [api.succeeded(job_id)["attempt"] for job_id in both] == [1, 1]


def test_all_lanes_are_killed_together(api: Caller, gate: Path) -> None:
    jobs = [api.submit("hold", {"gate": str(gate)})["id"] for _ in range(2)]
    for lane in [api.lane_of(job_id) for job_id in jobs]:
        lane.kill()
    for job_id in jobs:
        second_attempt(api, job_id)
    gate.touch()
    assert [api.succeeded(job_id)["attempt"] for job_id in jobs] == [2, 2]


def test_the_forkserver_is_killed(server: Server, api: Caller, gate: Path) -> None:
    jobs = [api.submit("hold", {"gate": str(gate)})["id"] for _ in range(2)]
    lanes = [api.lane_of(job_id) for job_id in jobs]
    server.forkserver().kill()
    for job_id in jobs:
        second_attempt(api, job_id)
    assert not [lane for lane in lanes if alive(lane)], "a first attempt runs beside the second"
    gate.touch()
    assert [api.succeeded(job_id)["attempt"] for job_id in jobs] == [2, 2]
    until_sync(lambda: api.http.get("/health/ready").status_code == 200, what="readiness")


def test_the_manager_is_killed(server: Server, api: Caller, gate: Path) -> None:
    job_id = api.submit("count", {"gate": str(gate)})["id"]
    before = steps(api, job_id, beyond=0)
    manager = server.manager()
    manager.kill()
    until_sync(lambda: not alive(manager), what="the Manager to die")
    until_sync(lambda: api.http.get("/health/ready").status_code == 200, what="readiness")
    steps(api, job_id, beyond=before)
    gate.touch()
    assert api.succeeded(job_id)["attempt"] == 1


def test_the_manager_hangs(server: Server, api: Caller, gate: Path) -> None:
    job_id = api.submit("count", {"gate": str(gate)})["id"]
    before = steps(api, job_id, beyond=0)
    manager = server.manager()
    manager.suspend()
    slowest = 0.0

    def replaced() -> bool:
        nonlocal slowest
        asked = time.monotonic()
        assert api.job(job_id)["state"] == "running"
        slowest = max(slowest, time.monotonic() - asked)
        return not alive(manager)

    until_sync(replaced, what="the Manager to be replaced")
    assert slowest < POLL_S
    steps(api, job_id, beyond=before)
    gate.touch()
    assert api.succeeded(job_id)["attempt"] == 1


def steps(api: Caller, job_id: str, *, beyond: int) -> int:
    """The progress of a running `count`, once it is past a number."""

    def done() -> int:
        progress = api.job(job_id)["progress"]
        return int(progress["done"]) if progress and progress["done"] > beyond else 0

    return until_sync(done, what=f"progress beyond {beyond}")


def test_a_busy_lane_that_stays_suspended_costs_one_attempt(api: Caller, gate: Path) -> None:
    job_id = api.submit("hold", {"gate": str(gate)})["id"]
    lane = api.lane_of(job_id)
    lane.suspend()
    second_attempt(api, job_id)
    assert not alive(lane)
    gate.touch()
    assert api.succeeded(job_id)["attempt"] == 2


def test_idle_lanes_that_are_suspended_cost_no_attempt(api: Caller) -> None:
    lanes = api.idle_lanes()
    for lane in lanes:
        lane.suspend()
    until_sync(lambda: all(lane.status() == STATUS_STOPPED for lane in lanes), what="the lanes to be suspended")
    both = [api.submit("greet", {"name": "you"})["id"] for _ in range(2)]
    assert [api.succeeded(job_id)["attempt"] for job_id in both] == [1, 1]
    api.idle_lanes()


def test_an_idle_lane_that_hangs_is_found_by_the_readiness_check(api: Caller) -> None:
    lane, _ = api.idle_lanes()
    lane.suspend()
    until_sync(lambda: api.http.get("/health/ready").status_code == 200 and not alive(lane), what="another lane")
    api.idle_lanes()
    both = [api.submit("greet", {"name": "you"})["id"] for _ in range(2)]
    assert [api.succeeded(job_id)["attempt"] for job_id in both] == [1, 1]
