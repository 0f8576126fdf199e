"""Measures what a lane's process uses, from outside while it runs. Linux only."""

import contextlib
import os
import time
from dataclasses import dataclass
from pathlib import Path

from offload.engines.local.worker_process import WorkerProcess
from offload.wire.procfs import SUSPENDED, parse_statm, stat_fields

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at a process. `cpu_s` counts from the start of the process and includes children that have ended."""

    cpu_s: float
    rss_bytes: int
    held_bytes: int
    """The memory that the process and its children hold: anonymous (see `wire.procfs.parse_statm`) and, when it may
    matter, shared."""
    suspended: bool
    """The process was stopped by a signal such as SIGSTOP, and has not been continued."""


class UsageMonitor:
    """What one process has used since the monitor was made, as far as `measure` was called."""

    def __init__(self, process: WorkerProcess) -> None:
        self._process = process
        self._cpu_before = process.cpu_s
        self.cpu_s: float | None = None
        self.peak_rss_bytes: int | None = None
        self.peak_held_bytes = 0
        self.suspended_since: float | None = None
        """The monotonic time at which the process was first seen suspended; None while it is not."""
        self.unresponsive_since: float | None = None
        """The same for a process that does not read its dispatch."""

    def measure(self, limit_bytes: int) -> int:
        """Sample the process. Return the memory that it holds; 0 when it has ended."""
        seen = sample(self._process.pid or 0, limit_bytes) if self._process.alive else None
        if seen is None:
            return 0
        self.peak_held_bytes = max(self.peak_held_bytes, seen.held_bytes)
        self.peak_rss_bytes = max(self.peak_rss_bytes or 0, seen.rss_bytes)
        self.cpu_s = max(0.0, seen.cpu_s - self._cpu_before)
        now = time.monotonic()
        self.suspended_since = (self.suspended_since or now) if seen.suspended else None
        self.unresponsive_since = (self.unresponsive_since or now) if self._process.unresponsive else None
        return seen.held_bytes


def sample(pid: int, limit_bytes: int) -> Sample | None:
    """Sample a process, in about 100 µs. Return None when it has ended.

    The cheap numbers are read first. Shared memory is separated from mapped files only when both together exceed the
    limit. Children share pages with the process that forked them, so the sum may count a page several times: when it
    exceeds the limit, the proportional share of each page is read, which takes milliseconds per gigabyte.
    """
    try:
        own_resident, held, _ = _statm(pid)
        stat = stat_fields(pid)
        cpu = sum(int(field) for field in stat[11:15]) / TICKS
        children = _descendants(pid)
        resident = own_resident
        for child in children:
            with contextlib.suppress(OSError):
                child_resident, child_held, _ = _statm(child)
                resident, held = resident + child_resident, held + child_held
        if held <= limit_bytes < resident:
            held += sum(_sum_of(one, "status", b"RssShmem:") for one in [pid, *children])
        if children and held > limit_bytes:
            held = sum(_sum_of(one, "smaps_rollup", b"Pss_Anon:", b"Pss_Shmem:") for one in [pid, *children])
    except (OSError, IndexError, ValueError):  # it ended between two reads
        return None
    return Sample(cpu, own_resident, held, stat[0] == SUSPENDED)


def _descendants(pid: int) -> list[int]:
    """Return the children of all threads of the process, and theirs. Empty when the kernel does not list them."""
    found: list[int] = []
    todo = [pid]
    while todo:
        parent = todo.pop()
        with contextlib.suppress(OSError):
            for thread in Path(f"/proc/{parent}/task").iterdir():
                children = [int(child) for child in (thread / "children").read_bytes().split()]
                found += children
                todo += children
    return found


def _statm(pid: int) -> tuple[int, int, int]:
    return parse_statm(Path(f"/proc/{pid}/statm").read_bytes())


def _sum_of(pid: int, file: str, *names: bytes) -> int:
    """Return the sum, in bytes, of lines such as `RssShmem:  12 kB` in a file of the process; 0 when it has ended."""
    with contextlib.suppress(OSError):
        lines = Path(f"/proc/{pid}/{file}").read_bytes().splitlines()
        return sum(int(line.split()[1]) for line in lines if line.startswith(names)) * 1024
    return 0
