"""The service of a run: `offload serve` with the tasks of the run, and the limit of descriptors of most systems."""

import contextlib
import inspect
import resource
import uuid
from pathlib import Path

import psutil

from tests.chaos.load import tasks, work
from tests.support.server import Server

GRACE_S = 4.0
DESCRIPTORS = 1024
ROOT = Path(__file__).parents[2]

NAMES = [
    name
    for name, one in inspect.getmembers(tasks, inspect.isfunction)
    if one.__module__ == tasks.__name__ and name != tasks.begin.__name__
]


class ChaosServer(Server):
    """`directory` must be empty."""

    def __init__(self, directory: Path, lanes: int) -> None:
        every = ", ".join(f"{tasks.__name__}:{name}" for name in NAMES)
        super().__init__(directory, lanes=lanes, shutdown_grace_s=GRACE_S, log_level="info", tasks=every)
        self.working_directory = ROOT
        self.tmp = directory / "tmp"
        self.tmp.mkdir()
        self.begins = directory / "begins.txt"
        self.begins.touch()
        self._sleep = f"600.{uuid.uuid4().int % 10**12}"
        self.environment |= {
            "TMPDIR": str(self.tmp),
            tasks.BEGINS: str(self.begins),
            tasks.SLEEP: self._sleep,
        }
        work.write_files(self.files_dir)

    @property
    def journal(self) -> Path:
        return self.data_dir / "journal.sqlite3"

    def launch(self) -> None:
        super().launch()
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        limit = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(DESCRIPTORS, hard)
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(self.process.pid, resource.RLIMIT_NOFILE, (limit, hard))

    def strays(self) -> list[psutil.Process]:
        """Returns the live processes that tasks have left, found by their command line."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                found += [process] if process.cmdline() == ["sleep", self._sleep] else []
        return found

    def abandon(self) -> None:
        super().abandon()
        for process in self.strays():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
