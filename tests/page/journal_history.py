"""Writes an hour of finished jobs into a journal before the service starts."""

import asyncio
import math
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import NamedTuple

from offload.jobs import lifecycle
from offload.jobs.ids import new_ids
from offload.jobs.model import Done, Failed, Failure, FailureKind, Job, Outcome, Stopped, Usage
from offload.stores.journal import SqliteJournal


class TypicalJob(NamedTuple):
    """A typical job of a task: parameters and result as JSON, and its usual run time."""

    task: str
    params: bytes
    result: bytes
    run_time_s: float


TYPICAL_JOBS = (
    TypicalJob("thumbnail", b'{"photo":"harbour.jpg","width":320}', b'"harbour.320.jpg"', 0.4),
    TypicalJob("transcode", b'{"film":"harbour","codec":"av1"}', b'"harbour.av1.mkv"', 2.4),
    TypicalJob(
        "fibonacci",
        b'{"n":90,"algorithm":"recursive"}',
        b'{"n":90,"value":"2880067194370816120","digits":19}',
        0.9,
    ),
)

WORKER_DIED = Failure(kind=FailureKind.WORKER_DIED, detail="The worker died.", signal="SIGKILL")


def write_history(data_dir: Path, *, minutes: int = 60, owners: Sequence[str | None] = (None,), seed: int = 7) -> int:
    """Fills a new journal with jobs that finished in the last minutes. Returns their number.

    The same seed gives the same jobs, except for their ids and times.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    jobs = list(_jobs(minutes, owners, Random(seed)))  # noqa: S311  # not a secret
    asyncio.run(_write(data_dir / "journal.sqlite3", jobs))
    return len(jobs)


def _jobs(minutes: int, owners: Sequence[str | None], random: Random) -> Iterator[tuple[Job, Job]]:
    """Yields each job as it was accepted and as it ended. The load changes in waves."""
    start = time.time_ns() - minutes * 60 * 10**9
    since_s = 0.0
    new_id = new_ids(lambda: start + int(since_s * 1e9))
    while since_s < minutes * 60 - 60:
        wave = 1 + 0.7 * math.sin(since_s / 600)
        since_s += random.expovariate(0.5 * wave)
        typical = random.choices(TYPICAL_JOBS, (6, 2, 3))[0]
        run_time_s = typical.run_time_s * random.lognormvariate(0, 0.4) * (0.6 + 0.4 * wave)
        yield _job(
            typical, new_id(), start // 1000 + int(since_s * 1e6), run_time_s, random.choice(owners), random.random()
        )


def _job(typical: TypicalJob, name: str, at: int, run_time_s: float, owner: str | None, luck: float) -> tuple[Job, Job]:
    queued = Job(
        id=name,
        task=typical.task,
        params=typical.params,
        created_at=at,
        timeout_s=300,
        memory_mb=1024,
        max_attempts=1,
        owner=owner,
    )
    usage = Usage(wall_s=round(run_time_s, 6), cpu_s=round(run_time_s * 0.97, 6), peak_rss_bytes=48 << 20)
    done: Outcome = Done(result=typical.result, result_bytes=len(typical.result), usage=usage)
    if luck < 0.05:
        done = Failed(failure=WORKER_DIED, usage=usage) if luck < 0.035 else Stopped(by="request", usage=usage)
    return queued, lifecycle.conclude(lifecycle.start(queued, at + 20_000), done, at + 20_000 + int(run_time_s * 1e6))


async def _write(path: Path, jobs: Sequence[tuple[Job, Job]]) -> None:
    journal = SqliteJournal(path)
    await journal.open()
    try:
        await journal.add([accepted for accepted, _ in jobs])
        await asyncio.gather(*(journal.replace(ended, accepted.key, accepted.state) for accepted, ended in jobs))
    finally:
        await journal.close()
