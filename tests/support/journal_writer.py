"""A process that writes a journal until it is killed. It prints each acknowledged write: `add id`, `end id`.

Run as `python -m tests.support.journal_writer PATH ROUND`.
"""

import asyncio
import itertools
import os
import sys
from pathlib import Path

from offload.jobs import lifecycle
from offload.jobs.model import Done, Job, Usage
from offload.stores.journal import SqliteJournal

WRITERS = 8


async def _write(path: Path, round_name: str) -> None:
    journal = SqliteJournal(path)
    await journal.open()
    await asyncio.gather(*(_one(journal, f"{round_name}-{number}") for number in range(WRITERS)))


async def _one(journal: SqliteJournal, name: str) -> None:
    for number in itertools.count():
        job = Job(
            id=f"{name}-{number}",
            task="t",
            params=b'{"n": 1}',
            created_at=number,
            timeout_s=1,
            memory_mb=1,
            max_attempts=2,
            labels=("killed",),
        )
        await journal.add([job])
        _say(f"add {job.id}")
        running = lifecycle.start(job, number)
        await journal.replace(running, job.key, job.state)
        done = Done(result=b"1", result_bytes=1, usage=Usage(wall_s=1))
        await journal.replace(lifecycle.succeed(running, done, number), running.key, running.state)
        _say(f"end {job.id}")


def _say(line: str) -> None:
    os.write(1, f"{line}\n".encode())  # unbuffered: the kill must not lose printed lines


if __name__ == "__main__":
    asyncio.run(_write(Path(sys.argv[1]), sys.argv[2]))
