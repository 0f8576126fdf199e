"""What is measured: the service, and what it is measured against. All of them speak the same two calls.

`POST /jobs/noop` and `POST /jobs/burn` answer 202 and the job's id, `GET /jobs/{id}` its state, `GET /health/live` 200.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

from bench.processes import answers, free_port, pss_bytes, running, tree

WORKERS = 2
"""Processes that work, of every contender."""

LIVE = "/health/live"


class NotThereError(Exception):
    """What would be measured, or is needed for it, does not exist here; the text says what is missing."""


@dataclass(frozen=True, slots=True)
class Server:
    """A contender that runs. `begun` is when its first own process was started, by `time.perf_counter`."""

    port: int
    processes: tuple[Popen[bytes], ...]
    begun: float
    answered_s: float
    """Seconds from then until the first request was answered."""
    files: Path | None = None
    """Where the service's file-digest reads, if it is the service."""

    def pss_bytes(self) -> int:
        """Resident memory of all its processes, its broker's included, shared pages counted once."""
        return sum(pss_bytes(pid) for process in self.processes for pid in tree(process.pid))


@dataclass(frozen=True, slots=True)
class Contender:
    """Somebody to be measured."""

    name: str
    keeps: str
    """Where an accepted job is, in a few words."""
    start: Callable[[], AbstractContextManager[Server]]
    runs: bool = True
    """Whether it runs jobs; one that does not only shows what a request costs."""
    waits: bool = False
    """Whether it answers `Prefer: wait`."""
    extra: bool = False
    """One that only the burst and the submissions are measured of: the same peer with other promises."""


@contextmanager
def offload(data: Path | None = None, **settings: str) -> Iterator[Server]:
    """The service as it comes, durable, with the measured tasks; on a new directory unless told."""
    with tempfile.TemporaryDirectory(prefix="offload-bench-") as made:
        here = Path(made)
        (here / "files").mkdir()
        environment = {
            "OFFLOAD_TASKS": ",".join(f"bench.work:{name}" for name in ("noop", "burn", "hold")),
            "OFFLOAD_DATA_DIR": str(data or here / "data"),
            "OFFLOAD_FILES_DIR": str(here / "files"),
            "OFFLOAD_LANES": str(WORKERS),
            "OFFLOAD_SHUTDOWN_GRACE_S": "0",  # what still runs at the end is of no interest
            **{f"OFFLOAD_{name.upper()}": value for name, value in settings.items()},
        }
        port, log, begun = free_port(), here / "log", time.perf_counter()
        start = [sys.executable, "-c", "import sys; from offload.commands.main import main; sys.exit(main())", "serve"]
        with running([*start, "--port", str(port)], log, environment=environment) as process:
            answers(port, LIVE, process, log)
            yield Server(port, (process,), begun, time.perf_counter() - begun, here / "files")


@contextmanager
def app(module: str) -> Iterator[Server]:
    """A FastAPI app of `bench`, by the same uvicorn as the service."""
    with tempfile.TemporaryDirectory(prefix="offload-bench-") as made:
        port, log, begun = free_port(), Path(made) / "log", time.perf_counter()
        with running(web(Path(sys.executable), f"{module}:app", port), log) as process:
            answers(port, LIVE, process, log)
            yield Server(port, (process,), begun, time.perf_counter() - begun)


def web(python: Path, target: str, port: int) -> list[str]:
    """The command of a FastAPI app."""
    quiet = ["--no-access-log", "--log-level", "warning"]
    return [str(python), "-m", "uvicorn", target, "--port", str(port), *quiet]


OFFLOAD = Contender("Offload", "on disk: SQLite, fsync", offload, waits=True)
NAIVE = Contender("naive pool", "in memory", lambda: app("bench.naive"), waits=True)
BARE = Contender("bare FastAPI", "in memory", lambda: app("bench.bare"), runs=False)
