"""One lane: a worker process that is started again whenever it has ended, been killed, or become unfit.

    opening ──ready──► idle ──claim──► busy
       ▲ ▲              │ │             │ └─fit──► idle
       │ └──process died┘ └──close──┐   │
       └──process dead or unfit─────┼───┘
                                  closed

Everything here runs on the event loop. What blocks is in `worker_process`, in threads.
"""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import Literal

import structlog

from offload.backoff import pauses
from offload.engines.local.attempt_group import AttemptGroup, memory_limit
from offload.engines.local.process_handle import ProcessExit
from offload.engines.local.watchdog import Watchdog
from offload.engines.local.worker_process import LaneUnusableError, WorkerProcess
from offload.jobs.interfaces import LaneView, Replaced
from offload.jobs.model import Assignment, AttemptKey, Lost, Outcome, Progress, Rejected, StoppedBy
from offload.supervision import Supervisor
from offload.threads import run_in_thread
from offload.wire.attempt_files import partial_result_name, result_name
from offload.wire.messages import MESSAGE_BYTES, Call, LaneSetup

CLOSE_S = 3.0

FLUSH_S = 0.5
"""How long a process that is no longer needed may take to send the spans of its tasks."""

_STOPPED: Mapping[StoppedBy, Replaced] = {"request": "cancelled", "time": "timed-out", "memory": "memory-exceeded"}

log = structlog.get_logger()


