"""One lane: a worker process that is opened again whenever it has ended, been killed, or become unfit.

    opening ──ready──► idle ──claim──► busy
       ▲ ▲              │ │             │ └─fit──► idle
       │ └──process died┘ └──close──┐   │
       └──process dead or unfit─────┼───┘
                                  closed

Everything here happens on the event loop; what blocks is in `process`, in threads.
"""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import Literal

import structlog

from offload.backoff import pauses
from offload.engines.local.dispatch import HandOver, limit_bytes
from offload.engines.local.process import Ending, LaneProcess, LaneUnusableError
from offload.engines.local.threads import in_thread
from offload.engines.local.watch import Watch
from offload.jobs.interfaces import LaneView, Replaced
from offload.jobs.model import Assignment, AttemptKey, Lost, Outcome, Progress, Rejected, StoppedBy
from offload.wire import result_files as results
from offload.wire.messages import MESSAGE_BYTES, Call, LaneSetup
from offload.worker.lane import answer, flush

CLOSE_S = 3.0

FLUSH_S = 0.5
"""How long a process that has done its work is let send what its tasks have traced."""

_STOPPED: Mapping[StoppedBy, Replaced] = {"request": "cancelled", "time": "timed-out", "memory": "memory-exceeded"}

log = structlog.get_logger()


