"""The cost of a page of a list, in steps of SQLite's virtual machine, which don't depend on the load."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import pytest

from offload.jobs.interfaces import JobFilter
from offload.jobs.model import Batch, Job, State
from offload.stores.journal import opening, queries
from tests.support.journals import a_job, ended, opened

FEW, MANY = 2_000, 20_000


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two journals of the same kinds of jobs; each tenth still waits."""
    directory = tmp_path_factory.mktemp("pages")

    async def fill(count: int) -> None:
        async with opened(directory / f"{count}.db") as journal:
            counts = dict.fromkeys(State, count)
            batch = Batch(id="b", kind="jobs", size=count, created_at=0, owner="o", counts=counts)
            await journal.add([_job(number) for number in range(count)], batch=batch)
            for number in range(count // 10):
                await journal.add([], batch=replace(batch, id=f"{number}"))

    for count in (FEW, MANY):
        asyncio.run(fill(count))
    return directory


def _job(number: int) -> Job:
    job = replace(a_job(f"{number}", created_at=number), labels=("common",), batch_id="b", owner="o")
    return job if number % 10 == 0 else ended(job)


PAGES = [
    JobFilter(),
    JobFilter(states=frozenset({State.QUEUED})),
    JobFilter(states=frozenset({State.SUCCEEDED, State.FAILED})),
    JobFilter(task="t"),
    JobFilter(task="none"),
    JobFilter(task="t", states=frozenset({State.QUEUED})),
    JobFilter(label="common"),
    JobFilter(label="common", states=frozenset({State.QUEUED})),
    JobFilter(batch_id="b"),
    JobFilter(batch_id="b", label="common"),
    JobFilter(owner="o"),
    JobFilter(owner="o", task="t"),
    JobFilter(created_after=100, created_before=200),
    JobFilter(created_before=50),
    JobFilter(created_before=50, states=frozenset({State.SUCCEEDED})),
]


def _cost(path: Path, where: JobFilter, before: int | None = None) -> int:
    return _steps(path, partial(queries.page, where=where, limit=20, before=before))


def _steps(path: Path, read: Callable[[sqlite3.Connection], object]) -> int:
    """Steps that a read takes, in hundreds."""
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    with contextlib.closing(opening.open_reader(path)) as connection:
        connection.set_progress_handler(count, 100)
        read(connection)
    return steps


def _named(where: JobFilter) -> str:
    return "+".join(name for name, value in asdict(where).items() if value) or "everything"


@pytest.mark.parametrize("where", PAGES, ids=_named)
def test_a_page_costs_the_same_among_ten_times_as_many_jobs(directory: Path, where: JobFilter) -> None:
    few, many = (_cost(directory / f"{count}.db", where) for count in (FEW, MANY))
    assert many <= few + 10, "a thousand steps more, for deeper trees and a longer list of spans"


@pytest.mark.parametrize("where", PAGES, ids=_named)
def test_a_page_costs_the_same_at_any_depth(directory: Path, where: JobFilter) -> None:
    path = directory / f"{MANY}.db"
    assert _cost(path, where, before=MANY // 2) <= _cost(path, where) + 10


@pytest.mark.parametrize(
    "read",
    [
        partial(queries.get_batch, batch_id="b"),
        partial(queries.members, batch_id="b", begin=0, limit=20),
        partial(queries.members, batch_id="b", begin=FEW - 50, limit=20),
        partial(queries.batch_page, owner=None, limit=20, before=None),
        partial(queries.batch_page, owner="o", limit=20, before=FEW // 20),
        partial(queries.expirable_batches, bounds=queries.ExpiryBounds(100, 100, 20)),
        partial(queries.find_key, owner="o", key="k"),
    ],
)
def test_a_read_of_batches_costs_the_same_among_ten_times_as_many(
    directory: Path, read: Callable[[sqlite3.Connection], object]
) -> None:
    few, many = (_steps(directory / f"{count}.db", read) for count in (FEW, MANY))
    assert many <= few + 2


def test_a_full_scan_would_be_detected(directory: Path) -> None:
    with contextlib.closing(sqlite3.connect(directory / f"{MANY}.db")) as connection:
        steps: list[None] = []
        connection.set_progress_handler(lambda: steps.append(None), 100)
        connection.execute("SELECT count(*) FROM jobs NOT INDEXED WHERE task = 'none'").fetchone()
    assert len(steps) > 500
