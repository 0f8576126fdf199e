"""What a lane's process uses, read from outside while it runs. Linux only."""

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from offload.engines.local.procfs import SUSPENDED, stat_fields
from offload.worker.limits import parse_statm

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Sample:
    """One look. `cpu_s` counts from the process's start and includes children that have ended."""

    cpu_s: float
    rss_bytes: int
    held_bytes: int
    """Resident memory of the process and its children that is no file's: anonymous (see `worker.limits`) and, where it
    may matter, shared."""
    suspended: bool
    """The process is stopped, as by SIGSTOP, until somebody lets it go on."""


def sample(pid: int, limit_bytes: int) -> Sample | None:
    """Looks at a process, in about 100 µs; None where it has ended.

    The cheap numbers are asked for first. Shared memory is told apart from mapped files only where both together are
    over the limit. Children share pages with the process that forked them, so the sum over them may count a page
    several times: where it is over the limit, each page's share is asked for, which takes milliseconds for each
    gigabyte.
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
            held += sum(_told(one, "status", b"RssShmem:") for one in [pid, *children])
        if children and held > limit_bytes:
            held = sum(_told(one, "smaps_rollup", b"Pss_Anon:", b"Pss_Shmem:") for one in [pid, *children])
    except (OSError, IndexError, ValueError):  # it ended between two looks
        return None
    return Sample(cpu, own_resident, held, stat[0] == SUSPENDED)


def _descendants(pid: int) -> list[int]:
    """The process's children, whichever thread has made them, and theirs. Empty where the kernel does not list them."""
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


def _told(pid: int, file: str, *names: bytes) -> int:
    """The sum, in bytes, of lines such as `RssShmem:  12 kB` of a file of the process; 0 where it has ended."""
    with contextlib.suppress(OSError):
        lines = Path(f"/proc/{pid}/{file}").read_bytes().splitlines()
        return sum(int(line.split()[1]) for line in lines if line.startswith(names)) * 1024
    return 0
