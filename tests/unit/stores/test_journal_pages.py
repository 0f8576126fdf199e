"""What a page of a list costs, in steps of SQLite's own machine: that does not depend on how busy this one is."""

import asyncio
import contextlib
import sqlite3
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from app.jobs.interfaces import JobFilter
from app.jobs.model import Job, State
from app.stores.journal import boot, reads
from tests.support.journals import a_job, ended, opened

FEW, MANY = 2_000, 20_000


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two journals of the same kinds of jobs; each tenth still waits."""
    directory = tmp_path_factory.mktemp("pages")

    async def fill(count: int) -> None:
        async with opened(directory / f"{count}.db") as journal:
            await journal.add([_job(number) for number in range(count)])

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
    """Steps for a page of 20, in hundreds."""
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    with contextlib.closing(boot.open_reader(path)) as connection:
        connection.set_progress_handler(count, 100)
        reads.page(connection, where, limit=20, before=before)
    return steps


def _named(where: JobFilter) -> str:
    return "+".join(name for name, value in asdict(where).items() if value) or "everything"


@pytest.mark.parametrize("where", PAGES, ids=_named)
def test_a_page_costs_the_same_among_ten_times_as_many_jobs(directory: Path, where: JobFilter) -> None:
    few, many = (_cost(directory / f"{count}.db", where) for count in (FEW, MANY))
    assert many <= few + 10, "a thousand steps more, for deeper trees and a longer list of spans"


@pytest.mark.parametrize("where", PAGES, ids=_named)
def test_a_page_costs_the_same_however_deep_it_is(directory: Path, where: JobFilter) -> None:
    path = directory / f"{MANY}.db"
    assert _cost(path, where, before=MANY // 2) <= _cost(path, where) + 10


def test_a_walk_over_all_would_be_seen(directory: Path) -> None:
    with contextlib.closing(sqlite3.connect(directory / f"{MANY}.db")) as connection:
        steps: list[None] = []
        connection.set_progress_handler(lambda: steps.append(None), 100)
        connection.execute("SELECT count(*) FROM jobs NOT INDEXED WHERE task = 'none'").fetchone()
    assert len(steps) > 500
