"""Result files: results too large for the journal, each under the name of its attempt, as `worker.results` writes them.

The directory is private (0700). What a killed lane or service left in it is found by `leftovers` at the next start and
taken away by `sweep`, while lanes already write new files.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import structlog

from offload.jobs.model import AttemptKey, Job
from offload.options import MAX_ATTEMPTS
from offload.stores.directories import private_directory
from offload.wire.attempt_files import result_name

_WHOLE = re.compile(r"(?P<job_id>[0-9a-f-]{36})\.(?P<attempt>\d+)\.json")

log = structlog.get_logger()


class ResultDirectory:
    """`jobs.interfaces.ResultFiles` in one directory."""

    def __init__(self, directory: Path) -> None:
        """Makes the directory where it is missing. Raises `BootError` where that fails."""
        self.directory = private_directory(directory, holds="results")

    def path(self, key: AttemptKey) -> Path:
        return self.directory / result_name(*key)

    async def remove(self, *job_ids: str) -> None:
        """Removes the files of all attempts. What can't be removed is left for the next start's `sweep`."""
        await asyncio.to_thread(self._remove, job_ids)

    def _remove(self, job_ids: Sequence[str]) -> None:
        # By name, since a listing would take longer with each result that is kept.
        for job_id in job_ids:
            try:
                for attempt in range(1, MAX_ATTEMPTS + 1):
                    self.path(AttemptKey(job_id, attempt)).unlink(missing_ok=True)
            except OSError as error:
                log.warning("result could not be removed", job_id=job_id, why=str(error))

    async def leftovers(self) -> Sequence[AttemptKey]:
        """The results that are there, for `sweep`; half-written ones are removed at once. Call before lanes open."""
        return await asyncio.to_thread(self._leftovers)

    def _leftovers(self) -> Sequence[AttemptKey]:
        found = []
        for file in self.directory.iterdir():
            if whole := _WHOLE.fullmatch(file.name):
                found.append(AttemptKey(whole["job_id"], int(whole["attempt"])))
            elif file.name.endswith(".partial"):
                file.unlink(missing_ok=True)
        return found

    async def sweep(self, leftovers: Sequence[AttemptKey], find: Callable[[str], Awaitable[Job | None]]) -> int:
        """Removes those that nobody will ask for, in the background of a running service; tells how many.

        `find` is the journal's `get`. A live job's file stays, since the next attempt may just have written it anew
        under the same number (after a graceful stop); a later start finds it again.
        """
        removed = 0
        for key in leftovers:
            job = await find(key.job_id)
            if job is None or (job.state.terminal and not (job.result_in_file and job.key == key)):
                await asyncio.to_thread(self.path(key).unlink, missing_ok=True)
                removed += 1
        return removed
