"""The directory of attempts' logs: at most two files per attempt.

Lanes write the files. The directory is private (0700). A log is kept as long as its job. At the next start, `leftovers`
and `sweep` find and remove the files of deleted jobs while lanes already write new ones.
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
    """Implements `jobs.interfaces.LogFiles`."""

    def __init__(self, directory: Path) -> None:
        """Creates the directory if it is missing. Raises `BootError` if that fails."""
        self.directory = private_directory(directory, holds="logs")

    async def read(self, key: AttemptKey) -> Sequence[LogLine]:
        return await asyncio.to_thread(lambda: list(self._read(key)))

    def _read(self, key: AttemptKey) -> Iterator[LogLine]:
        records = self._records(key).split(b"\n")
        return _joined(part for record in records if (part := _part(key.attempt, record)))

    def _records(self, key: AttemptKey) -> bytes:
        """Returns the content of both files. Reads again if they were rotated meanwhile, so that no line is missing."""
        older, current = (self.directory / name for name in log_names(*key))
        while True:
            with ExitStack() as stack:
                current_file, older_file = _opened(stack, current), _opened(stack, older)
                if _is_same(current_file, current):
                    return b"".join(file.read() for file in (older_file, current_file) if file)

    async def remove(self, *last: AttemptKey) -> None:
        await asyncio.to_thread(self._remove, last)

    def _remove(self, last: Sequence[AttemptKey]) -> None:
        # By name: the time of a listing would grow with the number of logs.
        for job_id, attempts in last:
            try:
                for attempt in range(1, attempts + 1):
                    for name in log_names(job_id, attempt):
                        (self.directory / name).unlink(missing_ok=True)
            except OSError as error:
                log.warning("logs could not be removed", job_id=job_id, why=str(error))

    async def leftovers(self) -> Sequence[str]:
        """Returns the ids of the jobs that have files, for `sweep`."""
        return await asyncio.to_thread(self._leftovers)

    def _leftovers(self) -> Sequence[str]:
        names = (_NAME.fullmatch(file.name) for file in self.directory.iterdir())
        return sorted({name["job_id"] for name in names if name})

    async def sweep(self, job_ids: Sequence[str], find: Callable[[str], Awaitable[Job | None]]) -> int:
        """Removes the files of deleted jobs, and returns the number of these jobs. `find` is the journal's `get`."""
        gone = [job_id for job_id in job_ids if await find(job_id) is None]
        await self.remove(*(AttemptKey(job_id, MAX_ATTEMPTS) for job_id in gone))
        return len(gone)


def _opened(stack: ExitStack, path: Path) -> BinaryIO | None:
    try:
        return stack.enter_context(path.open("rb"))
    except FileNotFoundError:  # an attempt rarely has an older file
        return None


def _is_same(file: BinaryIO | None, path: Path) -> bool:
    try:
        status = path.stat()
    except FileNotFoundError:
        return file is None
    return file is not None and os.path.samestat(os.fstat(file.fileno()), status)


def _joined(parts: Iterable[tuple[LogLine, bool]]) -> Iterator[LogLine]:
    """Joins the parts of lines. Unfinished lines come last."""
    open_lines: dict[str, LogLine] = {}
    for line, unfinished in parts:
        if line.stream is None:
            if line.logger == "offload" and line.text == RESTARTED:  # lines of the earlier run do not continue
                yield from (replace(each, text=_visible(each.text)) for each in open_lines.values())
                open_lines.clear()
            yield line
            continue
        first = open_lines.pop(line.stream, None)
        text = line.text if first is None else first.text + line.text
        if unfinished:
            open_lines[line.stream] = replace(first or line, text=text)
        else:
            yield replace(first or line, text=_visible(text))
    for line in open_lines.values():
        yield replace(line, text=_visible(line.text), unfinished=True)


def _visible(text: str) -> str:
    """Returns what a terminal shows of a line: the text after its last carriage return, not counting trailing ones."""
    return text.rstrip("\r").rpartition("\r")[2]


def _part(attempt: int, record: bytes) -> tuple[LogLine, bool] | None:
    """Returns a line or part of one, and whether it is unfinished. None for a record that a full disk has truncated."""
    try:
        facts: dict[str, Any] = json.loads(record)
        line = LogLine(
            at=int(facts["at"]),
            attempt=attempt,
            stream=facts["stream"],
            level=facts["level"],
            logger=facts["logger"],
            text=str(facts["text"]),
        )
    except (ValueError, LookupError, TypeError):
        return None
    return line, "unfinished" in facts
