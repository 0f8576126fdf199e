"""The arithmetic of the benchmark, its goals and its table."""

from pathlib import Path

import pytest

from bench import table
from bench.contenders import NAIVE, OFFLOAD
from bench.figures import Figure, Results, ratio, read, together
from bench.goals import Goal, Verdict, judge
from bench.load import quantile_ms


def figure(contender: str, *values: float, metric: str = "burst", name: str = "jobs/s") -> Figure:
    return Figure(metric, contender, name, values)


def test_a_figure_is_the_median_with_its_range() -> None:
    measured = figure("a", 3, 100, 1, 2)
    assert (measured.median, measured.least, measured.most) == (2.5, 1, 100)


def test_rates_are_better_when_they_are_more() -> None:
    assert figure("a", 1, name="sha256 MiB/s").more_is_better
    assert not figure("a", 1, name="p99 ms").more_is_better
    assert not figure("a", 1, name="idle MiB").more_is_better


def test_a_ratio_is_taken_within_each_repeat() -> None:
    """A machine that is twice as slow in the last repeat changes nothing."""
    assert ratio(figure("ours", 200, 200, 100), figure("theirs", 100, 100, 50)) == 2


def test_a_ratio_of_unequal_repeats_is_that_of_the_medians() -> None:
    assert ratio(figure("ours", 10, 30), figure("theirs", 10)) == 2


@pytest.mark.parametrize(("share", "expected"), [(0.5, 51_000), (0.99, 100_000), (0, 1_000)])
def test_a_quantile_is_a_time_that_was_measured(share: float, expected: float) -> None:
    assert quantile_ms([float(second) for second in range(100, 0, -1)], share) == expected


def test_a_quantile_of_one_is_that_one() -> None:
    assert quantile_ms([0.25], 0.99) == 250


GOAL = Goal("burst", "burst", "jobs/s", NAIVE.name, at_least=1.5)


@pytest.mark.parametrize(("ours", "met"), [(150, True), (149, False)])
def test_a_goal_at_least(ours: float, met: bool) -> None:
    results = Results({}, [figure(OFFLOAD.name, ours), figure(NAIVE.name, 100)])
    assert judge(results, [GOAL]) == [Verdict(GOAL, ours / 100)]
    assert judge(results, [GOAL])[0].met is met


@pytest.mark.parametrize(("ours", "met"), [(5, True), (5.1, False)])
def test_a_goal_at_most_that_is_nobody_else_s(ours: float, met: bool) -> None:
    goal = Goal("p99", "burst", "jobs/s", None, at_most=5)
    (verdict,) = judge(Results({}, [figure(OFFLOAD.name, ours)]), [goal])
    assert (verdict.value, verdict.met) == (ours, met)


def test_a_goal_is_neither_met_nor_missed_without_the_other() -> None:
    (verdict,) = judge(Results({}, [figure(OFFLOAD.name, 1)]), [GOAL])
    assert (verdict.value, verdict.met) == (None, None)


def test_a_goal_of_a_metric_that_was_not_asked_for_is_not_spoken_of() -> None:
    assert judge(Results({}, [figure(OFFLOAD.name, 1, metric="poll")]), [GOAL]) == []


def test_what_is_written_can_be_read(tmp_path: Path) -> None:
    results = Results({"CPUs": "2"}, [figure("a", 1, 2)], ["b is not installed"], {"a": "in memory"})
    results.write(tmp_path / "run.json")
    assert read(tmp_path / "run.json") == results


def test_the_table_says_figures_ratios_verdicts_and_remarks() -> None:
    results = Results({"CPUs": "2"}, [figure(OFFLOAD.name, 300, 320), figure(NAIVE.name, 100, 160)], ["b is missing"])
    text = [" ".join(line.split()) for line in table.lines(results)]
    assert "Offload: jobs/s 310 300 to 320" in text
    assert "naive pool: jobs/s 130 100 to 160 2.50 x" in text
    assert "burst of no-ops / naive pool ≥ 1.4 2.50 met" in text
    assert "burst of no-ops / Taskiq ≥ 2.5 not measured" in text
    assert text[-1] == "b is missing"


@pytest.mark.parametrize(("value", "text"), [(12345.6, "12,346"), (0.01234, "0.0123"), (999.4, "999"), (0, "0")])
def test_numbers_have_three_digits_that_count(value: float, text: str) -> None:
    assert table.number(value) == text


def test_of_what_several_runs_have_measured_the_last_counts() -> None:
    first = Results({"repeats": "1"}, [Figure("burst", "a", "jobs/s", (1,)), Figure("idle", "a", "ms", (2,))], ["r"])
    second = Results({"repeats": "3"}, [Figure("burst", "a", "jobs/s", (5,))], keeps={"a": "disk"})
    both = together([first, second])
    assert [(figure.metric, figure.values) for figure in both.figures] == [("idle", (2,)), ("burst", (5,))]
    assert (both.machine, both.remarks, both.keeps) == ({"repeats": "3"}, ["r"], {"a": "disk"})
