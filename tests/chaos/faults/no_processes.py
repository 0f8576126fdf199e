"""Makes the kernel refuse new processes and threads to a service for a moment, by a cgroup of its own."""

import contextlib
import time
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil

PARENTS = (Path("/sys/fs/cgroup/pids"), Path("/sys/fs/cgroup"))
"""Where the controller is in version 1, and in version 2."""

LEFT_WITHIN_S = 5.0


@contextlib.contextmanager
def pids_group() -> Iterator[Path | None]:
    """Makes an empty cgroup with a limit of processes. Yields None where this is not allowed."""
    group = next(filter(_make, (parent / f"offload-chaos-{uuid.uuid4().hex}" for parent in PARENTS)), None)
    try:
        yield group
    finally:
        if group is not None:
            _remove(group)


def refuse(group: Path, processes: Iterable[psutil.Process]) -> None:
    """Moves these processes into the group. From now on they can start neither processes nor threads."""
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            (group / "cgroup.procs").write_text(str(process.pid))
    (group / "pids.max").write_text("1")


def allow(group: Path) -> None:
    (group / "pids.max").write_text("max")


def _make(group: Path) -> bool:
    try:
        group.mkdir()
    except OSError:
        return False
    if (group / "pids.max").exists() and (group / "cgroup.procs").exists():
        return True
    group.rmdir()
    return False


def _remove(group: Path) -> None:
    """Removes the group when its last process is gone."""
    end = time.monotonic() + LEFT_WITHIN_S
    while time.monotonic() < end:
        try:
            group.rmdir()
        except OSError:
            time.sleep(0.05)
        else:
            return
