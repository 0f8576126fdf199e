"""What a service has on this machine besides its data: processes and semaphores."""

from pathlib import Path

import psutil

MARKER = "OFFLOADED_BY_TEST"
"""An environment variable of the tests' own: whatever a service starts inherits it, whatever the service does."""


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


def orphaned_semaphores() -> set[str]:
    """Named semaphores that no live process has: those of services that run beside the test are left out."""
    named = {str(path) for path in Path("/dev/shm").glob("sem.*")}
    if not named:
        return named
    for process in psutil.process_iter():
        try:
            named -= {mapped.path for mapped in process.memory_maps()}
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return named
