"""A killed journal is damaged at random: it is refused with what to do, or has every row that was acknowledged."""

import asyncio
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from offload.errors import BootError, ProblemError
from offload.jobs.interfaces import JobFilter
from offload.jobs.model import Job
from tests.support.journals import a_job, ended, opened

ROUNDS = int(os.environ.get("OFFLOAD_DAMAGES", "5"))
IN_FILE, IN_LOG = 100, 40
REMEDIES = ("Move it away", "Set another data directory", "Start a newer Offload")

Damage = Callable[[bytearray, random.Random], None]


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A journal as a killed service leaves it: some jobs in its file, and each of the others a commit of its log."""
    home = tmp_path_factory.mktemp("damage")

    async def fill() -> None:
        async with opened(home / "living" / "journal.db") as journal:
            await journal.add([ended(a_job(f"old-{number}", size=300)) for number in range(IN_FILE)])
        async with opened(home / "living" / "journal.db") as journal:
            for number in range(IN_LOG):
                await journal.add([a_job(f"new-{number}", size=300)])
            await asyncio.to_thread(shutil.copytree, home / "living", home / "left")

    asyncio.run(fill())
    return home / "left"


def flip(data: bytearray, chance: random.Random) -> None:
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def scribble(data: bytearray, chance: random.Random) -> None:
    for _ in range(chance.randrange(2, 200)):
        data[chance.randrange(len(data))] = chance.randrange(256)


def cut(data: bytearray, chance: random.Random) -> None:
    del data[chance.randrange(len(data)) :]


def blank(data: bytearray, chance: random.Random) -> None:
    at = chance.randrange(0, len(data), 4096)
    data[at : at + 4096] = bytes(len(data[at : at + 4096]))


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm"], ids=["file", "log", "index"])
@pytest.mark.parametrize("damage", [flip, scribble, cut, blank])
def test_damage_is_rejected_or_harmless(killed: Path, tmp_path: Path, damage: Damage, suffix: str) -> None:
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")  # shown where the test fails
    chance = random.Random(seed)  # noqa: S311  # to be repeated, not to be secret
    for number in range(ROUNDS):
        path = shutil.copytree(killed, tmp_path / f"{number}") / "journal.db"
        file = path.with_name(path.name + suffix)
        data = bytearray(file.read_bytes())
        damage(data, chance)
        file.write_bytes(data)
        try:
            jobs = asyncio.run(_content(path))
        except BootError as error:
            why = str(error)
            assert any(remedy in why for remedy in REMEDIES), why  # it need not be refused at all
        except ProblemError:
            assert suffix == "", "a record that can't be read is damage in the file itself"
        else:
            assert len(jobs) == IN_FILE + IN_LOG
            # The pages of the file have no checksums: a changed letter in a record is beyond anybody's knowledge.
            assert suffix == "" or {job.id for job in jobs} == _acknowledged()


def _acknowledged() -> set[str]:
    return {f"old-{number}" for number in range(IN_FILE)} | {f"new-{number}" for number in range(IN_LOG)}


async def _content(path: Path) -> list[Job]:
    async with opened(path) as journal:
        return list((await journal.list(JobFilter(), 1000)).jobs)
