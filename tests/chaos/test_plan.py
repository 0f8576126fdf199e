"""The plan of faults, and that the checks of a run see what they are there to see."""

from collections import Counter

import pytest

from tests.chaos.facts import CANCEL, Holding, of_the_list, of_the_times
from tests.chaos.ledger import Ledger, Line
from tests.chaos.plan import OF_THE_SERVICE, WEIGHTS, Fault, plan
from tests.chaos.times import Times
from tests.chaos.work import Work
from tests.support.caller import Json


def test_a_seed_makes_one_plan() -> None:
    assert plan(7, 100) == plan(7, 100)
    assert plan(7, 100) != plan(8, 100)


@pytest.mark.parametrize("faults", [1, 40, 1000])
def test_a_plan_has_as_many_faults_as_asked_for(faults: int) -> None:
    made = plan(1, faults)
    assert sum(len(blow.faults) for blow in (*made.first, *made.second)) == faults


def test_a_long_plan_has_faults_of_every_kind_and_leaves_the_service_to_itself_in_the_end() -> None:
    made = plan(1, 1000)
    assert WEIGHTS.keys() == set(Fault)
    assert {fault for blow in made.first for fault in blow.faults} == set(Fault)
    assert not {fault for blow in made.second for fault in blow.faults} & OF_THE_SERVICE
    assert Counter(len(blow.faults) for blow in made.first).keys() == {1, 2}


GREET = Work(task="greet", params={"name": "you", "times": 1})


def ended(state: str = "succeeded", **fields: object) -> Json:
    return {"id": "a", "labels": ["c0-1"], "state": state, "attempt": 1, "max_attempts": 2, **fields}


def ledger(work: Work = GREET) -> tuple[Ledger, Line]:
    line = Line("c0-1", work, key=None, id="a")
    return Ledger({line.label: line}), line


def test_what_is_in_order_is_not_told() -> None:
    kept, line = ledger()
    kept.saw(line, ended())
    kept.saw(line, ended())
    kept.check_result(line, b'{"lines":["Hello, you!"]}')
    assert kept.broken + of_the_list(kept, [ended()]) == []


def test_a_wrong_result_is_told() -> None:
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
    ids=["too many attempts", "cancelled by nobody", "no fault of the task", "lost with an attempt left"],
)
def test_a_wrong_end_is_told(job: Json) -> None:
    kept, line = ledger()
    kept.saw(line, job)
    assert kept.broken


def test_a_terminal_job_that_changes_is_told() -> None:
    kept, line = ledger()
    kept.saw(line, ended())
    kept.saw(line, ended("running"))
    assert kept.broken


def test_a_job_that_is_lost_doubled_stuck_or_nobodys_is_told() -> None:
    kept, line = ledger()
    assert of_the_list(kept, [])[0].startswith("lost")
    assert [sentence[:5] for sentence in of_the_list(kept, [ended("running")])] == ["stuck"]
    kept.saw(line, ended())
    assert [sentence[:7] for sentence in of_the_list(kept, [ended(), ended()])] == ["doubled"]
    assert len(of_the_list(kept, [ended(), ended() | {"labels": ["c0-2"]}])) == 1
    kept.refused.add("c0-2")
    assert len(of_the_list(kept, [ended(), ended() | {"labels": ["c0-2"]}])) == 1


def test_what_takes_too_long_is_told() -> None:
    times = Times()
    times.took(CANCEL, 1)
    times.took("another thing", 100)
    assert of_the_times(times) == []
    times.took(CANCEL, 60)
    assert len(of_the_times(times)) == 1


def test_what_grows_is_told() -> None:
    before = Holding(descriptors=40, threads=10, mib=70)
    assert Holding(41, 12, 80).grown(before) == []
    assert len(Holding(60, 30, 200).grown(before)) == 3
