"""Counts and durations of the jobs of each task since the start of the service."""

from bisect import bisect_left
from collections import Counter, defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf

from offload.jobs.model import Job, State

KNOWN_AFTER = 20
"""After this many attempts, the usual duration of a task counts as known."""

RECENT = 256
"""Quantiles are computed over this many of a task's newest attempts."""

BOUNDS_S = (
    *(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
    *(30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0),
)
"""Upper bounds of a histogram's buckets, in seconds. Up to 10 they are Prometheus's defaults, continued downwards: to
dispatch a job that takes less than the first bound costs more than its work. The bounds above are common time limits,
up to the default of OFFLOAD_MAX_TIMEOUT_S."""


class Histogram:
    """A histogram of durations since the start of the service."""

    __slots__ = ("counts", "total_s")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS_S) + 1)
        """The durations in each bucket: above the bound before, up to its own. The last bucket is above all bounds."""
        self.total_s = 0.0

    def add(self, seconds: float) -> None:
        """Count a duration."""
        self.counts[bisect_left(BOUNDS_S, seconds)] += 1
        self.total_s += seconds

    def include(self, other: "Histogram") -> None:
        """Add the counts of another histogram."""
        self.counts = [own + more for own, more in zip(self.counts, other.counts, strict=True)]
        self.total_s += other.total_s


@dataclass(slots=True)
class TaskCounts:
    """How the jobs of a task have ended since the start of the service."""

    ended: Counter[State] = field(default_factory=Counter)
    ran: Histogram = field(default_factory=Histogram)
    """Durations of the newest attempts of all ended jobs for which that is known."""
    waited: Histogram = field(default_factory=Histogram)
    """Durations from acceptance to the start of the newest attempt."""

    def include(self, other: "TaskCounts") -> None:
        """Add the counts of another task."""
        self.ended.update(other.ended)
        self.ran.include(other.ran)
        self.waited.include(other.waited)


@dataclass(slots=True)
class TaskStatistics:
    """One task's counts, and its newest durations in seconds."""

    counts: TaskCounts = field(default_factory=TaskCounts)
    ran_s: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT))
    waited_s: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT))
    ended_at: deque[int] = field(default_factory=lambda: deque(maxlen=RECENT))
    usual_s: float = 0.0
    """A moving average of durations. The newest has a weight of a tenth."""

    def summary(self, now: int) -> dict[str, float | int | None]:
        """Return counts, jobs ended per second over the last minute (at most the newest 256), and durations."""
        recent = [at for at in self.ended_at if 0 <= now - at < 60_000_000]  # the clock may have gone back since
        span_s = (now - recent[0]) / 1e6 if len(recent) == RECENT else 60.0
        return {
            **{state.value: self.counts.ended[state] for state in (State.SUCCEEDED, State.FAILED, State.CANCELLED)},
            "per_s": round(len(recent) / max(span_s, 1e-3), 3),
            "run_s_p50": quantile(sorted(self.ran_s), 0.5),
            "run_s_p95": quantile(sorted(self.ran_s), 0.95),
            "wait_s_p50": quantile(sorted(self.waited_s), 0.5),
        }


class Statistics:
    """Statistics by task, in memory only. The jobs themselves are in the journal."""

    def __init__(self) -> None:
        self._tasks: defaultdict[str, TaskStatistics] = defaultdict(TaskStatistics)

    @property
    def tasks(self) -> Mapping[str, TaskStatistics]:
        """The tasks of which a job has ended, by name."""
        return self._tasks

    def count(self, job: Job) -> None:
        """Count a job that has become terminal."""
        of_task = self._tasks[job.task]
        of_task.counts.ended[job.state] += 1
        if job.finished_at is not None:
            of_task.ended_at.append(job.finished_at)
        if job.started_at is not None:
            waited_s = max(0, job.started_at - job.created_at) / 1e6
            of_task.waited_s.append(waited_s)
            of_task.counts.waited.add(waited_s)
        if job.usage is None:
            return
        ran_s = job.usage.wall_s
        of_task.counts.ran.add(ran_s)
        if job.state is State.SUCCEEDED:
            of_task.usual_s += (ran_s - of_task.usual_s) / (10 if of_task.ran_s else 1)
            of_task.ran_s.append(ran_s)

    def usual_s(self, task: str) -> float:
        """Return the usual duration of a task's attempts in seconds; infinite until that is known."""
        of_task = self._tasks.get(task)
        return of_task.usual_s if of_task is not None and len(of_task.ran_s) >= KNOWN_AFTER else inf

    def summary(self, now: int) -> dict[str, dict[str, float | int | None]]:
        """Return each task's summary at the time `now`."""
        return {name: of_task.summary(now) for name, of_task in self._tasks.items()}


def quantile(seconds: Sequence[float], at: float) -> float | None:
    """Return the quantile `at` (0 to 1) of ascending durations, rounded to the microsecond; None if there are none."""
    return round(seconds[int(len(seconds) * at)], 6) if seconds else None
