"""kill -9 of a process that writes, again and again: whatever it was told to be on disk is there."""

import asyncio
import random
import subprocess
import sys
from pathlib import Path

from offload.jobs.model import State
from tests.support.journals import opened

ROUNDS = 30
WITHIN_S = 30
ROOT = Path(__file__).parents[3]


def test_acknowledged_writes_survive_any_kill(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")  # shown by pytest where the test fails
    chance = random.Random(seed)  # noqa: S311  # to be repeated, not to be secret
    path = tmp_path / "journal.db"
    added: set[str] = set()
    ended: set[str] = set()
    for number in range(ROUNDS):
        for line in _write_until_killed(path, f"{number}", after=chance.randrange(1, 400)):
            verb, job_id = line.split()
            (added if verb == "add" else ended).add(job_id)
    states = asyncio.run(_states(path, added))
    lost = {job_id for job_id, state in states.items() if state is None}
    unfinished = {job_id for job_id in ended if states[job_id] is not State.SUCCEEDED}
    assert len(ended) > ROUNDS
    assert not lost, f"of {len(added)} acknowledged"
    assert not unfinished, f"of {len(ended)} acknowledged"


def _write_until_killed(path: Path, name: str, after: int) -> list[str]:
    """Kills the writer once it has said `after` lines; answers all that it said."""
    command = [sys.executable, "-m", "tests.support.journal_writer", str(path), name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as writer:
        assert writer.stdout is not None
        lines = [writer.stdout.readline() for _ in range(after)]
        writer.kill()
        lines += writer.stdout.readlines()
        writer.wait(WITHIN_S)
    assert all(line.endswith("\n") for line in lines), "it was to write until killed"
    return lines


async def _states(path: Path, job_ids: set[str]) -> dict[str, State | None]:
    async with opened(path) as journal:
        jobs = {job_id: await journal.get(job_id) for job_id in job_ids}
    return {job_id: None if job is None else job.state for job_id, job in jobs.items()}
