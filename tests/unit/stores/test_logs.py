"""The directory of logs: reading, and removal of logs of deleted jobs at the next start."""

from pathlib import Path
from typing import Any

import pytest

from offload.errors import BootError
from offload.jobs.model import AttemptKey, Job
from offload.stores.logs import LogDirectory
from offload.worker.output.log_writer import LogWriter
from tests.support.journals import a_job

pytestmark = pytest.mark.anyio

ID = "01a20000-0000-7000-8000-000000000001"


def say(logs: LogDirectory, job_id: str) -> None:
    book = LogWriter(logs.directory)
    book.begin(job_id, 1)
    book.write("hello", stream="stdout")
    book.end()


async def test_a_log_contains_only_its_own_attempt(tmp_path: Path) -> None:
    logs = LogDirectory(tmp_path / "logs")
    job = a_job(ID)
    say(logs, job.id)
    (line,) = await logs.read(job.key._replace(attempt=1))
    assert (line.attempt, line.stream, line.text) == (1, "stdout", "hello")
    assert await logs.read(AttemptKey(job.id, 2)) == []


async def test_a_sweep_removes_only_logs_of_deleted_jobs(tmp_path: Path) -> None:
    logs = LogDirectory(tmp_path / "logs")
    kept, gone = a_job(ID), a_job(ID.replace("1", "2"))
    for job in (kept, gone):
        say(logs, job.id)
    (logs.directory / "notes.txt").touch()

    async def find(job_id: str) -> Job | None:
        return kept if job_id == kept.id else None

    leftovers = await logs.leftovers()
    assert set(leftovers) == {kept.id, gone.id}
    assert await logs.sweep(leftovers, find) == 1
    assert {file.name for file in logs.directory.iterdir()} == {f"{kept.id}.1.log", "notes.txt"}


@pytest.mark.parametrize("turns", [1, 2])
async def test_a_log_read_during_rotation_has_no_gap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, turns: int
) -> None:
    monkeypatch.setattr("offload.worker.output.log_writer.FILE_BYTES", 0)  # each line turns the file
    logs, job = LogDirectory(tmp_path / "logs"), a_job("job")
    book = LogWriter(logs.directory)
    book.begin(job.id, 1)
    for n in range(2):
        book.write(str(n), stream="stdout")
    opened, to_come = Path.open, [str(n) for n in range(2, 2 + turns)]

    def open_and_be_overtaken(path: Path, *args: Any, **options: Any) -> Any:  # as `open` has them
        file = opened(path, *args, **options)
        if to_come:
            book.write(to_come.pop(0), stream="stdout")
        return file

    monkeypatch.setattr(Path, "open", open_and_be_overtaken)
    told = [int(line.text) for line in await logs.read(AttemptKey(job.id, 1))]
    assert told == list(range(told[0], told[0] + len(told)))
    assert told[-1] >= 1
    book.end()


async def test_a_directory_that_can_not_be_created_is_a_boot_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BootError, match="The directory for logs can't be created"):
        LogDirectory(tmp_path / "file" / "logs")


def test_the_directory_is_private(tmp_path: Path) -> None:
    logs = LogDirectory(tmp_path / "logs")
    say(logs, "job")
    assert logs.directory.stat().st_mode & 0o077 == 0
    assert all(file.stat().st_mode & 0o077 == 0 for file in logs.directory.iterdir())
