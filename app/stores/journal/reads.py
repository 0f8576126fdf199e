"""What the readers do: functions of a read-only connection, each one statement and so one consistent view."""

import sqlite3
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from app.jobs.interfaces import PAGE_BYTES, JobFilter, KnownKey, Page
from app.jobs.model import Job
from app.stores.journal import rows, sql
from app.stores.journal.faults import storage_error
from app.stores.journal.line import Serve, Work

_BEYOND_ALL = 2**63 - 1


def answering(directory: Path) -> Serve:
    """Serves each read of a group for itself; `directory` is where the file is."""

    def serve(connection: sqlite3.Connection, group: Sequence[Work]) -> Sequence[Any]:
        return [_answer(connection, work, directory) for work in group]

    return serve


def _answer(connection: sqlite3.Connection, work: Work, directory: Path) -> object:
    try:
        return work(connection)
    except Exception as error:  # its waiter gets it
        return storage_error(error, directory)


def get(connection: sqlite3.Connection, job_id: str) -> Job | None:
    try:
        row = connection.execute(sql.GET, (job_id,)).fetchone()
    except UnicodeEncodeError:
        return None  # a lone surrogate: no text that SQLite could hold, so no job's id
    return None if row is None else rows.job(row)


def find_key(connection: sqlite3.Connection, owner: str | None, key: str) -> KnownKey | None:
    row = connection.execute(sql.FIND_KEY, (owner, key)).fetchone()
    return None if row is None else KnownKey(fingerprint=row[0], job_id=row[1])


def page(connection: sqlite3.Connection, where: JobFilter, limit: int, before: int | None) -> Page:
    parameters = {**asdict(where), "limit": limit + 1}
    del parameters["states"]  # they are part of the statement
    first, end = 0, _BEYOND_ALL
    if where.created_after is not None or where.created_before is not None:
        first, end = connection.execute(sql.BOUNDS, parameters).fetchone()
        if first is None:
            return Page(jobs=(), next=None)
    parameters |= {"first": first, "before": end if before is None else min(before, end)}
    jobs: list[Job] = []
    held, last = 0, None
    for row in connection.execute(sql.page(where), parameters):
        if len(jobs) == limit or held >= PAGE_BYTES:
            return Page(jobs=jobs, next=last)
        job, last = rows.job(row), row[-1]
        jobs.append(job)
        held += len(job.params) + len(job.result or b"")
    return Page(jobs=jobs, next=None)


def live(connection: sqlite3.Connection) -> Sequence[Job]:
    return [rows.job(row) for row in connection.execute(sql.LIVE)]


def expirable(connection: sqlite3.Connection, finished_before: int, key_before: int, limit: int) -> Sequence[Job]:
    bounds = {"finished_before": finished_before, "key_before": key_before, "limit": limit}
    return [rows.job(row) for row in connection.execute(sql.EXPIRABLE, bounds)]


def beats(connection: sqlite3.Connection) -> int:
    count: int = connection.execute(sql.BEATS).fetchone()[0]
    return count
