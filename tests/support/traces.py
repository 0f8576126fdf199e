"""What a service has on this machine besides its data: processes and semaphores."""

import contextlib
import re
from collections.abc import Iterable
from pathlib import Path

import psutil

MARKER = "OFFLOADED_BY_TEST"
"""An environment variable of the tests' own: whatever a service starts inherits it, whatever the service does."""

SEMAPHORE = re.compile(r"/dev/shm/sem\.\S+")


def processes(marker: str) -> list[psutil.Process]:
    """Every live process that was started with this marker, zombies aside."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARKER) == marker and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def alive(process: psutil.Process) -> bool:
    """True while this very process runs: not a zombie, nor another one by the same pid."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def semaphores(processes: Iterable[psutil.Process]) -> set[str]:
    """The files of the named semaphores that these have open."""
    found: set[str] = set()
    for process in processes:
        with contextlib.suppress(OSError):  # it has ended
            found.update(SEMAPHORE.findall(Path(f"/proc/{process.pid}/maps").read_text(errors="replace")))
    return found
