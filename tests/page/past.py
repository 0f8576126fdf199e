"""An hour that a service has behind it, written by the journal's own hand before the service starts."""

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


class Habit(NamedTuple):
    """What is usual for a task: parameters and a result as JSON, and about how many seconds it takes."""

    task: str
    params: bytes
    result: bytes
    takes_s: float


HABITS = (
    Habit("thumbnail", b'{"photo":"harbour.jpg","width":320}', b'"harbour.320.jpg"', 0.4),
    Habit("transcode", b'{"film":"harbour","codec":"av1"}', b'"harbour.av1.mkv"', 2.4),
    Habit("fibonacci", b'{"n":90,"algorithm":"recursive"}', b'{"n":90,"value":"2880067194370816120","digits":19}', 0.9),
)

LOST = Failure(kind=FailureKind.WORKER_DIED, detail="The worker died.", signal="SIGKILL")


def write_past(data_dir: Path, *, minutes: int = 60, owners: Sequence[str | None] = (None,), seed: int = 7) -> int:
    """Fills a new journal with jobs that ended in these last minutes, and answers how many.

    The same seed gives the same jobs, but for their ids and for when it all was.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    stories = list(_stories(minutes, owners, Random(seed)))  # noqa: S311  # not a secret
    asyncio.run(_write(data_dir / "journal.sqlite3", stories))
    return len(stories)


def _stories(minutes: int, owners: Sequence[str | None], random: Random) -> Iterator[tuple[Job, Job]]:
    """Each job as it was accepted, and as it ended; busier in waves, as people are."""
    began = time.time_ns() - minutes * 60 * 10**9
    since_s = 0.0
    new_id = new_ids(lambda: began + int(since_s * 1e9))
    while since_s < minutes * 60 - 60:
        wave = 1 + 0.7 * math.sin(since_s / 600)
        since_s += random.expovariate(0.5 * wave)
        habit = random.choices(HABITS, (6, 2, 3))[0]
        took_s = habit.takes_s * random.lognormvariate(0, 0.4) * (0.6 + 0.4 * wave)
        yield _story(
            habit, new_id(), began // 1000 + int(since_s * 1e6), took_s, random.choice(owners), random.random()
        )


def _story(habit: Habit, name: str, at: int, took_s: float, owner: str | None, luck: float) -> tuple[Job, Job]:
    queued = Job(
        id=name,
        task=habit.task,
        params=habit.params,
        created_at=at,
        timeout_s=300,
        memory_mb=1024,
        max_attempts=1,
        owner=owner,
    )
    usage = Usage(wall_s=round(took_s, 6), cpu_s=round(took_s * 0.97, 6), peak_rss_bytes=48 << 20)
    done: Outcome = Done(result=habit.result, result_bytes=len(habit.result), usage=usage)
    if luck < 0.05:
        done = Failed(failure=LOST, usage=usage) if luck < 0.035 else Stopped(by="request", usage=usage)
    return queued, lifecycle.conclude(lifecycle.start(queued, at + 20_000), done, at + 20_000 + int(took_s * 1e6))


async def _write(path: Path, stories: Sequence[tuple[Job, Job]]) -> None:
    journal = SqliteJournal(path)
    await journal.open()
    try:
        await journal.add([accepted for accepted, _ in stories])
        await asyncio.gather(*(journal.replace(ended, accepted.key, accepted.state) for accepted, ended in stories))
    finally:
        await journal.close()