class Lane:
    """`on_idle` is called whenever the lane has become idle, and `on_replaced` with the reason whenever it gets a new
    process. `excluded_pid` returns the pid of a process that is not killed as an orphan.
    """

    def __init__(
        self,
        setup: LaneSetup,
        watchdog: Watchdog,
        on_idle: Callable[[], None],
        on_replaced: Callable[[Replaced], None],
        excluded_pid: Callable[[], int | None],
        supervisor: Supervisor,
    ) -> None:
        self._setup = setup
        self._watchdog = watchdog
        self._on_idle = on_idle
        self._on_replaced = on_replaced
        self._excluded_pid = excluded_pid
        self._supervisor = supervisor
        self._process: WorkerProcess | None = None
        self._group: AttemptGroup | None = None
        self._closed = asyncio.Event()
        self._tasks: set[asyncio.Task[object]] = set()
        self.state: Literal["opening", "idle", "busy", "closed"] = "opening"
        self.tried = asyncio.Event()
        """Set when the lane has opened, or failed to open, for the first time."""
        self.problem: str | None = None
        """Why the last try to open it failed."""

    @property
    def alive(self) -> bool:
        """True while it has a process that exists and is ready."""
        return self.state in {"idle", "busy"} and self._process is not None and self._process.alive

    def can_start(self) -> bool:
        """Return True when attempts can be claimed now. Replace an idle lane whose process is suspended."""
        if self.state != "idle" or self._process is None:
            return False
        if self._process.suspended:
            log.warning("an idle lane is suspended and is replaced", pid=self._process.pid)
            self._start(self._replace("suspended"))
            return False
        return True

    def open(self) -> None:
        """Start to open the lane. It becomes idle some time later."""
        self._start(self._supervisor.run("lane", self._open))

    def claim(
        self,
        assignments: Sequence[Assignment],
        on_progress: Callable[[AttemptKey, Progress], None],
        on_outcome: Callable[[AttemptKey, Outcome], None],
    ) -> AttemptGroup:
        """Make an idle lane busy. Return the group that `run` runs."""
        if self.state != "idle" or self._process is None:
            raise RuntimeError(f"a lane that is {self.state} can't be claimed")
        self.state = "busy"
        self._group = AttemptGroup(assignments, self._process, self._setup.results_dir, on_progress, on_outcome)
        self._watchdog.add(self._group)
        return self._group

    async def run(self, group: AttemptGroup) -> None:
        """Run a claimed group to its end, then make the lane idle or replace its process. Raise nothing."""
        completed = await self._run_in_process(group)
        self._watchdog.remove(group)
        self._group = None
        if group.unfit is not None:
            log.info("a lane is replaced", reason=group.unfit)
        fit = completed and group.unfit is None and not group.killed
        if fit and group.process.alive and not self._closed.is_set():
            self._become_idle()
        else:
            reaping = self._replace(_reason(group))
            if group.unfit is not None:
                await self._flush(group.process)
            exited = await reaping
            for key in group.unfinished:
                self._discard_result(key)
            group.conclude_by_death(exited)

    async def responds(self, within_s: float) -> bool:
        """Return whether the lane responds in `within_s` seconds. Replace an idle lane that does not.

        A busy or opening lane is judged by its process alone: the task in it may do anything.
        """
        process = self._process
        if self.state != "idle" or process is None:
            return self.alive
        self.state = "busy"
        try:
            async with asyncio.timeout(within_s):
                responded = await process.ping()
        except (TimeoutError, LaneUnusableError):
            responded = False
        if responded and not self._closed.is_set():
            self._become_idle()
        else:
            log.warning("a lane does not respond and is replaced", pid=process.pid)
            self._start(self._replace("unresponsive"))
        return responded

    async def close(self) -> None:
        """End the lane's process permanently, in bounded time. A running attempt is reported as stopped."""
        self._closed.set()
        if self._group is not None:
            self._group.withdraw_unstarted()
            self._group.stop("request")
        if self._process is not None:
            if self.state == "idle":
                await self._flush(self._process)
            self._process.kill()
        if self.state == "idle":
            self._start(self._replace("died"))
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=CLOSE_S)

    def view(self) -> LaneView:
        """Return the lane as `/stats` shows it."""
        group = self._group
        return LaneView(
            state="opening" if self.state == "closed" else self.state,
            pid=self._process.pid if self._process is not None and self.alive else None,
            job=group.unfinished[0].job_id if group is not None and group.unfinished else None,
            busy_s=group.age_s if group is not None else None,
            problem=self.problem,
        )

    async def _open(self) -> None:
        for pause in pauses(0.05):
            if await _set_within(self._closed, pause):
                return
            process = self._process = WorkerProcess(self._setup, self._collect, self._process_died, self._excluded_pid)
            problem = await _start(process)
            if problem is None and not self._closed.is_set():
                self.problem = None
                self._become_idle()
                return
            await process.reap()
            if self._closed.is_set():
                return
            self.problem = problem
            self.tried.set()
            self._on_replaced("not-opened")
            log.warning("a lane could not be opened", reason=self.problem)

    async def _run_in_process(self, group: AttemptGroup) -> bool:
        """Run the group until its process does nothing more for it. Return False when the process has to be replaced.

        When the process has ended, the outcome of the running attempt is still open: it depends on the exit code.
        """
        completed = False
        try:
            await self._dispatch(group)
            completed = group.process.alive
        except LaneUnusableError as error:
            if group.stopped_by is None:  # else this is the consequence, and reported as such later
                log.warning("a lane ended before its attempt started", pid=group.process.pid, reason=str(error))
                group.conclude(Rejected(detail=f"The lane ended before the attempt started: {error}."))
        except OSError as error:
            group.conclude(Rejected(detail=f"The parameters could not be written to a file: {error.strerror}."))
            completed = True
        except Exception as error:
            log.exception("the engine failed", jobs=[key.job_id for key in group.unfinished])
            group.withdraw_unstarted()
            group.conclude(Lost(detail=f"The engine failed: {error!r}."))
        group.withdraw_unstarted()
        if completed:
            group.conclude(Lost(detail="The lane did not reply."))
        return completed

    async def _dispatch(self, group: AttemptGroup) -> None:
        """Send the group to its process, and wait until the process has completed it or has ended."""
        calls = [
            Call(*each.key, each.task, each.params, None, memory_limit(each, group.process), each.trace)
            for each in group.assignments
        ]
        first, params = calls[0], group.assignments[0].params
        if len(params) <= MESSAGE_BYTES:
            await _send(group, calls)
            return
        file = self._setup.run_dir / f"{first.job_id}.{first.attempt}.params"
        try:
            await run_in_thread(partial(file.write_bytes, params))
            await _send(group, [first._replace(params=None, params_file=str(file))])
        finally:
            file.unlink(missing_ok=True)

    async def _flush(self, process: WorkerProcess) -> None:
        """Have a process send the spans of its tasks before it is killed."""
        if self._setup.traced and process.alive:
            with contextlib.suppress(TimeoutError, LaneUnusableError):
                async with asyncio.timeout(FLUSH_S):
                    await process.flush_traces()

    def _become_idle(self) -> None:
        self.state = "idle"
        self.tried.set()
        self._on_idle()

    def _replace(self, reason: Replaced) -> Coroutine[object, object, ProcessExit]:
        """Start a new process, unless the lane is closed. Return a coroutine that reaps the old one, to be awaited.

        The state changes before this returns: a second caller must not find the lane idle and replace it again.
        """
        if self._process is None:
            raise RuntimeError("a lane without a process has nothing to replace")
        self.state = "closed" if self._closed.is_set() else "opening"
        if not self._closed.is_set():
            self._on_replaced(reason)
            self.open()
        return self._process.reap()

    def _discard_result(self, key: AttemptKey) -> None:
        """Remove the result file of an attempt that died without a reply, even if it is incomplete."""
        for name in (result_name(*key), partial_result_name(*key)):
            with contextlib.suppress(OSError):
                (self._setup.results_dir / name).unlink()

    def _collect(self) -> None:
        if self._group is not None:
            self._group.collect()

    def _process_died(self) -> None:
        if self._group is not None:
            self._group.collect()
            self._group.finished.set()
        if self.state == "idle" and not self.alive:
            log.warning("a lane's process ended while it was idle", pid=self._process and self._process.pid)
            self._start(self._replace("died"))

    def _start(self, work: Coroutine[object, object, object]) -> None:
        task: asyncio.Task[object] = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _reason(group: AttemptGroup) -> Replaced:
    """Return why the process that ran this group can't run the next one."""
    if group.stopped_by is not None:
        return _STOPPED[group.stopped_by]
    if group.given_up:
        return "suspended"
    return "died" if group.unfit is None else "unfit"


async def _start(process: WorkerProcess) -> str | None:
    """Start a process. Return None when it can run attempts, else why not."""
    try:
        await process.start()
    except LaneUnusableError as error:
        return str(error)
    return None if process.alive else "it ended when it was ready"


async def _send(group: AttemptGroup, calls: Sequence[Call]) -> None:
    if not group.concluded:  # else it was stopped before
        group.sent = True
        group.process.send(calls)
        await group.finished.wait()


async def _set_within(event: asyncio.Event, seconds: float) -> bool:
    if seconds and not event.is_set():
        try:
            await asyncio.wait_for(event.wait(), seconds)
        except TimeoutError:
            return False
    return event.is_set()
