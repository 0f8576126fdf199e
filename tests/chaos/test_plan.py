"""The plan of faults, and that the checks of a run detect each kind of failure."""

from collections import Counter

import pytest

from tests.chaos.checks import CANCEL, Resources, check_jobs, check_times
from tests.chaos.ledger import Ledger, Line
from tests.chaos.load.work import Work
from tests.chaos.plan import SERVICE_FAULTS, WEIGHTS, Fault, plan
from tests.chaos.times import Times
from tests.support.caller import Json


def test_a_seed_makes_one_plan() -> None:
    assert plan(7, 100) == plan(7, 100)
    assert plan(7, 100) != plan(8, 100)


@pytest.mark.parametrize("faults", [1, 40, 1000])
def test_a_plan_has_as_many_faults_as_asked_for(faults: int) -> None:
    made = plan(1, faults)
    assert sum(len(injection.faults) for injection in (*made.first, *made.second)) == faults


def test_a_long_plan_has_all_faults_and_does_not_end_the_service_in_its_second_phase() -> None:
    made = plan(1, 1000)
    assert WEIGHTS.keys() == set(Fault)
    assert {fault for injection in made.first for fault in injection.faults} == set(Fault)
    assert not {fault for injection in made.second for fault in injection.faults} & SERVICE_FAULTS
    assert Counter(len(injection.faults) for injection in made.first).keys() == {1, 2}


GREET = Work(task="greet", params={"name": "you", "times": 1})
"""Its result is known, and it records its beginnings."""


def ended(state: str = "succeeded", **fields: object) -> Json:
    return {"id": "a", "labels": ["c0-1"], "state": state, "attempt": 1, "max_attempts": 2, **fields}


def ledger(work: Work = GREET) -> tuple[Ledger, Line]:
    line = Line("c0-1", work, key=None, id="a")
    return Ledger({line.label: line}), line


def test_a_correct_end_is_not_reported() -> None:
    kept, line = ledger()
    kept.note(line, ended())
    kept.note(line, ended())
    kept.check_result(line, b'{"lines":["Hello, you!"]}')
    assert kept.broken + check_jobs(kept, [ended()]) == []


def test_a_wrong_result_is_reported() -> None:
    kept, line = ledger()
    kept.check_result(line, b'{"lines":["Hello, you"]}')
    assert kept.broken


@pytest.mark.parametrize(
    "job",
    [
        ended(attempt=3),
        ended("cancelled"),
        ended("failed", error={"type": "/problems/timed-out"}),
        ended("failed", error={"type": "/problems/worker-died"}),
    ],
    ids=["too many attempts", "cancelled by no client", "not the failure of the task", "lost with an attempt left"],
)
def test_a_wrong_end_is_reported(job: Json) -> None:
    kept, line = ledger()
    kept.note(line, job)
    assert kept.broken


def test_a_terminal_job_that_changes_is_reported() -> None:
    kept, line = ledger()
    kept.note(line, ended())
    kept.note(line, ended("running"))
    assert kept.broken


def test_a_lost_doubled_stuck_or_foreign_job_is_reported() -> None:
    kept, line = ledger()
    assert check_jobs(kept, [])[0].startswith("lost")
    assert [sentence[:5] for sentence in check_jobs(kept, [ended("running")])] == ["stuck"]
    kept.note(line, ended())
    assert [sentence[:7] for sentence in check_jobs(kept, [ended(), ended()])] == ["doubled"]
    assert len(check_jobs(kept, [ended(), ended() | {"labels": ["c0-2"]}])) == 1
    kept.refused.add("c0-2")
    assert len(check_jobs(kept, [ended(), ended() | {"labels": ["c0-2"]}])) == 1


def test_a_long_duration_is_reported() -> None:
    times = Times()
    times.took(CANCEL, 1)
    times.took("another thing", 100)
    assert check_times(times) == []
    times.took(CANCEL, 60)
    assert len(check_times(times)) == 1


def test_growth_is_reported() -> None:
    before = Resources(descriptors=40, threads=10, mib=70, run_files=3)
    assert Resources(41, 12, 80, 4).grown(before) == []
    assert len(Resources(60, 30, 200, 20).grown(before)) == 4
