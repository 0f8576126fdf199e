"""One lane: a worker process that is opened again whenever it has ended, been killed, or become unfit.

    opening ──ready──► idle ──claim──► busy
       ▲ ▲              │ │             │ └─fit──► idle
       │ └──process died┘ └──close──┐   │
       └──process dead or unfit─────┼───┘
                                  closed

Everything here happens on the event loop; what blocks is in `process`, in threads.
"""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Literal

import structlog

from app.engines import outcomes
from app.engines.attempt import Attempt
from app.engines.process import Ending, LaneProcess, LaneUnusableError
from app.engines.threads import in_thread
from app.engines.watch import Watch
from app.jobs.interfaces import LaneView
from app.jobs.model import Assignment, Lost, Outcome, Progress, Rejected
from app.pauses import pauses
from app.worker import results
from app.worker.execute import answer, execute
from app.worker.messages import MESSAGE_BYTES, Call, LaneSetup, Reply

CLOSE_S = 3.0

log = structlog.get_logger()


class Lane:
    """`changed` is called whenever the lane has become idle; `spared` tells a pid that is nobody's orphan."""

    def __init__(
        self, setup: LaneSetup, watch: Watch, changed: Callable[[], None], spared: Callable[[], int | None]
    ) -> None:
        self._setup = setup
        self._watch = watch
        self._changed = changed
        self._spared = spared
        self._process: LaneProcess | None = None
        self._attempt: Attempt | None = None
        self._closed = asyncio.Event()
        self._work: set[asyncio.Task[object]] = set()
        self.state: Literal["opening", "idle", "busy", "closed"] = "opening"
        self.tried = asyncio.Event()
        """Set when the lane has opened, or failed to, for the first time."""
        self.problem: str | None = None
        """Why the last try to open it failed."""

    @property
    def alive(self) -> bool:
        """True while it has a process that exists and is ready."""
        return self.state in {"idle", "busy"} and self._process is not None and self._process.alive

    def can_begin(self) -> bool:
        """True where an attempt can be claimed this moment. An idle lane whose process is suspended is replaced."""
        if self.state != "idle" or self._process is None:
            return False
        if self._process.suspended:
            log.warning("an idle lane is suspended and is replaced", pid=self._process.pid)
            self._begin(self._replace())
            return False
        return True

    def open(self) -> None:
        """Begins to open the lane; it is idle some time later."""
        self._begin(self._open())

    def claim(self, assignment: Assignment, report: Callable[[Progress], None]) -> Attempt:
        """Makes an idle lane busy with a new attempt, to be given to `run`."""
        if self.state != "idle" or self._process is None:
            raise RuntimeError(f"a lane that is {self.state} can't be claimed")
        self.state = "busy"
        self._attempt = Attempt(assignment, self._process, report)
        self._watch.add(self._attempt)
        return self._attempt

    async def run(self, attempt: Attempt) -> Outcome:
        """Runs the claimed attempt to its end. Raises nothing."""
        outcome: Outcome | None = None
        fit = False
        try:
            reply = await self._ask(attempt)
            if reply is not None:
                outcome = outcomes.of_reply(attempt, reply, self._setup.results_dir)
                attempt.process.cpu_s = reply.spent.life_cpu_s
                fit = reply.unfit is None
                if not fit:
                    log.info("a lane is replaced", reason=reply.unfit, job_id=attempt.key.job_id)
        except LaneUnusableError as error:
            if attempt.stopped_by is None:  # or it is gone because the attempt was stopped, which is told below
                outcome = Rejected(detail=f"The lane ended before the attempt began: {error}.")
        except OSError as error:
            outcome = Rejected(detail=f"The parameters could not be laid down for the lane: {error.strerror}.")
            fit = True
        except Exception as error:
            log.exception("the engine failed", job_id=attempt.key.job_id)
            outcome = Lost(detail=f"The engine failed: {error!r}.")
        attempt.over = True
        self._watch.remove(attempt)
        self._attempt = None
        if fit and not attempt.killed and attempt.process.alive and not self._closed.is_set():
            self._ready()
        else:
            ending = await self._replace()
            if outcome is None:
                results.discard(self._setup.results_dir, *attempt.key)
                outcome = outcomes.of_death(attempt, ending)
        return outcome or Lost(detail="The lane answered nothing.")

    async def answers(self, within: float) -> bool:
        """Whether the lane answers in `within` seconds; an idle one that does not is replaced.

        One that is not idle, or no longer, is judged by its process: what runs in it may be anything.
        """
        process = self._process
        if self.state != "idle" or process is None:
            return self.alive
        self.state = "busy"
        try:
            async with asyncio.timeout(within):
                answered = await process.call(answer) is True
        except (TimeoutError, LaneUnusableError):
            answered = False
        if answered and not self._closed.is_set():
            self._ready()
        else:
            log.warning("a lane did not answer and is replaced", pid=process.pid)
            self._begin(self._replace())
        return answered

    async def close(self) -> None:
        """Ends the lane's process for good, in bounded time. An attempt that runs in it is told as stopped."""
        self._closed.set()
        if self._attempt is not None:
            self._attempt.stop("request")
        if self._process is not None:
            self._process.kill()
        if self.state == "idle":
            self._begin(self._replace())
        if self._work:
            await asyncio.wait(self._work, timeout=CLOSE_S)

    def view(self) -> LaneView:
        """The lane as `/stats` shows it."""
        attempt = self._attempt
        return LaneView(
            state="opening" if self.state == "closed" else self.state,
            pid=self._process.pid if self._process is not None and self.alive else None,
            job=attempt.key.job_id if attempt is not None else None,
            busy_s=attempt.age_s if attempt is not None else None,
        )

    async def _open(self) -> None:
        for pause in pauses(0.05):
            if await _set_within(self._closed, pause):
                return
            process = self._process = LaneProcess(self._setup, self._on_death, self._spared)
            try:
                await process.start()
            except LaneUnusableError as error:
                self.problem = str(error)
                await process.bury()
            if process.alive and not self._closed.is_set():
                self.problem = None
                self._ready()
                return
            if self._closed.is_set():
                await process.bury()
                return
            self.tried.set()
            log.warning("a lane could not be opened", reason=self.problem)

    async def _ask(self, attempt: Attempt) -> Reply | None:
        """Hands the attempt to its process. None where that ended without a word."""
        assignment = attempt.assignment
        call = Call(*assignment.key, assignment.task, assignment.params, None, attempt.limit_bytes)
        if len(assignment.params) <= MESSAGE_BYTES:
            return await attempt.process.call(execute, call)
        file = self._setup.run_dir / f"{assignment.key.job_id}.{assignment.key.attempt}.params"
        try:
            await in_thread(partial(file.write_bytes, assignment.params))
            return await attempt.process.call(execute, call._replace(params=None, params_file=str(file)))
        finally:
            file.unlink(missing_ok=True)

    def _ready(self) -> None:
        self.state = "idle"
        self.tried.set()
        self._changed()

    def _replace(self) -> Coroutine[object, object, Ending]:
        """Opens the lane anew; what is answered is to be awaited, and buries the old process meanwhile.

        The state changes before this returns, or another that finds the lane idle would replace it a second time.
        """
        if self._process is None:
            raise RuntimeError("a lane without a process has nothing to replace")
        self.state = "closed" if self._closed.is_set() else "opening"
        if not self._closed.is_set():
            self._begin(self._open())
        return self._process.bury()

    def _on_death(self) -> None:
        if self.state == "idle" and not self.alive:
            log.warning("a lane's process ended while it was idle", pid=self._process and self._process.pid)
            self._begin(self._replace())

    def _begin(self, work: Coroutine[object, object, object]) -> None:
        task: asyncio.Task[object] = asyncio.get_running_loop().create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)


async def _set_within(event: asyncio.Event, seconds: float) -> bool:
    if seconds and not event.is_set():
        try:
            await asyncio.wait_for(event.wait(), seconds)
        except TimeoutError:
            return False
    return event.is_set()
