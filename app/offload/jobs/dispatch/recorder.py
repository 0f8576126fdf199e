"""Writes starts and ends of attempts to the journal.

    last attempt  ──► its start is written before it is dispatched: a kill or a power cut can't give it another one
    other attempt ──► it is noted, without a sync; 50 ms later, if it still runs, its start is written
    end           ──► it is written, again every second while that fails

Each write is guarded by the state and the attempt number that the job had, so a late or repeated write changes nothing.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import structlog

from offload.errors import ProblemError
from offload.jobs.dispatch.attempt import Attempt
from offload.jobs.interfaces import Journal
from offload.jobs.model import Job, State
from offload.supervision import Supervisor

START_DELAY_S = 0.05
"""The start of an attempt is written after this time. Most attempts have ended by then, which saves the write."""

RETRY_S = 1.0
"""The pause before a refused write of an end is repeated."""

log = structlog.get_logger()


@dataclass(slots=True)
class _Note:
    """A note of `Journal.note_dispatch`."""

    number: int
    attempts: int
    """How many of its attempts have no end on disk."""


class Recorder:
    """Writes the starts and ends of attempts."""

    def __init__(self, journal: Journal, supervisor: Supervisor) -> None:
        self._journal = journal
        self._supervisor = supervisor
        self._unwritten: dict[str, tuple[float, Attempt]] = {}
        """Attempts whose start is not written, oldest first, each with its start on the loop's clock."""
        self._writes: set[asyncio.Future[bool]] = set()
        """Writes of starts that are on their way to the disk."""
        self._timer: asyncio.TimerHandle | None = None
        self._retries: set[asyncio.Task[None]] = set()
        self._notes: dict[str, _Note] = {}
        """The notes of attempts whose end is not on disk, by the id of the job."""
        self._closed = False

    def write_dispatch(self, attempts: Sequence[Attempt]) -> Mapping[str, asyncio.Future[bool]]:
        """Write that these attempts are dispatched, so that they count whatever happens to the service.

        Returns the writes that must be on disk before an attempt may run, by the id of its job.
        """
        noted = [attempt for attempt in attempts if attempt.running.attempt < attempt.running.max_attempts]
        if noted:
            number = self._journal.note_dispatch([attempt.running.key for attempt in noted])
            if number is None:  # the disk refuses it
                noted = []
            else:
                note = _Note(number, len(noted))
                for attempt in noted:
                    self._notes[attempt.running.id] = note
                    self._write_start_later(attempt)
        if len(noted) == len(attempts):
            return {}
        return {each.running.id: self._write_start(each) for each in attempts if each.running.id not in self._notes}

    def _write_start_later(self, attempt: Attempt) -> None:
        """Write the start of an attempt after `START_DELAY_S`, unless the attempt has ended by then."""
        loop = asyncio.get_running_loop()
        self._unwritten[attempt.running.id] = loop.time(), attempt
        if self._timer is None:
            self._timer = loop.call_later(START_DELAY_S, self._write_late_starts)

    async def flush_starts(self) -> None:
        """Write the starts of all running attempts, for a reader that asks the journal for jobs by state."""
        for _, attempt in self._unwritten.values():
            self._write_start(attempt)
        self._unwritten.clear()
        if self._writes:  # also those that others have begun
            await asyncio.wait(self._writes)

    def _write_late_starts(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = None
        while self._unwritten:
            job_id, (started_at, attempt) = next(iter(self._unwritten.items()))
            if started_at + START_DELAY_S > loop.time():
                self._timer = loop.call_at(started_at + START_DELAY_S, self._write_late_starts)
                break
            del self._unwritten[job_id]
            self._write_start(attempt)

    def _write_start(self, attempt: Attempt) -> asyncio.Future[bool]:
        write = self._journal.replace(attempt.running, attempt.queued.key, State.QUEUED)
        self._writes.add(write)
        write.add_done_callback(self._start_written)
        return write

    def _start_written(self, write: asyncio.Future[bool]) -> None:
        self._writes.discard(write)
        if not write.cancelled():
            write.exception()  # a start that could not be written is written with the attempt's end

    def write_end(self, attempt: Attempt, after: Job) -> asyncio.Future[Job]:
        """Write what the end of an attempt makes of its job. The future has that record once it is on disk.

        If the disk refuses the first try, `attempt.refused` is completed.
        """
        recorded: asyncio.Future[Job] = asyncio.get_running_loop().create_future()
        before = attempt.queued if self._unwritten.pop(after.id, None) else attempt.running
        write = self._journal.replace(after, before.key, before.state)
        write.add_done_callback(partial(self._end_written, attempt, after, recorded))
        return recorded

    def _end_written(
        self, attempt: Attempt, after: Job, recorded: asyncio.Future[Job], write: asyncio.Future[bool]
    ) -> None:
        error = asyncio.CancelledError() if write.cancelled() else write.exception()
        if error is None and write.result():
            self._forget_note(after.id)
            recorded.set_result(after)
            return
        if self._closed:
            return
        retry = asyncio.create_task(self._write_again(attempt, after, recorded, error))
        self._retries.add(retry)
        retry.add_done_callback(self._retries.discard)

    async def _write_again(
        self, attempt: Attempt, after: Job, recorded: asyncio.Future[Job], error: BaseException | None
    ) -> None:
        """Write the start and the end of an attempt, again while the disk refuses either or the journal fails."""
        queued, running = attempt.queued, attempt.running
        while True:
            if isinstance(error, ProblemError):
                if not attempt.refused.done():
                    attempt.refused.set_result(error)
                log.warning(
                    "record not written, trying again", job_id=after.id, state=after.state.value, why=str(error)
                )
            elif error is not None:  # an error of ours: the attempt must not seem to run for ever
                self._supervisor.note("recorder", error)
            if error is not None:
                await asyncio.sleep(RETRY_S)
            start = self._journal.replace(running, queued.key, queued.state)
            end = self._journal.replace(after, running.key, running.state)
            start_result, end_result = await asyncio.gather(start, end, return_exceptions=True)
            if end_result is True:
                break
            error = next((each for each in (end_result, start_result) if isinstance(each, BaseException)), None)
            if error is None:
                log.error("record had changed and was kept", job_id=after.id, state=after.state.value)
                break
        self._forget_note(after.id)
        recorded.set_result(after)

    def _forget_note(self, job_id: str) -> None:
        note = self._notes.pop(job_id, None)
        if note is not None:
            note.attempts -= 1
            if note.attempts == 0:
                self._journal.forget_dispatch(note.number)

    async def close(self) -> None:
        """Give up what the disk still refuses. The next start finds these attempts interrupted."""
        self._closed = True
        for retry in self._retries:
            retry.cancel()
        await asyncio.gather(*self._retries, return_exceptions=True)
