"""Measures and limits what this process uses. Linux only."""

import os
import resource
import time

from offload.wire.messages import Spent
from offload.wire.procfs import parse_statm


class Memory:
    """This process's own memory. The files in /proc stay open: to open one costs ten times as much as to read it."""

    def __init__(self) -> None:
        self._statm = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
        try:
            self._clear_refs: int | None = os.open("/proc/self/clear_refs", os.O_WRONLY | os.O_CLOEXEC)
        except OSError:  # /proc is read-only
            self._clear_refs = None

    def held_bytes(self) -> int:
        """Return the memory that this process holds now: see `parse_statm`."""
        return parse_statm(os.pread(self._statm, 200, 0))[1]

    def cap(self, limit_bytes: int) -> None:
        """Make an allocation far over the limit fail in this process, with a MemoryError that names its line.

        The server's watchdog enforces the limit itself, by the memory that is really held. This cap counts what is only
        reserved (such as the stacks of threads), so it allows a quarter and 64 MiB more. It catches a single huge
        allocation, and growth that is faster than the watchdog. Mapped files do not count here either.
        """
        _, held, data = parse_statm(os.pread(self._statm, 200, 0))
        soft = data + max(0, limit_bytes - held) + limit_bytes // 4 + (64 << 20)
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        resource.setrlimit(resource.RLIMIT_DATA, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))

    def lift_cap(self) -> None:
        """Remove the cap."""
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))

    def reset_peak(self) -> None:
        """Start `peak_bytes` again (see clear_refs in proc(5)). Without effect where /proc is read-only."""
        if self._clear_refs is not None:
            os.pwrite(self._clear_refs, b"5", 0)

    def peak_bytes(self) -> int:
        """Return the largest resident memory."""
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


class Meter:
    """Measures this process from the moment it is made."""

    def __init__(self, memory: Memory) -> None:
        memory.reset_peak()
        self._memory = memory
        self._started = time.perf_counter()
        self._cpu = cpu_seconds()

    def read(self) -> Spent:
        """Return what was used since. The peak is this process's; the CPU time includes children that have ended."""
        cpu = cpu_seconds()
        return Spent(time.perf_counter() - self._started, cpu - self._cpu, self._memory.peak_bytes(), cpu)


def cpu_seconds() -> float:
    """Return the CPU time that this process and its children that have ended have used."""
    times = os.times()
    return time.process_time() + times.children_user + times.children_system
