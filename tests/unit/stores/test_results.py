"""The directory of results: paths, and which results of an earlier service are removed."""

import asyncio
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from offload.errors import BootError, StorageFailedError
from offload.jobs import lifecycle
from offload.jobs.ids import new_ids
from offload.jobs.model import AttemptKey, Done, Job, Usage
from offload.options import MAX_ATTEMPTS
from offload.stores.results import ResultDirectory
from offload.worker.results import write_result
from tests.support.journals import a_job
from tests.support.memory_journal import MemoryJournal

new_id = new_ids()


@pytest.fixture
def results(tmp_path: Path) -> ResultDirectory:
    return ResultDirectory(tmp_path / "results")


def a_file(results: ResultDirectory, job_id: str, attempt: int = 1) -> str:
    """A result as a lane writes it; answers its file's name."""
    write_result(results.directory, job_id, attempt, b"[1]")
    return results.path(AttemptKey(job_id, attempt)).name


def names(results: ResultDirectory) -> set[str]:
    return {file.name for file in results.directory.iterdir()}


def test_the_directory_is_private(results: ResultDirectory) -> None:
    assert stat.S_IMODE(results.directory.stat().st_mode) == 0o700


def test_a_directory_that_can_not_be_created_is_a_boot_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BootError, match="results can't be created"):
        ResultDirectory(tmp_path / "file" / "results")


def test_a_result_is_where_the_lane_wrote_it(results: ResultDirectory) -> None:
    job_id = new_id()
    a_file(results, job_id, 2)
    assert results.path(AttemptKey(job_id, 2)).read_bytes() == b"[1]"


def test_the_results_of_every_attempt_of_one_job_are_removed(results: ResultDirectory) -> None:
    job_id, other = new_id(), new_id()
    for attempt in range(1, MAX_ATTEMPTS + 1):
        a_file(results, job_id, attempt)
    kept = a_file(results, other)
    asyncio.run(results.remove(job_id))
    asyncio.run(results.remove(job_id))
    assert names(results) == {kept}


def _running(job: Job) -> Job:
    return lifecycle.start(job, 1)


def _succeeded(job: Job) -> Job:
    return lifecycle.succeed(_running(job), Done(result=None, result_bytes=3, usage=Usage(wall_s=1)), 2)


def _retried(job: Job) -> Job:
    return _succeeded(lifecycle.retry(_running(job), None))


def _inline(job: Job) -> Job:
    return replace(_succeeded(job), result=b"[1]")


def _cancelled(job: Job) -> Job:
    return lifecycle.cancel(_running(job), None, 2)


async def _sweep(results: ResultDirectory, *jobs: Job) -> int:
    journal = MemoryJournal()
    await journal.add(jobs)
    return await results.sweep(await results.leftovers(), journal.get)


@pytest.mark.parametrize(
    ("end", "kept"),
    [
        (lambda job: job, True),
        (_running, True),
        (_succeeded, True),
        (_retried, False),
        (_inline, False),
        (_cancelled, False),
    ],
    ids=["queued", "running", "succeeded", "succeeded later", "succeeded inline", "cancelled"],
)
def test_a_sweep_keeps_results_that_can_be_requested(
    results: ResultDirectory, end: Callable[[Job], Job], kept: bool
) -> None:
    job = end(a_job(new_id()))
    name = a_file(results, job.id, 1)
    assert asyncio.run(_sweep(results, job)) == (0 if kept else 1)
    assert names(results) == ({name} if kept else set())


def test_a_sweep_removes_results_of_unknown_jobs_and_nothing_else(results: ResultDirectory) -> None:
    a_file(results, new_id())
    (results.directory / f".{new_id()}.1.json.partial").write_bytes(b"[")
    (results.directory / "README").write_bytes(b"an operator's")
    assert asyncio.run(_sweep(results)) == 1
    assert names(results) == {"README"}


def test_a_file_that_is_newer_than_the_listing_stays(results: ResultDirectory) -> None:
    async def sweep() -> None:
        listed = await results.leftovers()
        await asyncio.to_thread(a_file, results, new_id())
        assert await results.sweep(listed, MemoryJournal().get) == 0

    asyncio.run(sweep())
    assert len(names(results)) == 1


def test_nothing_is_removed_if_the_journal_fails(results: ResultDirectory) -> None:
    a_file(results, new_id())

    async def failing(_: str) -> Job | None:
        raise StorageFailedError("The journal failed.")

    async def sweep() -> None:
        await results.sweep(await results.leftovers(), failing)

    with pytest.raises(StorageFailedError):
        asyncio.run(sweep())
    assert len(names(results)) == 1
