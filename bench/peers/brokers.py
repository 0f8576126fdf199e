"""Private Redis and PostgreSQL: a free port of 127.0.0.1, and data in a temporary directory.

Their programs are the machine's (Debian: `apt install redis-server postgresql`).
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

from bench.contenders import NotThereError
from bench.processes import STARTS_WITHIN_S, free_port, running, tail


@dataclass(frozen=True, slots=True)
class Broker:
    """Where a peer keeps its jobs: an address, and the broker's process, if any."""

    address: str
    processes: tuple[Popen[bytes], ...] = ()


@contextmanager
def redis_fsync() -> Iterator[Broker]:
    """Redis that syncs each command to disk before it responds, as a 202 of the service promises."""
    with _redis("--appendonly", "yes", "--appendfsync", "always") as broker:
        yield broker


@contextmanager
def redis_default() -> Iterator[Broker]:
    """Redis with its defaults: snapshots. A crash loses what came after the last one."""
    with _redis() as broker:
        yield broker


@contextmanager
def _redis(*settings: str) -> Iterator[Broker]:
    program = find("redis-server", "redis-server")
    with tempfile.TemporaryDirectory(prefix="offload-bench-redis-") as made:
        port, log = free_port(), Path(made) / "log"
        command = [program, "--port", str(port), "--bind", "127.0.0.1", "--dir", made, *settings]
        with running(command, log) as process:
            _until(lambda: b"Ready to accept connections" in log.read_bytes(), process, log)
            yield Broker(f"redis://127.0.0.1:{port}/0", (process,))


@contextmanager
def postgres() -> Iterator[Broker]:
    """PostgreSQL with its defaults, which are durable. It refuses to run as root, so root starts it as another user."""
    initdb, server = find("initdb", "postgresql"), find("postgres", "postgresql")
    user = _user("postgres", "nobody") if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="offload-bench-postgres-") as made:
        here, port = Path(made), free_port()
        data, log = here / "data", here / "log"
        data.mkdir(mode=0o700)
        if user:
            shutil.chown(here, user)
            shutil.chown(data, user)
        make = [
            initdb,
            "--pgdata",
            str(data),
            "--auth",
            "trust",
            "--username",
            "bench",
            "--encoding",
            "UTF8",
            "--no-locale",
        ]
        subprocess.run(make, check=True, user=user, cwd=here, stdout=subprocess.DEVNULL)
        command = [server, "-D", str(data), "-p", str(port), "-h", "127.0.0.1", "-k", made]
        with running(command, log, cwd=here, user=user, by=signal.SIGINT) as process:
            _until(lambda: b"ready to accept connections" in log.read_bytes(), process, log)
            yield Broker(f"postgresql://bench@127.0.0.1:{port}/postgres", (process,))


@contextmanager
def file() -> Iterator[Broker]:
    """A file of its own, for a peer that needs no broker."""
    with tempfile.TemporaryDirectory(prefix="offload-bench-file-") as made:
        yield Broker(str(Path(made) / "queue.db"))


def find(program: str, package: str) -> str:
    """Returns the path of a program. Raises `NotThereError`, which names Debian's package."""
    places = [os.environ.get("PATH", ""), *sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), reverse=True)]
    found = shutil.which(program, path=os.pathsep.join(reversed(places)))
    if found is None:
        raise NotThereError(f"{program} is missing: apt install {package}")
    return found


def _user(*names: str) -> str:
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in names if name in known)


def _until(ready: Callable[[], bool], process: Popen[bytes], log: Path) -> None:
    end = time.perf_counter() + STARTS_WITHIN_S
    while not ready():
        if process.poll() is not None or time.perf_counter() > end:
            raise RuntimeError(f"did not start: {tail(log)}")
        time.sleep(0.01)
