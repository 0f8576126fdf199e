"""One attempt, from its dispatch until its end is on disk."""

import asyncio
from dataclasses import dataclass, field
from typing import Literal

from offload.errors import ProblemError
from offload.jobs import lifecycle
from offload.jobs.interfaces import TracedAttempt
from offload.jobs.model import Assignment, Done, Failed, Job, Outcome, Rejected

StopReason = Literal["cancel", "requeue"]
"""Why the service stops an attempt: a client cancels the job, or the service itself stops."""


@dataclass(slots=True)
class Attempt:
    """A running attempt."""

    queued: Job
    """The record before the start."""
    running: Job
    """The record that is visible while the attempt runs."""
    stop_reason: StopReason | None = None
    concluded: bool = False
    """True once its outcome is known. A later outcome is ignored."""
    refused: asyncio.Future[ProblemError] = field(default_factory=asyncio.Future)
    """Completed if the disk refuses the record of its end: the error. The write is repeated."""
    ended: asyncio.Future[Job] = field(default_factory=asyncio.Future)
    """Completed with the record that its end has made, once that is on disk and visible."""
    traced: TracedAttempt | None = None

    def assignment(self) -> Assignment:
        """Return what the engine needs to run it."""
        job = self.running
        return Assignment(
            key=job.key,
            task=job.task,
            params=job.params,
            timeout_s=job.timeout_s,
            memory_mb=job.memory_mb,
            trace=None if self.traced is None else self.traced.place,
        )

    def conclude(self, outcome: Outcome, at: int) -> Job:
        """Return what the job becomes at the time `at`.

        The outcome decides. Only if the attempt did not end by itself does the reason for which it was stopped count.
        """
        if self.stop_reason is None or isinstance(outcome, Done | Failed):
            return lifecycle.conclude(self.running, outcome, at)
        if self.stop_reason == "cancel":
            return lifecycle.cancel(self.running, None if isinstance(outcome, Rejected) else outcome.usage, at)
        return lifecycle.requeue(self.running)
