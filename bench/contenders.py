"""The contenders: the service, and what it is compared with. All of them have the same two calls.

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
"""The number of worker processes of every contender."""

LIVE = "/health/live"


class NotThereError(Exception):
    """A contender, or a program that it needs, is not installed. The text says what is missing."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running contender. `started` is the start of its first process, by `time.perf_counter`."""

    port: int
    processes: tuple[Popen[bytes], ...]
    started: float
    answered_s: float
    """Seconds from then until the first response."""
    files: Path | None = None
    """The files directory of the service, if it is the service."""

    def pss_bytes(self) -> int:
        """Returns the resident memory of all its processes, the broker included, with shared pages counted once."""
        return sum(pss_bytes(pid) for process in self.processes for pid in tree(process.pid))


@dataclass(frozen=True, slots=True)
class Contender:
    """A system to measure."""

    name: str
    keeps: str
    """Where it keeps accepted jobs, in a few words."""
    start: Callable[[], AbstractContextManager[Server]]
    runs: bool = True
    """False for one that only shows the cost of a request."""
    waits: bool = False
    """True if it supports `Prefer: wait`."""
    extra: bool = False
    """True for a peer with other settings, which takes part only in bursts and submissions."""


@contextmanager
def offload(data: Path | None = None, **settings: str) -> Iterator[Server]:
    """The service with its defaults, durable, with the measured tasks, in a new directory unless one is given."""
    with tempfile.TemporaryDirectory(prefix="offload-bench-") as made:
        here = Path(made)
        (here / "files").mkdir()
        environment = {
            "OFFLOAD_TASKS": ",".join(f"bench.work:{name}" for name in ("noop", "burn", "hold")),
            "OFFLOAD_DATA_DIR": str(data or here / "data"),
            "OFFLOAD_FILES_DIR": str(here / "files"),
            "OFFLOAD_LANES": str(WORKERS),
            "OFFLOAD_SHUTDOWN_GRACE_S": "0",  # no one waits for the jobs that still run at the end
            **{f"OFFLOAD_{name.upper()}": value for name, value in settings.items()},
        }
        port, log, started = free_port(), here / "log", time.perf_counter()
        start = [sys.executable, "-c", "import sys; from offload.commands.main import main; sys.exit(main())", "serve"]
        with running([*start, "--port", str(port)], log, environment=environment) as process:
            answers(port, LIVE, process, log)
            yield Server(port, (process,), started, time.perf_counter() - started, here / "files")


@contextmanager
def app(module: str) -> Iterator[Server]:
    """A FastAPI app of `bench`, by the same uvicorn as the service."""
    with tempfile.TemporaryDirectory(prefix="offload-bench-") as made:
        port, log, started = free_port(), Path(made) / "log", time.perf_counter()
        with running(web(Path(sys.executable), f"{module}:app", port), log) as process:
            answers(port, LIVE, process, log)
            yield Server(port, (process,), started, time.perf_counter() - started)


def web(python: Path, target: str, port: int) -> list[str]:
    """The command of a FastAPI app."""
    quiet = ["--no-access-log", "--log-level", "warning"]
    return [str(python), "-m", "uvicorn", target, "--port", str(port), *quiet]


OFFLOAD = Contender("Offload", "on disk: SQLite, fsync", offload, waits=True)
NAIVE = Contender("naive pool", "in memory", lambda: app("bench.naive"), waits=True)
BARE = Contender("bare FastAPI", "in memory", lambda: app("bench.bare"), runs=False)
