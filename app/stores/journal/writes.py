"""What the writer does: pieces of work, each a function of the connection, and the transaction around a group."""

import contextlib
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from app.errors import DuplicateKeyError, StorageFailedError
from app.jobs.interfaces import IdempotencyKey
from app.jobs.model import AttemptKey, Batch, Job, State
from app.stores.journal import rows, sql
from app.stores.journal.faults import is_members_own, primary_code, storage_error
from app.stores.journal.line import Serve, Work


def committing(directory: Path, gone: Callable[[], str | None]) -> Serve:
    """Serves a group of writes as one transaction; `directory` is where the file is.

    `gone` is asked after each: what was written to a file that is not there any more is not on disk, and why is told.

    Nearly always all of them succeed, so they run bare; only if one is refused on its own account is the group done
    again, with a savepoint around each, and that one left out. Whatever else fails, fails for all, and nothing is kept.
    """

    def serve(connection: sqlite3.Connection, group: Sequence[Work]) -> Sequence[Any]:
        try:
            try:
                answers = _transaction(connection, group, lambda work: work(connection))
            except Exception as error:
                if not is_members_own(error):
                    raise
                answers = _transaction(connection, group, lambda work: _apart(connection, work, directory))
        except Exception as error:  # each waiter gets it
            if primary_code(error) == sqlite3.SQLITE_IOERR:
                _cover(connection)
            return [storage_error(error, directory) for _ in group]
        if why := gone():
            return [StorageFailedError(why) for _ in group]
        return answers

    return serve


def _cover(connection: sqlite3.Connection) -> None:
    """Writes over what a commit has left in the log whose sync failed.

    SQLite takes such a commit back, but its frames are whole: if the service were killed before the next write, the
    next start would take them for a commit, and what was refused would be there.
    """
    with contextlib.suppress(sqlite3.Error):  # even one whose sync fails again has been written over them
        connection.execute(sql.BEAT)


def _transaction(
    connection: sqlite3.Connection, group: Sequence[Work], do: Callable[[Work], object]
) -> Sequence[object]:
    # IMMEDIATE: a transaction that turns from reading to writing gets SQLITE_BUSY without waiting for the lock.
    connection.execute("BEGIN IMMEDIATE")
    try:
        answers = [do(work) for work in group]
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk has rolled it back already
            connection.execute("ROLLBACK")
        raise
    return answers


def _apart(connection: sqlite3.Connection, work: Work, directory: Path) -> object:
    connection.execute("SAVEPOINT apart")
    try:
        answer = work(connection)
    except Exception as error:
        if not is_members_own(error):
            raise
        connection.execute("ROLLBACK TO apart")
        answer = storage_error(error, directory)
    connection.execute("RELEASE apart")
    return answer


def add(connection: sqlite3.Connection, jobs: Sequence[Job], key: IdempotencyKey | None, batch: Batch | None) -> None:
    """Inserts the jobs in their order; the batch carries the key, or else the first of them."""
    nothing, known = (None, None), (None, None) if key is None else (key.key, key.fingerprint)
    if key is not None and connection.execute(sql.FIND_KEY, {"owner": key.owner, "key": key.key}).fetchone():
        raise DuplicateKeyError
    if batch is not None:
        connection.execute(sql.INSERT_BATCH, (*rows.new_batch(batch), *known))
        if batch.source is not None:
            connection.execute(sql.INSERT_SOURCE, (batch.id, batch.source))
        known = nothing
    keys = [known, *[nothing] * (len(jobs) - 1)]
    connection.executemany(sql.INSERT, ((*rows.accepted(job), *own) for job, own in zip(jobs, keys, strict=False)))
    labels = [(label, job.id) for job in jobs for label in dict.fromkeys(job.labels)]
    if labels:
        connection.executemany(sql.INSERT_LABEL, labels)


def replace(connection: sqlite3.Connection, job: Job, was: AttemptKey, state: State) -> bool:
    """Writes what an attempt changes, if the record is still where the caller saw it."""
    guard = (was.job_id, str(state), was.attempt)
    replaced = connection.execute(sql.REPLACE, (*rows.changed(job), *guard)).rowcount == 1
    if replaced and job.state is not state:
        moves = [(str(job.state), label, str(state), job.id) for label in dict.fromkeys(job.labels)]
        if moves:
            connection.executemany(sql.MOVE_LABEL, moves)
    return replaced


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
