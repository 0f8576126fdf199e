"""What one process has been handed, as the engine sees it from outside: its limits, what it uses, what it reports.

    handed over ──► [ a ][ b ][ c ][ d ]      the process takes them one after the other
                      │    │    └────┴─ not begun: can be taken back, until the process counts one down
                      │    └─ running
                      └─ ended: its reply is in the pipe

Nearly always it is one attempt. Several are handed over together where each is expected to take far less than a
millisecond, since one hand-over costs more than that. Once it turns out to be otherwise, all but the running one are
taken back, and what is left is one attempt.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from offload.engines.local import outcomes
from offload.engines.local.gauge import sample
from offload.engines.local.process import Ending, LaneProcess
from offload.jobs.model import Assignment, AttemptKey, Lost, Outcome, Progress, Rejected, Stopped, StoppedBy, Usage
from offload.wire.board import Entry

REPORT_S = 0.1
"""At most ten reports a second. What ends before the first has needed none, nor the board."""

ROOM_BYTES = 16 << 20
"""However small a limit is, an attempt may hold this much more than the idle lane."""

SUSPENDED_S = 2.0
"""An attempt whose process has been suspended (SIGSTOP) for so long is given up. Shorter, and it just takes longer.
The same where the process does not take it up.
"""

NOT_BEGUN = Rejected(detail="It had not begun when its lane was wanted for another.")


class HandOver:
    """Some attempts in one process. Its clock starts when it is made. `ended` is called once for each of them."""

    def __init__(
        self,
        assignments: Sequence[Assignment],
        process: LaneProcess,
        results_dir: Path,
        report: Callable[[AttemptKey, Progress], None],
        ended: Callable[[AttemptKey, Outcome], None],
    ) -> None:
        self.assignments = assignments
        self.process = process
        self.stopped_by: StoppedBy | None = None
        """Why its process was killed here, if it was. The first reason stays."""
        self.given_up = False
        """Its process was killed here because it stayed suspended or aloof: no fault of the task."""
        self.handed = False
        """Its process has it. Before, nothing of it can have begun."""
        self.over = False
        """Every outcome has been told."""
        self.finished = asyncio.Event()
        """Set when its process does nothing more for it."""
        self.unfit: str | None = None
        """Why its process should run nothing more."""
        self.peak_held_bytes = 0
        self._open = deque(assignments)
        self._to_be_left = False
        """Something has been taken back, and the process has not said that it knows."""
        self._results_dir = results_dir
        self._report = report
        self._ended = ended
        self._started = time.monotonic()
        self._reported = 0.0
        self._entry: Entry | None = None
        self._cpu_before = process.cpu_s
        self._cpu_s: float | None = None
        self._peak_rss: int | None = None
        self._suspended_since: float | None = None
        self._aloof_since: float | None = None

    @property
    def open(self) -> Sequence[AttemptKey]:
        """The attempts that have not been told as ended. After `narrow`, at most the running one."""
        return [assignment.key for assignment in self._open]

    @property
    def killed(self) -> bool:
        """Its process was killed here, and may need a moment to be gone."""
        return self.given_up or self.stopped_by is not None

    @property
    def limit_bytes(self) -> int:
        """What the process may hold: itself, not on top of the idle lane, but for some room."""
        return limit_bytes(self._open[0], self.process)

    @property
    def age_s(self) -> float:
        """How long it has been running."""
        return time.monotonic() - self._started

    @property
    def usage(self) -> Usage:
        """What it has used as far as was seen from outside."""
        return Usage(wall_s=self.age_s, cpu_s=self._cpu_s, peak_rss_bytes=self._peak_rss)

    def collect(self) -> None:
        """Tells the outcomes of what has ended in the process."""
        for reply in self.process.replies():
            if reply is None:
                self._to_be_left = False
                continue
            assignment = self._open.popleft()
            self.unfit = reply.unfit
            self.process.cpu_s = reply.spent.life_cpu_s
            self._ended(assignment.key, outcomes.of_reply(assignment.key, reply, self._results_dir))
        if not (self._open or self._to_be_left) or self.unfit is not None:
            self.finished.set()

    def narrow(self) -> None:
        """Takes back what has not begun, and tells what has ended: what stays open is running."""
        if self.over:
            return
        if len(self.assignments) > 1:
            for _ in range(self.process.take_back()):
                self._to_be_left = True
                self._ended(self._open.pop().key, NOT_BEGUN)
        self.collect()

    def conclude(self, outcome: Outcome) -> None:
        """Tells this outcome for all that are open: there is nothing more to come."""
        self.over = True
        while self._open:
            self._ended(self._open.popleft().key, outcome)

    def conclude_by_death(self, ending: Ending) -> None:
        """Tells how the attempt ended that was running when its process did."""
        if self.stopped_by is not None:
            self.conclude(Stopped(by=self.stopped_by, usage=self.usage))
        elif self.given_up:
            self.conclude(self._lost())
        elif self._open:
            self.conclude(outcomes.of_death(ending, self.usage, self.peak_held_bytes, self.limit_bytes))

    def stop(self, by: StoppedBy) -> None:
        """Kills its process, unless it is over: then the process may already be running something else."""
        if self.stopped_by is None and not self.over:
            self.measure()
            self.stopped_by = by
            self.process.kill()

    def look(self) -> None:
        """Keeps the limits of what runs, and reports where it is time. `narrow` comes first."""
        if self.over or self.killed:
            return
        if not self._open:
            self.given_up = self.process.suspended
            if self.given_up:  # before it could leave what was taken back
                self.process.kill()
            return
        held = self.measure()
        late = self.age_s > self._open[0].timeout_s
        since = self._suspended_since or self._aloof_since
        if since is not None and (late or time.monotonic() - since > SUSPENDED_S):
            self.given_up = True
            self.process.kill()
        elif late:
            self.stop("time")
        elif held > self.limit_bytes:
            self.stop("memory")
        elif self.age_s - self._reported >= REPORT_S:
            self._reported = self.age_s
            self._report(self._open[0].key, self._progress())

    def tell(self, entry: Entry) -> None:
        """Takes what the running attempt itself wrote on the board."""
        self._entry = entry

    def measure(self) -> int:
        """Looks at the process. Answers what it holds, 0 where it has ended."""
        seen = sample(self.process.pid or 0, self.limit_bytes) if self._open and self.process.alive else None
        if seen is None:
            return 0
        self.peak_held_bytes = max(self.peak_held_bytes, seen.held_bytes)
        self._peak_rss = max(self._peak_rss or 0, seen.rss_bytes)
        self._cpu_s = max(0.0, seen.cpu_s - self._cpu_before)
        now = time.monotonic()
        self._suspended_since = (self._suspended_since or now) if seen.suspended else None
        self._aloof_since = (self._aloof_since or now) if self.process.aloof else None
        return seen.held_bytes

    def _lost(self) -> Lost:
        if self._suspended_since is None:
            return Lost(detail="The worker process did not take up the job.", usage=self.usage)
        detail = "The worker process was suspended by SIGSTOP in the middle of the job and did not go on."
        return Lost(detail=detail, signal="SIGSTOP", usage=self.usage)

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


def limit_bytes(assignment: Assignment, process: LaneProcess) -> int:
    """What the process may hold while it runs this."""
    return max(assignment.memory_mb << 20, process.held_bytes + ROOM_BYTES)
