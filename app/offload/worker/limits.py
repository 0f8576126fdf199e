"""What an attempt holds, may hold, and used. Linux only.

What a process *holds* is its anonymous resident memory: what it has written to. Files that it maps, and its program,
can be dropped by the kernel at any time and do not count.
"""

import os
import resource
import time

from offload.wire.messages import Spent

PAGE = resource.getpagesize()


def parse_statm(line: bytes) -> tuple[int, int, int]:
    """From a line of /proc/<pid>/statm, in bytes: resident, held, data (what is writable, resident or not)."""
    _, resident, shared, _, _, data, _ = line.split()
    return int(resident) * PAGE, (int(resident) - int(shared)) * PAGE, int(data) * PAGE


class Memory:
    """This process's own memory. The files of /proc stay open: opening one costs ten times as much as reading it."""

    def __init__(self) -> None:
        self._statm = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
        try:
            self._clear_refs: int | None = os.open("/proc/self/clear_refs", os.O_WRONLY | os.O_CLOEXEC)
        except OSError:  # /proc is read-only
            self._clear_refs = None

    def held_bytes(self) -> int:
        """What this process holds now."""
        return parse_statm(os.pread(self._statm, 200, 0))[1]

    def cap(self, limit_bytes: int) -> None:
        """Makes an allocation far over the limit fail in this process: a MemoryError that names its line.

        The rule itself is kept by the watchdog beside the lane, which looks at what is really held. This cap counts
        what is merely asked for (such as the stacks of threads), so it leaves a quarter and 64 MiB of room; it is for
        the one huge allocation, and for growth faster than the watchdog looks. Mapped files do not count here either.
        """
        _, held, data = parse_statm(os.pread(self._statm, 200, 0))
        soft = data + max(0, limit_bytes - held) + limit_bytes // 4 + (64 << 20)
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        resource.setrlimit(resource.RLIMIT_DATA, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))

    def lift_cap(self) -> None:
        """Takes the cap away again."""
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))

    def forget_peak(self) -> None:
        """Begins `peak_bytes` anew (see clear_refs in proc(5)). Where /proc is read-only it is the whole life's."""
        if self._clear_refs is not None:
            os.pwrite(self._clear_refs, b"5", 0)

    def peak_bytes(self) -> int:
        """The most that was resident."""
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


class Meter:
    """Measures this process from now on."""

    def __init__(self, memory: Memory) -> None:
        memory.forget_peak()
        self._memory = memory
        self._started = time.perf_counter()
        self._cpu = cpu_seconds()

    def read(self) -> Spent:
        """What was used since. The peak is of this process alone, the CPU time also of children that have ended."""
        cpu = cpu_seconds()
        return Spent(time.perf_counter() - self._started, cpu - self._cpu, self._memory.peak_bytes(), cpu)


def cpu_seconds() -> float:
    """What this process, and its children that have ended, have used of the CPU so far."""
    times = os.times()
    return time.process_time() + times.children_user + times.children_system
