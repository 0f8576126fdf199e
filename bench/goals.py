"""The goals of the design, each a ratio within one run or a bound of its own, and whether a run meets them."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench import bare_processes
from bench.contenders import BARE, NAIVE, OFFLOAD
from bench.figures import Results, ratio


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound, lower or upper, for a figure of the service, alone or divided by another contender's."""

    what: str
    metric: str
    figure: str
    against: str | None
    at_least: float | None = None
    at_most: float | None = None

    @property
    def bound(self) -> str:
        return f"≥ {self.at_least:g}" if self.at_least is not None else f"≤ {self.at_most:g}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A goal and the measured value, or None if a figure is missing."""

    goal: Goal
    value: float | None

    @property
    def met(self) -> bool | None:
        if self.value is None:
            return None
        if self.goal.at_least is not None:
            return self.value >= self.goal.at_least
        return self.goal.at_most is None or self.value <= self.goal.at_most


GOALS = (
    Goal("burst of no-ops", "burst", "jobs/s", NAIVE.name, at_least=1.4),
    Goal("burst of no-ops", "burst", "jobs/s", "Taskiq", at_least=2.5),
    Goal("burst of no-ops", "burst", "jobs/s", "Celery", at_least=6),
    Goal("burst of no-ops", "burst", "jobs/s", "Huey", at_least=6),
    Goal("burst of no-ops", "burst", "jobs/s", "Procrastinate", at_least=12),
    Goal("durable POST, c=64", "submit", "c=64 /s", BARE.name, at_least=1),
    Goal("poll of a finished job, c=64", "poll", "finished /s", BARE.name, at_least=1.5),
    Goal("idle submit-to-done, waiting", "idle", "waiting p50 ms", NAIVE.name, at_most=1.1),
    Goal("idle submit-to-done, polling", "idle", "polling p50 ms", NAIVE.name, at_most=1.1),
    Goal("40 jobs of 80 ms", "cpu", "80 ms jobs/s", bare_processes.NAME, at_least=0.93),
    Goal("light GET while all cores are busy, p99 ms", "light", "p99 ms", None, at_most=5),
    Goal("SHA-256", "digest", "sha256 MiB/s", "hashlib in a loop", at_least=0.8),
    Goal("resident memory when idle", "memory", "idle MiB", "Taskiq", at_most=1),
    Goal("cold start to the first outcome", "start", "first outcome s", "Celery", at_most=1),
)


def judge(results: Results, goals: Sequence[Goal] = GOALS) -> list[Verdict]:
    """Returns the verdicts on the goals whose metric was measured."""
    measured = {figure.metric for figure in results.figures}
    return [Verdict(goal, _value(results, goal)) for goal in goals if goal.metric in measured]


def _value(results: Results, goal: Goal) -> float | None:
    ours = results.find(goal.metric, OFFLOAD.name, goal.figure)
    if ours is None or goal.against is None:
        return ours.median if ours else None
    theirs = results.find(goal.metric, goal.against, goal.figure)
    return ratio(ours, theirs) if theirs else None
