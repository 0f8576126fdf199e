"""The attempts of one dispatch, as the engine sees them from outside: their limits, what they use and report.

    dispatch ──► [ a ][ b ][ c ][ d ]      the process runs them one after the other
                   │    │    └────┴─ not started: can be withdrawn, until the process claims one
                   │    └─ running
                   └─ ended: its reply is in the pipe

Nearly always it is one attempt. Several are dispatched together when each is expected to take far less than a
millisecond, since a dispatch costs more than that. When one takes longer, all attempts behind it are withdrawn.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from offload.engines.local import outcomes
from offload.engines.local.process_handle import ProcessExit
from offload.engines.local.sampling import UsageMonitor
from offload.engines.local.worker_process import WorkerProcess
from offload.jobs.model import Assignment, AttemptKey, Lost, Outcome, Progress, Rejected, Stopped, StoppedBy, Usage
from offload.wire.board import Entry

REPORT_S = 0.1
"""The least time between two reports of progress. An attempt that ends earlier has none, and needs no board."""

SPARE_BYTES = 16 << 20
"""However small its limit is, an attempt may hold this much more memory than the idle lane."""

SUSPENDED_S = 2.0
"""An attempt is given up when its process has been suspended (SIGSTOP), or has not read the dispatch, for so long."""

NOT_STARTED = Rejected(detail="The attempt had not started when its lane was needed for another one.")


class AttemptGroup:
    """Some attempts in one process. Its clock starts when it is made. `on_outcome` is called once for each attempt."""

    def __init__(
        self,
        assignments: Sequence[Assignment],
        process: WorkerProcess,
        results_dir: Path,
        on_progress: Callable[[AttemptKey, Progress], None],
        on_outcome: Callable[[AttemptKey, Outcome], None],
    ) -> None:
        self.assignments = assignments
        self.process = process
        self.monitor = UsageMonitor(process)
        self.stopped_by: StoppedBy | None = None
        """Why the engine killed the process for this group, if it did. The first reason stays."""
        self.given_up = False
        """The engine killed the process because it stayed suspended or unresponsive: no fault of the task."""
        self.sent = False
        """The process has been sent the calls. Before this, no attempt can have started."""
        self.concluded = False
        """Every outcome has been reported, and nothing more is done for the group."""
        self.finished = asyncio.Event()
        """Set when the process does nothing more for the group."""
        self.unfit: str | None = None
        """Why the process must not run anything more."""
        self._unfinished = deque(assignments)
        self._skip_unconfirmed = False
        """Attempts were withdrawn, and the process has not reported yet that it skipped them."""
        self._results_dir = results_dir
        self._on_progress = on_progress
        self._on_outcome = on_outcome
        self._started = time.monotonic()
        self._reported_s = 0.0
        self._entry: Entry | None = None

    @property
    def unfinished(self) -> Sequence[AttemptKey]:
        """The attempts whose outcome has not been reported. After `withdraw_unstarted`, at most the running one."""
        return [assignment.key for assignment in self._unfinished]

    @property
    def killed(self) -> bool:
        """True when the engine killed the process for this group. It may take a moment to be gone."""
        return self.given_up or self.stopped_by is not None

    @property
    def limit_bytes(self) -> int:
        """The memory that the process may hold, see `memory_limit`."""
        return memory_limit(self._unfinished[0], self.process)

    @property
    def age_s(self) -> float:
        """How long the group has been running."""
        return time.monotonic() - self._started

    @property
    def usage(self) -> Usage:
        """What the group has used, as measured from outside."""
        return Usage(wall_s=self.age_s, cpu_s=self.monitor.cpu_s, peak_rss_bytes=self.monitor.peak_rss_bytes)

    def collect(self) -> None:
        """Report the outcomes of the attempts that have ended in the process."""
        for reply in self.process.collect():
            if reply is None:
                self._skip_unconfirmed = False
                continue
            assignment = self._unfinished.popleft()
            self.unfit = reply.unfit
            self.process.cpu_s = reply.spent.life_cpu_s
            self._on_outcome(assignment.key, outcomes.of_reply(assignment.key, reply, self._results_dir))
        if not (self._unfinished or self._skip_unconfirmed) or self.unfit is not None:
            self.finished.set()

    def withdraw_unstarted(self) -> None:
        """Withdraw the attempts that have not started, and report the outcomes of those that have ended."""
        if self.concluded:
            return
        if len(self.assignments) > 1:
            for _ in range(self.process.withdraw()):
                self._skip_unconfirmed = True
                self._on_outcome(self._unfinished.pop().key, NOT_STARTED)
        self.collect()

    def conclude(self, outcome: Outcome) -> None:
        """Report this outcome for all unfinished attempts: nothing more will come from the process."""
        self.concluded = True
        while self._unfinished:
            self._on_outcome(self._unfinished.popleft().key, outcome)

    def conclude_by_death(self, exited: ProcessExit) -> None:
        """Report the outcome of the attempt that was running when the process ended."""
        if self.stopped_by is not None:
            self.conclude(Stopped(by=self.stopped_by, usage=self.usage))
        elif self.given_up:
            self.conclude(self._lost())
        elif self._unfinished:
            self.conclude(outcomes.of_death(exited, self.usage, self.monitor.peak_held_bytes, self.limit_bytes))

    def stop(self, by: StoppedBy) -> None:
        """Kill the process, unless the group is concluded: the process may then be running something else."""
        if self.stopped_by is None and not self.concluded:
            self._measure()
            self.stopped_by = by
            self.process.kill()

    def enforce_limits(self) -> None:
        """Stop the running attempt when it is over a limit, else report its progress when it is time.

        `withdraw_unstarted` comes first.
        """
        if self.concluded or self.killed:
            return
        if not self._unfinished:
            if self.process.suspended:  # before it could skip the withdrawn attempts
                self._give_up()
            return
        held = self._measure()
        late = self.age_s > self._unfinished[0].timeout_s
        since = self.monitor.suspended_since or self.monitor.unresponsive_since
        if since is not None and (late or time.monotonic() - since > SUSPENDED_S):
            self._give_up()
        elif late:
            self.stop("time")
        elif held > self.limit_bytes:
            self.stop("memory")
        elif self.age_s - self._reported_s >= REPORT_S:
            self._reported_s = self.age_s
            self._on_progress(self._unfinished[0].key, self._progress())

    def set_entry(self, entry: Entry) -> None:
        """Keep the newest board entry of the running attempt, for its next report."""
        self._entry = entry

    def _measure(self) -> int:
        """Return the memory that the process holds; 0 when nothing runs."""
        return self.monitor.measure(self.limit_bytes) if self._unfinished else 0

    def _give_up(self) -> None:
        self.given_up = True
        self.process.kill()

    def _lost(self) -> Lost:
        if self.monitor.suspended_since is None:
            return Lost(detail="The worker process did not start the job.", usage=self.usage)
        detail = "The worker process was suspended by SIGSTOP during the job and was not continued."
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


def memory_limit(assignment: Assignment, process: WorkerProcess) -> int:
    """Return the memory that the process may hold while it runs this: the limit is not on top of the idle lane."""
    return max(assignment.memory_mb << 20, process.held_bytes + SPARE_BYTES)
