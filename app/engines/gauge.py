"""What a lane's process uses, read from outside while it runs. Linux only."""

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from app.engines.procfs import stat_fields
from app.worker.limits import parse_statm

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Sample:
    """One look. `cpu_s` counts from the process's start and includes children that have ended."""

    cpu_s: float
    rss_bytes: int
    held_bytes: int
    """Anonymous resident memory of the process and its children; see `worker.limits`."""


def sample(pid: int, limit_bytes: int) -> Sample | None:
    """Looks at a process, in about 50 µs; None where it has ended.

    Children share pages with the process that forked it, so the sum over them may count a page several times. Only
    where that sum is over the limit is each page's share asked for, which takes milliseconds for each gigabyte.
    """
    try:
        resident, held, _ = _statm(pid)
        cpu = sum(int(field) for field in stat_fields(pid)[11:15]) / TICKS
        if children := _descendants(pid):
            held += sum(_held(child) for child in children)
            if held > limit_bytes:
                held = sum(_share(one) for one in [pid, *children])
    except (OSError, IndexError, ValueError):  # it ended between two looks
        return None
    return Sample(cpu, resident, held)


def _descendants(pid: int) -> list[int]:
    """The children of the process's main thread, and theirs. Empty where the kernel does not list children."""
    found: list[int] = []
    todo = [pid]
    while todo:
        parent = todo.pop()
        with contextlib.suppress(OSError):
            children = [int(child) for child in Path(f"/proc/{parent}/task/{parent}/children").read_bytes().split()]
            found += children
            todo += children
    return found


def _held(pid: int) -> int:
    with contextlib.suppress(OSError):
        return _statm(pid)[1]
    return 0


def _statm(pid: int) -> tuple[int, int, int]:
    return parse_statm(Path(f"/proc/{pid}/statm").read_bytes())


def _share(pid: int) -> int:
    """The process's proportional share of its anonymous pages, in bytes."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_bytes().splitlines():
            if line.startswith(b"Pss_Anon:"):
                return int(line.split()[1]) * 1024
    return 0
