"""How the writer commits: a group of work as one transaction, and what happens to the others when one is refused."""

import contextlib
import sqlite3
from collections.abc import Callable, Sequence
from itertools import chain, groupby
from pathlib import Path
from typing import Any

from offload.errors import StorageFailedError
from offload.stores.journal import sql
from offload.stores.journal.faults import is_members_own, primary_code, storage_error
from offload.stores.journal.line import Serve, Work
from offload.stores.journal.writes import Add, Replace, portions


def committing(directory: Path, gone: Callable[[], str | None]) -> Serve:
    """Serves a group of writes as one transaction; `directory` is where the file is.

    `gone` is asked after each: what was written to a file that is not there any more is not on disk, and why is told.

    Nearly always all of them succeed, so neighbours of one kind are done together; only if one is refused on its own
    account is the group done again, one by one with a savepoint around each, and that one left out. Whatever else
    fails, fails for all, and nothing is kept.
    """

    def serve(connection: sqlite3.Connection, group: Sequence[Work]) -> Sequence[Any]:
        try:
            try:
                answers = _transaction(connection, lambda: _together(connection, group))
            except Exception as error:
                if not is_members_own(error):
                    raise
                answers = _transaction(connection, lambda: [_apart(connection, work, directory) for work in group])
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


def _transaction(connection: sqlite3.Connection, do: Callable[[], Sequence[object]]) -> Sequence[object]:
    # IMMEDIATE: a transaction that turns from reading to writing gets SQLITE_BUSY without waiting for the lock.
    connection.execute("BEGIN IMMEDIATE")
    try:
        answers = do()
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk has rolled it back already
            connection.execute("ROLLBACK")
        raise
    return answers


class NotAllReplacedError(Exception):
    """Of records replaced together, one was not where its caller saw it: which, is to be found one by one."""


def _together(connection: sqlite3.Connection, group: Sequence[Work]) -> Sequence[object]:
    """Jobs are added, and then records replaced, by as few statements as can be.

    At each statement this thread lets go of the GIL, and a busy event loop gives it back when it has to wait: in its
    company, one by one, half as many are written in a second. What is added and what is replaced are never the same
    jobs, since nobody can name a job before it has been added: which of the two comes first does not matter.
    """
    answers: list[object] = []
    for alone, run in groupby(group, key=_stands_alone):
        works = list(run)
        if alone:
            answers += [work(connection) for work in works]
        else:
            Add([job for work in works if isinstance(work, Add) for job in work.jobs])(connection)
            for some in portions([work for work in works if isinstance(work, Replace)]):
                _replace(connection, some)
            answers += [True if isinstance(work, Replace) else None for work in works]
    return answers


def _stands_alone(work: Work) -> bool:
    """True for what changes more than rows of jobs."""
    if isinstance(work, Add):
        return work.key is not None or work.batch is not None
    return not isinstance(work, Replace) or work.job.labels != ()


def _replace(connection: sqlite3.Connection, works: Sequence[Replace]) -> None:
    """By one statement, unless a record is replaced twice. Raises `NotAllReplacedError`."""
    if len({work.was.job_id for work in works}) == len(works):
        values = list(chain.from_iterable(work.row for work in works))
        replaced = connection.execute(sql.replace(len(works)), values).rowcount
    else:
        replaced = sum(work(connection) for work in works)
    if replaced < len(works):
        raise NotAllReplacedError


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
