"""What the writer does: pieces of work, each a function of the connection."""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import TypeVar

from offload.errors import DuplicateKeyError
from offload.jobs.interfaces import IdempotencyKey
from offload.jobs.model import AttemptKey, Batch, Job, State
from offload.stores.journal import rows, sql

T = TypeVar("T")

PORTION = 32
"""Rows of one statement, at most. A power of two; more gain nothing."""


@dataclass(frozen=True, slots=True)
class Add:
    """Inserts jobs in their order; the batch carries the key, or else the first of them."""

    jobs: Sequence[Job]
    key: IdempotencyKey | None = None
    batch: Batch | None = None

    def __call__(self, connection: sqlite3.Connection) -> None:
        key, batch = self.key, self.batch
        nothing, known = (None, None), (None, None) if key is None else (key.key, key.fingerprint)
        if key is not None and connection.execute(sql.FIND_KEY, {"owner": key.owner, "key": key.key}).fetchone():
            raise DuplicateKeyError
        if batch is not None:
            connection.execute(sql.INSERT_BATCH, (*rows.new_batch(batch), *known))
            if batch.source is not None:
                connection.execute(sql.INSERT_SOURCE, (batch.id, batch.source))
            known = nothing
        keys = chain([known], repeat(nothing))
        for some in portions(self.jobs):
            values = [(*rows.accepted(job), *own) for job, own in zip(some, keys, strict=False)]
            connection.execute(sql.insert(len(some)), list(chain.from_iterable(values)))
        labels = [(label, job.id) for job in self.jobs for label in dict.fromkeys(job.labels)]
        if labels:
            connection.executemany(sql.INSERT_LABEL, labels)


@dataclass(frozen=True, slots=True)
class Replace:
    """Writes what an attempt changes, if the record is still where the caller saw it: `was` in `state`."""

    job: Job
    was: AttemptKey
    state: State

    def __call__(self, connection: sqlite3.Connection) -> bool:
        replaced = connection.execute(sql.replace(1), self.row).rowcount == 1
        if replaced and self.job.state is not self.state:
            moves = [
                (str(self.job.state), label, str(self.state), self.job.id) for label in dict.fromkeys(self.job.labels)
            ]
            if moves:
                connection.executemany(sql.MOVE_LABEL, moves)
        return replaced

    @property
    def row(self) -> rows.Row:
        """The parameters of `sql.replace`."""
        return (*rows.changed(self.job), self.was.job_id, str(self.state), self.was.attempt)


def remove(connection: sqlite3.Connection, job_id: str) -> bool:
    """Deletes a job that is terminal, with all that hangs on it."""
    row = connection.execute(sql.GET_TERMINAL, (job_id,)).fetchone()
    return row is not None and forget(connection, [rows.job(row)]) != []


def forget(connection: sqlite3.Connection, jobs: Sequence[Job]) -> Sequence[Job]:
    """Deletes terminal jobs as they were read; tells which of them were still there."""
    for job in jobs:
        for label in job.labels:
            connection.execute(sql.DELETE_LABEL, (label, str(job.state), job.id))
    forgotten = [job for job in jobs if connection.execute(sql.DELETE, (job.id,)).rowcount == 1]
    connection.execute(sql.DELETE_SPANS)
    return forgotten


def forget_batches(connection: sqlite3.Connection, batch_ids: Sequence[str]) -> None:
    """Deletes batches that are done, but not what is left of their members."""
    connection.executemany(sql.DELETE_BATCH, ((batch_id,) for batch_id in batch_ids))


def beat(connection: sqlite3.Connection) -> None:
    """Writes a row that nobody needs, to show that writing works."""
    connection.execute(sql.BEAT)


def portions(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """All of them in order, by powers of two: the statements for so many rows are prepared once and kept."""
    begin, size = 0, PORTION
    while begin < len(items):
        while begin + size > len(items):
            size //= 2
        yield items[begin : begin + size]
        begin += size
