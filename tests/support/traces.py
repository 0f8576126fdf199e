"""The processes and semaphores of a service."""

import contextlib
import re
from collections.abc import Iterable
from pathlib import Path

import psutil

MARKER = "OFFLOADED_BY_TEST"
"""An environment variable of the tests. Each process that a service starts inherits it."""

SEMAPHORE = re.compile(r"/dev/shm/sem\.\S+")


def processes(marker: str) -> list[psutil.Process]:
    """Returns every live process with this marker, without zombies."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARKER) == marker and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def alive(process: psutil.Process) -> bool:
    """Returns True while this process runs. A zombie or another process with the same pid does not count."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def semaphores(processes: Iterable[psutil.Process]) -> set[str]:
    """Returns the files of the named semaphores that these processes have open."""
    found: set[str] = set()
    for process in processes:
        with contextlib.suppress(OSError):  # it has ended
            found.update(SEMAPHORE.findall(Path(f"/proc/{process.pid}/maps").read_text(errors="replace")))
    return found
