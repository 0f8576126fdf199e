"""The plan of faults, and that the checks of a run detect each kind of failure."""

from collections import Counter
from pathlib import Path

import pytest

from tests.chaos.begins import check_begins, read_begins
from tests.chaos.checks import CANCEL, Resources, check_jobs, check_times
from tests.chaos.ledger import Ledger, Line
from tests.chaos.load.tasks import BEGINS, begin
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


def began(line: Line, *times: float, stops: tuple[float, ...] = ()) -> list[str]:
    """Returns what is wrong with a job that began at these times.

    Its record says that attempt 1 of 2 succeeded, at 100.
    """
    kept = Ledger({line.label: line})
    kept.note(line, ended(finished_at="1970-01-01T00:01:40.000000Z"))
    return [sentence.partition(":")[0] for sentence in check_begins(kept, {line.label: times}, stops)]


def test_a_job_that_began_more_often_than_it_may_or_its_record_says_is_reported() -> None:
    _, line = ledger()
    assert began(line, 10) == []
    assert began(line) == ["succeeded, but never began"]
    assert began(line, 10, 20) == ["miscounted"]
    assert began(line, 10, 20, 30) == ["began too often"]


def test_an_attempt_that_a_graceful_stop_ended_does_not_count() -> None:
    _, line = ledger()
    assert began(line, 10, 20, stops=(15,)) == []
    assert began(line, 10, 20, 30, stops=(15, 25)) == []
    assert began(line, 10, 20, stops=(5, 101)) == ["miscounted"]


def test_a_refused_submission_that_began_is_reported() -> None:
    kept, _ = ledger()
    kept.refused.add("c0-2")
    assert check_begins(kept, {"c0-2": (1,)}, ())[0].startswith("a refused submission began")


def test_lines_of_concurrent_tasks_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(BEGINS, str(tmp_path / "begins"))
    for mark in ("a", "b", "a"):
        begin(mark)
    begins = read_begins(tmp_path / "begins")
    assert {mark: len(times) for mark, times in begins.items()} == {"a": 2, "b": 1}
