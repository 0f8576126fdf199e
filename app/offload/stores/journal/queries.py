"""The reads of the journal, each a function of a read-only connection.

Each is one statement, and so one consistent view, except `ended`.
"""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from offload.jobs.interfaces import PAGE_BYTES, BatchPage, EndedJobs, JobFilter, KnownKey, Member, Page
from offload.jobs.model import Batch, Job, State
from offload.stores.journal import rows, statements
from offload.stores.journal.connection_thread import RunGroup, Work
from offload.stores.journal.errors import storage_error

_AFTER_ALL = 2**63 - 1


def run_each(directory: Path) -> RunGroup:
    """Returns a function that runs each read of a group separately. `directory` holds the journal's file."""

    def run(connection: sqlite3.Connection, group: Sequence[Work]) -> Sequence[Any]:
        return [_run_one(connection, work, directory) for work in group]

    return run


def _run_one(connection: sqlite3.Connection, work: Work, directory: Path) -> object:
    try:
        return work(connection)
    except Exception as error:  # its caller gets it
        return storage_error(error, directory)


def get(connection: sqlite3.Connection, job_id: str) -> Job | None:
    row = _by_id(connection, statements.GET, job_id)
    return None if row is None else rows.job(row)


def get_batch(connection: sqlite3.Connection, batch_id: str) -> Batch | None:
    row = _by_id(connection, statements.GET_BATCH, batch_id)
    return None if row is None else rows.batch(row, source=row[-1])


def _by_id(connection: sqlite3.Connection, query: str, name: str) -> rows.Row | None:
    try:
        row: rows.Row | None = connection.execute(query, (name,)).fetchone()
    except UnicodeEncodeError:
        return None  # a lone surrogate, which SQLite can't store: no id contains one
    return row


def find_key(connection: sqlite3.Connection, owner: str | None, key: str) -> KnownKey | None:
    row = connection.execute(statements.FIND_KEY, {"owner": owner, "key": key}).fetchone()
    return None if row is None else KnownKey(fingerprint=row[0], job_id=row[1], batch_id=row[2])


def page(connection: sqlite3.Connection, where: JobFilter, limit: int, before: int | None) -> Page:
    parameters = {**asdict(where), "limit": limit + 1}
    del parameters["states"]  # they are part of the statement
    first, end = 0, _AFTER_ALL
    if where.created_after is not None or where.created_before is not None:
        first, end = connection.execute(statements.BOUNDS, parameters).fetchone()
        if first is None:
            return Page(jobs=(), next=None)
    parameters |= {"first": first, "before": end if before is None else min(before, end)}
    jobs: list[Job] = []
    size, last = 0, None
    for row in connection.execute(statements.page(where), parameters):
        if len(jobs) == limit or size >= PAGE_BYTES:
            return Page(jobs=jobs, next=last)
        job, last = rows.job(row), row[-1]
        jobs.append(job)
        size += len(job.params) + len(job.result or b"")
    return Page(jobs=jobs, next=None)


def ended(connection: sqlite3.Connection, owner: str | None, begin: int, end: int, sample: int) -> EndedJobs:
    parameters = {"owner": owner, "begin": begin, "end": end}
    counts = {State(state): count for state, count in connection.execute(statements.COUNT_ENDED, parameters)}
    every = max(1, sum(counts.values()) // sample)
    ran_s, waited_s = connection.execute(statements.DURATIONS, {**parameters, "every": every}).fetchone()
    return EndedJobs(counts=counts, ran_s=sorted(json.loads(ran_s)), waited_s=sorted(json.loads(waited_s)))


def live(connection: sqlite3.Connection) -> Sequence[Job]:
    return [rows.job(row) for row in connection.execute(statements.LIVE_JOBS)]


class ExpiryBounds(NamedTuple):
    """The arguments of `Journal.expire`."""

    finished_before: int
    key_before: int
    limit: int


def expirable(connection: sqlite3.Connection, bounds: ExpiryBounds) -> Sequence[Job]:
    return [rows.job(row) for row in connection.execute(statements.EXPIRABLE, bounds._asdict())]


def expirable_batches(connection: sqlite3.Connection, bounds: ExpiryBounds) -> Sequence[str]:
    return [row[0] for row in connection.execute(statements.EXPIRABLE_BATCHES, bounds._asdict())]


def batch_page(connection: sqlite3.Connection, owner: str | None, limit: int, before: int | None) -> BatchPage:
    parameters = {"owner": owner, "limit": limit + 1, "before": _AFTER_ALL if before is None else before}
    found = connection.execute(statements.batch_page(owner), parameters).fetchall()
    shown = found[:limit]
    return BatchPage(batches=[rows.batch(row) for row in shown], next=shown[-1][-1] if len(found) > limit else None)


def members(
    connection: sqlite3.Connection, batch_id: str, begin: int, limit: int, *, only_done: bool = False
) -> Sequence[Member]:
    """With `only_done`, returns nothing while any member is live."""
    parameters = {"batch_id": batch_id, "begin": begin, "limit": limit, "only_done": only_done}
    return [Member(row[-1], rows.job(row)) for row in connection.execute(statements.MEMBERS, parameters)]


def beats(connection: sqlite3.Connection) -> int:
    count: int = connection.execute(statements.BEATS).fetchone()[0]
    return count