class Lane:
    """`changed` is called whenever the lane has become idle, `replaced` whenever it is to get a new process, with the
    reason; `spared` tells a pid that is nobody's orphan.
    """

    def __init__(
        self,
        setup: LaneSetup,
        watch: Watch,
        changed: Callable[[], None],
        replaced: Callable[[Replaced], None],
        spared: Callable[[], int | None],
    ) -> None:
        self._setup = setup
        self._watch = watch
        self._changed = changed
        self._replaced = replaced
        self._spared = spared
        self._process: LaneProcess | None = None
        self._handed: HandOver | None = None
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
            self._begin(self._replace("suspended"))
            return False
        return True

    def open(self) -> None:
        """Begins to open the lane; it is idle some time later."""
        self._begin(self._open())

    def claim(
        self,
        assignments: Sequence[Assignment],
        report: Callable[[AttemptKey, Progress], None],
        ended: Callable[[AttemptKey, Outcome], None],
    ) -> HandOver:
        """Makes an idle lane busy with what is to be given to `run`."""
        if self.state != "idle" or self._process is None:
            raise RuntimeError(f"a lane that is {self.state} can't be claimed")
        self.state = "busy"
        self._handed = HandOver(assignments, self._process, self._setup.results_dir, report, ended)
        self._watch.add(self._handed)
        return self._handed

    async def run(self, hand_over: HandOver) -> None:
        """Runs what has been claimed to its end. Raises nothing."""
        answered = False
        try:
            await self._ask(hand_over)
            answered = hand_over.process.alive
        except LaneUnusableError as error:
            if hand_over.stopped_by is None:  # or it is gone because of that, which is told below
                log.warning("a lane ended before its work began", pid=hand_over.process.pid, reason=str(error))
                hand_over.conclude(Rejected(detail=f"The lane ended before the attempt began: {error}."))
        except OSError as error:
            hand_over.conclude(
                Rejected(detail=f"The parameters could not be laid down for the lane: {error.strerror}.")
            )
            answered = True
        except Exception as error:
            log.exception("the engine failed", jobs=[key.job_id for key in hand_over.open])
            hand_over.narrow()
            hand_over.conclude(Lost(detail=f"The engine failed: {error!r}."))
        hand_over.narrow()
        if answered:
            hand_over.conclude(Lost(detail="The lane answered nothing."))
        self._watch.remove(hand_over)
        self._handed = None
        if hand_over.unfit is not None:
            log.info("a lane is replaced", reason=hand_over.unfit)
        fit = answered and hand_over.unfit is None and not hand_over.killed
        if fit and hand_over.process.alive and not self._closed.is_set():
            self._ready()
        else:
            burial = self._replace(_why(hand_over))
            if hand_over.unfit is not None:
                await self._flush(hand_over.process)
            ending = await burial
            for key in hand_over.open:
                results.discard(self._setup.results_dir, *key)
            hand_over.conclude_by_death(ending)

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
            self._begin(self._replace("unresponsive"))
        return answered

    async def close(self) -> None:
        """Ends the lane's process for good, in bounded time. An attempt that runs in it is told as stopped."""
        self._closed.set()
        if self._handed is not None:
            self._handed.narrow()
            self._handed.stop("request")
        if self._process is not None:
            if self.state == "idle":
                await self._flush(self._process)
            self._process.kill()
        if self.state == "idle":
            self._begin(self._replace("died"))
        if self._work:
            await asyncio.wait(self._work, timeout=CLOSE_S)

    async def _flush(self, process: LaneProcess) -> None:
        """Has what tasks traced sent before the end of their process; nobody waits for that end."""
        if self._setup.traced and process.alive:
            with contextlib.suppress(TimeoutError, LaneUnusableError):
                async with asyncio.timeout(FLUSH_S):
                    await process.call(flush)

    def view(self) -> LaneView:
        """The lane as `/stats` shows it."""
        handed = self._handed
        return LaneView(
            state="opening" if self.state == "closed" else self.state,
            pid=self._process.pid if self._process is not None and self.alive else None,
            job=handed.open[0].job_id if handed is not None and handed.open else None,
            busy_s=handed.age_s if handed is not None else None,
        )

    async def _open(self) -> None:
        for pause in pauses(0.05):
            if await _set_within(self._closed, pause):
                return
            process = self._process = LaneProcess(self._setup, self._on_replies, self._on_death, self._spared)
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
            self._replaced("not-opened")
            log.warning("a lane could not be opened", reason=self.problem)

    async def _ask(self, hand_over: HandOver) -> None:
        """Hands over to the process, and waits until it has done that or has ended."""
        calls = [
            Call(*each.key, each.task, each.params, None, limit_bytes(each, hand_over.process), each.trace)
            for each in hand_over.assignments
        ]
        first, params = calls[0], hand_over.assignments[0].params
        if len(params) <= MESSAGE_BYTES:
            await _hand(hand_over, calls)
            return
        file = self._setup.run_dir / f"{first.job_id}.{first.attempt}.params"
        try:
            await in_thread(partial(file.write_bytes, params))
            await _hand(hand_over, [first._replace(params=None, params_file=str(file))])
        finally:
            file.unlink(missing_ok=True)

    def _ready(self) -> None:
        self.state = "idle"
        self.tried.set()
        self._changed()

    def _replace(self, reason: Replaced) -> Coroutine[object, object, Ending]:
        """Opens the lane anew, unless it is closed; what is answered is to be awaited, and buries the old process.

        The state changes before this returns, or another that finds the lane idle would replace it a second time.
        """
        if self._process is None:
            raise RuntimeError("a lane without a process has nothing to replace")
        self.state = "closed" if self._closed.is_set() else "opening"
        if not self._closed.is_set():
            self._replaced(reason)
            self._begin(self._open())
        return self._process.bury()

    def _on_replies(self) -> None:
        if self._handed is not None:
            self._handed.collect()

    def _on_death(self) -> None:
        if self._handed is not None:
            self._handed.collect()
            self._handed.finished.set()
        if self.state == "idle" and not self.alive:
            log.warning("a lane's process ended while it was idle", pid=self._process and self._process.pid)
            self._begin(self._replace("died"))

    def _begin(self, work: Coroutine[object, object, object]) -> None:
        task: asyncio.Task[object] = asyncio.get_running_loop().create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)


def _why(hand_over: HandOver) -> Replaced:
    """Why the process that had this can't have the next."""
    if hand_over.stopped_by is not None:
        return _STOPPED[hand_over.stopped_by]
    if hand_over.given_up:
        return "suspended"
    return "died" if hand_over.unfit is None else "unfit"


async def _hand(hand_over: HandOver, calls: Sequence[Call]) -> None:
    if not hand_over.over:  # else it has been stopped before
        hand_over.handed = True
        hand_over.process.hand_over(calls)
        await hand_over.finished.wait()


async def _set_within(event: asyncio.Event, seconds: float) -> bool:
    if seconds and not event.is_set():
        try:
            await asyncio.wait_for(event.wait(), seconds)
        except TimeoutError:
            return False
    return event.is_set()
