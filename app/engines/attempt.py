"""A running attempt as the engine sees it from outside: its limits, what it uses, what it reports."""

import time
from collections.abc import Callable

from app.engines.gauge import sample
from app.engines.process import LaneProcess
from app.jobs.model import Assignment, AttemptKey, Progress, StoppedBy, Usage
from app.worker.entry import Entry

REPORT_S = 0.1
"""At most ten reports a second."""

ROOM_BYTES = 16 << 20
"""However small a limit is, an attempt may hold this much more than the idle lane."""


SUSPENDED_S = 2.0
"""An attempt whose process has been suspended (SIGSTOP) for so long is given up. Shorter, and it just takes longer."""


class Attempt:
    """One attempt in one process. Its clock starts when it is made."""

    def __init__(self, assignment: Assignment, process: LaneProcess, report: Callable[[Progress], None]) -> None:
        self.assignment = assignment
        self.process = process
        self.limit_bytes = max(assignment.memory_mb << 20, process.held_bytes + ROOM_BYTES)
        """The limit on what the process holds: itself, not on top of the idle lane, but for the room above."""
        self.stopped_by: StoppedBy | None = None
        """Why its process was killed here, if it was. The first reason stays."""
        self.given_up = False
        """Its process was killed here because it stayed suspended: no fault of the task."""
        self.over = False
        """Its outcome is known."""
        self.peak_held_bytes = 0
        self._report = report
        self._started = time.monotonic()
        self._reported = 0.0
        self._entry: Entry | None = None
        self._cpu_before = process.cpu_s
        self._cpu_s: float | None = None
        self._peak_rss: int | None = None
        self._suspended_since: float | None = None

    @property
    def key(self) -> AttemptKey:
        return self.assignment.key

    @property
    def killed(self) -> bool:
        """Its process was killed here, and may need a moment to be gone."""
        return self.given_up or self.stopped_by is not None

    @property
    def age_s(self) -> float:
        """How long it has been running."""
        return time.monotonic() - self._started

    @property
    def usage(self) -> Usage:
        """What it has used as far as was seen from outside."""
        return Usage(wall_s=self.age_s, cpu_s=self._cpu_s, peak_rss_bytes=self._peak_rss)

    def stop(self, by: StoppedBy) -> None:
        """Kills its process, unless it is over: then the process may already be running the next attempt."""
        if self.stopped_by is None and not self.over:
            self.measure()
            self.stopped_by = by
            self.process.kill()

    def look(self) -> None:
        """Keeps the limits, and reports where it is time."""
        if self.over or self.killed:
            return
        held = self.measure()
        late = self.age_s > self.assignment.timeout_s
        if self._suspended_since is not None and (late or time.monotonic() - self._suspended_since > SUSPENDED_S):
            self.given_up = True
            self.process.kill()
        elif late:
            self.stop("time")
        elif held > self.limit_bytes:
            self.stop("memory")
        elif self.age_s - self._reported >= REPORT_S or not self._reported:
            self._reported = self.age_s
            self._report(self._progress())

    def tell(self, entry: Entry) -> None:
        """Takes what the attempt itself wrote on the board."""
        self._entry = entry

    def measure(self) -> int:
        """Looks at the process. Answers what it holds, 0 where it has ended."""
        seen = sample(self.process.pid or 0, self.limit_bytes) if self.process.alive else None
        if seen is None:
            return 0
        self.peak_held_bytes = max(self.peak_held_bytes, seen.held_bytes)
        self._peak_rss = max(self._peak_rss or 0, seen.rss_bytes)
        self._cpu_s = max(0.0, seen.cpu_s - self._cpu_before)
        self._suspended_since = (self._suspended_since or time.monotonic()) if seen.suspended else None
        return seen.held_bytes

    def _progress(self) -> Progress:
        if self._entry is None:
            return Progress(usage=self.usage)
        return Progress(
            done=self._entry.done,
            total=self._entry.total,
            unit=self._entry.unit,
            note=self._entry.note,
            usage=self.usage,
        )
