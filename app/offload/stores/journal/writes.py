"""The writes of the journal, each a function of the connection."""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import TypeVar

from offload.errors import DuplicateKeyError
from offload.jobs.interfaces import IdempotencyKey
from offload.jobs.model import AttemptKey, Batch, Job, State
from offload.stores.journal import rows, statements

T = TypeVar("T")

ROWS_PER_STATEMENT = 32
"""Maximum number of rows in one statement. A power of two; more rows are not faster."""


@dataclass(frozen=True, slots=True)
class Add:
    """Inserts jobs in order. The key is stored with the batch, or with the first job if there is no batch."""

    jobs: Sequence[Job]
    key: IdempotencyKey | None = None
    batch: Batch | None = None

    def __call__(self, connection: sqlite3.Connection) -> None:
        key, batch = self.key, self.batch
        no_key, own_key = (None, None), (None, None) if key is None else (key.key, key.fingerprint)
        if key is not None and connection.execute(statements.FIND_KEY, {"owner": key.owner, "key": key.key}).fetchone():
            raise DuplicateKeyError
        if batch is not None:
            connection.execute(statements.INSERT_BATCH, (*rows.new_batch(batch), *own_key))
            if batch.source is not None:
                connection.execute(statements.INSERT_SOURCE, (batch.id, batch.source))
            own_key = no_key
        keys = chain([own_key], repeat(no_key))
        for some in portions(self.jobs):
            values = [(*rows.accepted(job), *key_columns) for job, key_columns in zip(some, keys, strict=False)]
            connection.execute(statements.insert(len(some)), list(chain.from_iterable(values)))
        labels = [(label, job.id) for job in self.jobs for label in dict.fromkeys(job.labels)]
        if labels:
            connection.executemany(statements.INSERT_LABEL, labels)


@dataclass(frozen=True, slots=True)
class Replace:
    """Writes what an attempt changes if the record still has the expected attempt number (`was`) and `state`."""

    job: Job
    was: AttemptKey
    state: State

    def __call__(self, connection: sqlite3.Connection) -> bool:
        replaced = connection.execute(statements.replace(1), self.row).rowcount == 1
        if replaced and self.job.state is not self.state:
            moves = [
                (str(self.job.state), label, str(self.state), self.job.id) for label in dict.fromkeys(self.job.labels)
            ]
            if moves:
                connection.executemany(statements.MOVE_LABEL, moves)
        return replaced

    @property
    def row(self) -> rows.Row:
        """The parameters of `statements.replace`."""
        return (*rows.changed(self.job), self.was.job_id, str(self.state), self.was.attempt)


def remove(connection: sqlite3.Connection, job_id: str) -> bool:
    """Deletes a terminal job with its labels. Returns False if there is none."""
    row = connection.execute(statements.GET_TERMINAL, (job_id,)).fetchone()
    return row is not None and delete(connection, [rows.job(row)]) != []


def delete(connection: sqlite3.Connection, jobs: Sequence[Job]) -> Sequence[Job]:
    """Deletes terminal jobs. Returns those of them that still existed."""
    for job in jobs:
        for label in job.labels:
            connection.execute(statements.DELETE_LABEL, (label, str(job.state), job.id))
    deleted = [job for job in jobs if connection.execute(statements.DELETE, (job.id,)).rowcount == 1]
    connection.execute(statements.DELETE_SPANS)
    return deleted


def delete_batches(connection: sqlite3.Connection, batch_ids: Sequence[str]) -> None:
    """Deletes finished batches, but not their remaining members."""
    connection.executemany(statements.DELETE_BATCH, ((batch_id,) for batch_id in batch_ids))


def beat(connection: sqlite3.Connection) -> None:
    """Writes a row for the health check, to show that writing works."""
    connection.execute(statements.BEAT)


def portions(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """Splits the items in order into lengths that are powers of two, so that few different statements are prepared."""
    begin, size = 0, ROWS_PER_STATEMENT
    while begin < len(items):
        while begin + size > len(items):
            size //= 2
        yield items[begin : begin + size]
        begin += size
