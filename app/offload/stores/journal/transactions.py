"""How the writer commits: a group of writes as one transaction, and what happens to the group if one of them fails."""

import contextlib
import sqlite3
from collections.abc import Callable, Sequence
from itertools import chain, groupby
from pathlib import Path
from typing import Any

from offload.errors import StorageFailedError, StorageFullError
from offload.stores.journal import statements
from offload.stores.journal.connection_thread import RunGroup, Work
from offload.stores.journal.errors import FULL, concerns_one_write, primary_code, storage_error
from offload.stores.journal.file_check import FileCheck
from offload.stores.journal.writes import Add, Replace, portions
from offload.stores.reserve import Reserve


def group_commit(directory: Path, files: FileCheck, reserve: Reserve) -> RunGroup:
    """Returns a function that runs a group of writes as one transaction. `directory` holds the journal's file.

    `files` are checked before and after each commit: a write to a file that was removed or truncated is not durable,
    and it would fill the gap that shows it. Once they are damaged, nothing more is written, so the rest can be rescued.

    A full disk releases the `reserve`. Then new jobs are rejected, and all other writes go on, until there is space.

    Nearly always all writes succeed, so adjacent writes of one kind share statements. If one write is invalid, the
    group runs again, each write in a savepoint of its own, without the invalid one. Any other error fails the whole
    group, and nothing of it is kept.
    """

    def run(connection: sqlite3.Connection, group: Sequence[Work]) -> Sequence[Any]:
        reserve.restore()
        results = commit_others(connection, group) if reserve.released else commit(connection, group)
        if any(isinstance(result, StorageFullError) for result in results) and reserve.release():
            return commit_others(connection, group)
        return results

    def commit_others(connection: sqlite3.Connection, group: Sequence[Work]) -> Sequence[Any]:
        others = [work for work in group if not isinstance(work, Add)]
        results = iter(commit(connection, others) if others else [])
        return [StorageFullError(FULL) if isinstance(work, Add) else next(results) for work in group]

    def commit(connection: sqlite3.Connection, group: Sequence[Work]) -> Sequence[Any]:
        results: Sequence[Any] = []
        lost = files.find_loss()
        if lost is None:
            results = _commit(connection, group, directory)
            lost = files.find_loss()
        return results if lost is None else [StorageFailedError(lost) for _ in group]

    return run


def _commit(connection: sqlite3.Connection, group: Sequence[Work], directory: Path) -> Sequence[Any]:
    try:
        try:
            return _transaction(connection, lambda: _run_together(connection, group))
        except Exception as error:
            if not concerns_one_write(error):
                raise
            return _transaction(connection, lambda: [_run_in_savepoint(connection, work, directory) for work in group])
    except Exception as error:  # each caller gets it
        if primary_code(error) == sqlite3.SQLITE_IOERR:
            _overwrite_failed_commit(connection)
        return [storage_error(error, directory) for _ in group]


def _overwrite_failed_commit(connection: sqlite3.Connection) -> None:
    """Overwrites the frames of a commit whose fsync failed.

    SQLite rolls such a commit back, but its frames in the WAL are complete. If the service were killed before the next
    write, the next start would read them as a commit, and a write that was reported as failed would exist.
    """
    with contextlib.suppress(sqlite3.Error):  # even if the fsync fails again, the frames have been overwritten
        connection.execute(statements.BEAT)


def _transaction(connection: sqlite3.Connection, run: Callable[[], Sequence[object]]) -> Sequence[object]:
    # IMMEDIATE: a transaction that starts by reading gets SQLITE_BUSY at its first write, without waiting for the lock.
    connection.execute("BEGIN IMMEDIATE")
    try:
        results = run()
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk has rolled it back already
            connection.execute("ROLLBACK")
        raise
    return results


class NotAllReplacedError(Exception):
    """One of several records did not have the expected state and attempt. A second run, one by one, finds which."""


def _run_together(connection: sqlite3.Connection, group: Sequence[Work]) -> Sequence[object]:
    """Adds jobs, and then replaces records, in as few statements as possible.

    At each statement this thread releases the GIL, and has to wait until a busy event loop releases it again: one by
    one, half as many writes per second were measured. Added and replaced jobs are never the same, since the id of a job
    is unknown until it has been added. So their order does not matter.
    """
    results: list[object] = []
    for alone, run in groupby(group, key=_runs_alone):
        works = list(run)
        if alone:
            results += [work(connection) for work in works]
        else:
            Add([job for work in works if isinstance(work, Add) for job in work.jobs])(connection)
            for some in portions([work for work in works if isinstance(work, Replace)]):
                _replace(connection, some)
            results += [True if isinstance(work, Replace) else None for work in works]
    return results


def _runs_alone(work: Work) -> bool:
    """Returns True for a write that changes more than rows of jobs."""
    if isinstance(work, Add):
        return work.key is not None or work.batch is not None
    return not isinstance(work, Replace) or work.job.labels != ()


def _replace(connection: sqlite3.Connection, works: Sequence[Replace]) -> None:
    """Uses one statement unless a record is replaced twice. Raises `NotAllReplacedError`."""
    if len({work.was.job_id for work in works}) == len(works):
        values = list(chain.from_iterable(work.row for work in works))
        replaced = connection.execute(statements.replace(len(works)), values).rowcount
    else:
        replaced = sum(work(connection) for work in works)
    if replaced < len(works):
        raise NotAllReplacedError


def _run_in_savepoint(connection: sqlite3.Connection, work: Work, directory: Path) -> object:
    connection.execute("SAVEPOINT one")
    try:
        result = work(connection)
    except Exception as error:
        if not concerns_one_write(error):
            raise
        connection.execute("ROLLBACK TO one")
        result = storage_error(error, directory)
    connection.execute("RELEASE one")
    return result
