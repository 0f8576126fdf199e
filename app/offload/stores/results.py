"""The directory of result files: results that are too large for the journal, one file per attempt.

Lanes write the files. The directory is private (0700). At the next start, `leftovers` lists the files of a killed lane
or service, and `sweep` removes those that are not needed while lanes already write new ones.
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
    """Implements `jobs.interfaces.ResultFiles`."""

    def __init__(self, directory: Path) -> None:
        """Creates the directory if it is missing. Raises `BootError` if that fails."""
        self.directory = private_directory(directory, holds="results")

    def path(self, key: AttemptKey) -> Path:
        return self.directory / result_name(*key)

    async def remove(self, *job_ids: str) -> None:
        """Removes the files of all attempts. Files that can't be removed are left for the `sweep` of the next start."""
        await asyncio.to_thread(self._remove, job_ids)

    def _remove(self, job_ids: Sequence[str]) -> None:
        # By name: the time of a listing would grow with the number of results.
        for job_id in job_ids:
            try:
                for attempt in range(1, MAX_ATTEMPTS + 1):
                    self.path(AttemptKey(job_id, attempt)).unlink(missing_ok=True)
            except OSError as error:
                log.warning("result could not be removed", job_id=job_id, why=str(error))

    async def leftovers(self) -> Sequence[AttemptKey]:
        """Returns the existing results, for `sweep`, and removes incomplete ones. Call it before lanes open."""
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
        """Removes files that belong to no job's result, and returns their number. Runs in the background.

        `find` is the journal's `get`. The file of a live job stays: after a graceful stop, the next attempt has the
        same number and may just have written it. A later start finds it again.
        """
        removed = 0
        for key in leftovers:
            job = await find(key.job_id)
            if job is None or (job.state.terminal and not (job.result_in_file and job.key == key)):
                await asyncio.to_thread(self.path(key).unlink, missing_ok=True)
                removed += 1
        return removed
