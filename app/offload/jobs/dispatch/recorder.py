"""What is known of an attempt that runs, and how its start and its end come onto disk.

    begun ──► 50 ms later, where it has not ended by then: the mark that it runs
    ended ──► its end, again each second while the disk refuses it ──► recorded

Each write is guarded by the state and the attempt number that the job had, so a late or double one changes nothing.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

import structlog

from offload.errors import ProblemError
from offload.jobs.interfaces import Journal, TracedAttempt
from offload.jobs.model import Job, State

MARK_S = 0.05
"""An attempt that runs for longer is marked as running in the journal. Most have ended by then: one write the less."""

WRITE_AGAIN_S = 1.0
"""How long an outcome that could not be written waits for the next try."""

log = structlog.get_logger()


@dataclass(slots=True)
class Attempt:
    """A running attempt, from the hand-over to the record of its end."""

    queued: Job
    """The record before the start: what the guard of the first write names."""
    job: Job
    """The newest record that is shown: running, then whatever the attempt's end made of the job."""
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when its end is on disk."""
    answered: asyncio.Future[ProblemError | None] = field(default_factory=asyncio.Future)
    """The disk's first answer to its end: why it refused, or None where it took it."""
    wanted: Literal["cancel", "requeue"] | None = None
    """Why it is being stopped, if it is."""
    settled: bool = False
    """True once its end is known: a second outcome is dropped."""
    traced: TracedAttempt | None = None

    def answer(self, refusal: ProblemError | None) -> None:
        """Tells the disk's answer to who waits for it. Only the first counts."""
        if not self.answered.done():
            self.answered.set_result(refusal)


class Recorder:
    """Writes for the dispatcher. `recorded` is called once for each attempt, with the record that its end has made."""

    def __init__(
        self,
        journal: Journal,
        recorded: Callable[[Attempt, Job], None],
        spawn: Callable[[Coroutine[object, object, object]], object],
    ) -> None:
        self._journal = journal
        self._recorded = recorded
        self._spawn = spawn
        self._unmarked: dict[str, Attempt] = {}
        self._marks: set[asyncio.Future[bool]] = set()
        self._next_mark: asyncio.TimerHandle | None = None

    def begun(self, attempt: Attempt) -> None:
        """It runs, which is written down unless it ends soon."""
        self._unmarked[attempt.job.id] = attempt
        if self._next_mark is None:
            self._next_mark = asyncio.get_running_loop().call_later(MARK_S, self._mark_late)

    async def mark(self) -> None:
        """Has the journal know of everything that runs: for who asks it by state."""
        self._mark()
        if self._marks:  # others may have begun them: what is not on disk yet, the journal does not tell
            await asyncio.wait(self._marks)

    def _mark(self) -> None:
        for attempt in self._unmarked.values():
            mark = self._journal.replace(attempt.job, attempt.queued.key, State.QUEUED)
            self._marks.add(mark)
            mark.add_done_callback(self._marked)
        self._unmarked.clear()

    def _marked(self, mark: asyncio.Future[bool]) -> None:
        self._marks.discard(mark)
        if not mark.cancelled():
            mark.exception()  # one that could not be written is written with the attempt's end

    def _mark_late(self) -> None:
        self._next_mark = None
        self._mark()

    def end(self, attempt: Attempt, ended: Job) -> None:
        """Writes what an attempt's end has made of its job."""
        before = attempt.queued if self._unmarked.pop(ended.id, None) else attempt.job
        written = self._journal.replace(ended, before.key, before.state)
        written.add_done_callback(partial(self._written, attempt, ended))

    def _written(self, attempt: Attempt, ended: Job, written: asyncio.Future[bool]) -> None:
        why = asyncio.CancelledError() if written.cancelled() else written.exception()
        if why is None and written.result():
            self._recorded(attempt, ended)
        else:
            self._spawn(self._write_again(attempt, ended, why))

    async def _write_again(self, attempt: Attempt, ended: Job, why: BaseException | None) -> None:
        """Writes an attempt's start and end, both again while the disk refuses either."""
        queued, running = attempt.queued, attempt.job
        while True:
            if isinstance(why, ProblemError):
                attempt.answer(why)
                log.warning("record not written, trying again", job_id=ended.id, state=ended.state.value, why=str(why))
                await asyncio.sleep(WRITE_AGAIN_S)
            elif why is not None:
                raise why
            mark = self._journal.replace(running, queued.key, queued.state)
            end = self._journal.replace(ended, running.key, running.state)
            marked, written = await asyncio.gather(mark, end, return_exceptions=True)
            if written is True:
                break
            why = next((answer for answer in (written, marked) if isinstance(answer, BaseException)), None)
            if why is None:
                log.error("record had changed; kept as it was", job_id=ended.id, state=ended.state.value)
                break
        self._recorded(attempt, ended)
