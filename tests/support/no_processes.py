"""A machine on which a service can start neither processes nor threads: a limit of its cgroup, or of its user.

The limit of the user (`ulimit -u`) does not hold for root, and root alone may make a cgroup.
"""

import contextlib
import os
import resource
from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil
import pytest

PIDS = Path("/sys/fs/cgroup/pids")
"""Where cgroup v1 has the controller of numbers of processes."""


@contextlib.contextmanager
def no_new_processes(family: Iterable[psutil.Process]) -> Iterator[None]:
    """Makes every fork and every new thread of these processes fail meanwhile (EAGAIN). Skips where it can't."""
    with _full_cgroup(family) if os.geteuid() == 0 else _low_limit(family):
        yield


@contextlib.contextmanager
def _low_limit(family: Iterable[psutil.Process]) -> Iterator[None]:
    pids = [each.pid for each in family]
    before = [resource.prlimit(pid, resource.RLIMIT_NPROC) for pid in pids]
    for pid, (_, hard) in zip(pids, before, strict=True):
        resource.prlimit(pid, resource.RLIMIT_NPROC, (1, hard))
    try:
        yield
    finally:
        for pid, limits in zip(pids, before, strict=True):
            with contextlib.suppress(ProcessLookupError):  # it has ended meanwhile
                resource.prlimit(pid, resource.RLIMIT_NPROC, limits)


@contextlib.contextmanager
def _full_cgroup(family: Iterable[psutil.Process]) -> Iterator[None]:
    group = PIDS / f"offload-test-{os.getpid()}"
    try:
        group.mkdir()
    except OSError as error:
        pytest.skip(f"root has no limit but a cgroup's, and can't make one here: {error}")
    try:
        for process in family:
            with contextlib.suppress(ProcessLookupError):
                (group / "cgroup.procs").write_text(str(process.pid))
        (group / "pids.max").write_text("1")
        yield
    finally:
        (group / "pids.max").write_text("max")
        for pid in (group / "cgroup.procs").read_text().split():
            with contextlib.suppress(ProcessLookupError):
                (PIDS / "cgroup.procs").write_text(pid)
        group.rmdir()
