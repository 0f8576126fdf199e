"""Batches, their members and their results."""

from collections.abc import Mapping
from typing import Any, Required

from pydantic import AwareDatetime

from offload.client.records.jobs import JobError, State
from offload.client.records.record import Record, Text
from offload.options import SubmitOptions


class Member(SubmitOptions, total=False):
    """A job of a batch that is to be submitted, with the options of `Client.submit`."""

    task: Required[str]
    params: Required[Mapping[str, Any]]


class Counts(Record):
    """How many jobs of a batch are in each state."""

    queued: int
    running: int
    succeeded: int
    failed: int
    cancelled: int


class BatchProgress(Record):
    """How many jobs of a batch have ended. `fraction` includes the progress of the running ones."""

    done: int
    total: int
    fraction: float


class BatchLinks(Record):
    """The paths of a batch."""

    self: str
    jobs: str
    results: str
    events: str
    cancel: str
    manifest: str | None = None
    """Only for a batch of files."""
    report: str | None = None
    """Only for a verification."""


class Batch(Record):
    """Jobs that are accepted, counted and cancelled together."""

    id: str
    kind: str
    """How it was submitted: as `jobs`, by a pattern (`file-digest`) or by a manifest (`verify`)."""
    size: int
    counts: Counts
    done: bool
    """Whether no job of it is queued or running. Then it never changes again."""
    progress: BatchProgress
    labels: tuple[Text, ...]
    owner: Text | None
    created_at: AwareDatetime
    finished_at: AwareDatetime | None
    links: BatchLinks

    @property
    def ended(self) -> bool:
        """The same as `done`, by the name that a job has for it."""
        return self.done


class MemberResult(Record):
    """The state and result of one job of a batch."""

    index: int
    """Its position in the order of submission, from 0."""
    id: str
    task: str
    state: State
    result: Any
    """The whole result, of any size. None unless the job has succeeded."""
    result_bytes: int | None
    error: JobError | None


class BatchPage(Record):
    """A page of batches, and the cursor of the next."""

    batches: tuple[Batch, ...]
    next: str | None

    @property
    def items(self) -> tuple[Batch, ...]:
        """The batches, by the name that every page has for its items."""
        return self.batches
