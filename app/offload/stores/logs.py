"""What attempts have said: two files at most for each, as `worker.output.log_writer` writes them.

The directory is private (0700). Files are kept as long as their job; those of jobs that a killed service had forgotten
are found at the next start, while lanes already write new ones.
"""

import asyncio
import json
import os
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import structlog

from offload.jobs.model import AttemptKey, Job, LogLine
from offload.options import MAX_ATTEMPTS
from offload.stores.directories import private_directory
from offload.wire.attempt_files import RESTARTED, log_names

_NAME = re.compile(r"(?P<job_id>[0-9a-f-]{36})\.\d+\.log(\.old)?")

log = structlog.get_logger()


class LogDirectory:
    """`jobs.interfaces.LogFiles` in one directory."""

    def __init__(self, directory: Path) -> None:
        """Makes the directory where it is missing. Raises `BootError` where that fails."""
        self.directory = private_directory(directory, holds="logs")

    async def read(self, key: AttemptKey) -> Sequence[LogLine]:
        return await asyncio.to_thread(lambda: list(self._read(key)))

    def _read(self, key: AttemptKey) -> Iterator[LogLine]:
        records = self._records(key).split(b"\n")
        return _joined(part for record in records if (part := _part(key.attempt, record)))

    def _records(self, key: AttemptKey) -> bytes:
        """What is in both files. Where one took the other's place meanwhile, all anew, or there would be a gap."""
        old, present = (self.directory / name for name in log_names(*key))
        while True:
            with ExitStack() as stack:
                newer, older = _opened(stack, present), _opened(stack, old)
                if _is(newer, present):
                    return b"".join(file.read() for file in (older, newer) if file)

    async def remove(self, *last: AttemptKey) -> None:
        await asyncio.to_thread(self._remove, last)

    def _remove(self, last: Sequence[AttemptKey]) -> None:
        # By name, since a listing would take longer with each job that is kept.
        for job_id, attempts in last:
            try:
                for attempt in range(1, attempts + 1):
                    for name in log_names(job_id, attempt):
                        (self.directory / name).unlink(missing_ok=True)
            except OSError as error:
                log.warning("logs could not be removed", job_id=job_id, why=str(error))

    async def leftovers(self) -> Sequence[str]:
        """The jobs of which there are files, for `sweep`."""
        return await asyncio.to_thread(self._leftovers)

    def _leftovers(self) -> Sequence[str]:
        names = (_NAME.fullmatch(file.name) for file in self.directory.iterdir())
        return sorted({name["job_id"] for name in names if name})

    async def sweep(self, job_ids: Sequence[str], find: Callable[[str], Awaitable[Job | None]]) -> int:
        """Removes the files of jobs that are no more; tells of how many. `find` is the journal's `get`."""
        gone = [job_id for job_id in job_ids if await find(job_id) is None]
        await self.remove(*(AttemptKey(job_id, MAX_ATTEMPTS) for job_id in gone))
        return len(gone)


def _opened(stack: ExitStack, path: Path) -> BinaryIO | None:
    try:
        return stack.enter_context(path.open("rb"))
    except FileNotFoundError:  # nearly always
        return None


def _is(file: BinaryIO | None, path: Path) -> bool:
    try:
        status = path.stat()
    except FileNotFoundError:
        return file is None
    return file is not None and os.path.samestat(os.fstat(file.fileno()), status)


def _joined(parts: Iterable[tuple[LogLine, bool]]) -> Iterator[LogLine]:
    """Lines, whole again where they were kept in parts; those that nothing has ended yet come last."""
    begun: dict[str, LogLine] = {}
    for line, unfinished in parts:
        if line.stream is None:
            if line.logger == "offload" and line.text == RESTARTED:  # what had been begun before goes on no more
                yield from (replace(each, text=_left(each.text)) for each in begun.values())
                begun.clear()
            yield line
            continue
        first = begun.pop(line.stream, None)
        text = line.text if first is None else first.text + line.text
        if unfinished:
            begun[line.stream] = replace(first or line, text=text)
        else:
            yield replace(first or line, text=_left(text))
    for line in begun.values():
        yield replace(line, text=_left(line.text), unfinished=True)


def _left(text: str) -> str:
    """What a terminal still shows of a line: what comes after the last carriage return that anything comes after."""
    return text.rstrip("\r").rpartition("\r")[2]


def _part(attempt: int, record: bytes) -> tuple[LogLine, bool] | None:
    """A line, or an unfinished one's next part. None for what a full disk has cut short."""
    try:
        told: dict[str, Any] = json.loads(record)
        line = LogLine(
            at=int(told["at"]),
            attempt=attempt,
            stream=told["stream"],
            level=told["level"],
            logger=told["logger"],
            text=str(told["text"]),
        )
    except (ValueError, LookupError, TypeError):
        return None
    return line, "unfinished" in told
