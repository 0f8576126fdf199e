"""Parsers for the files of a process in /proc. Linux only."""

import resource
from pathlib import Path

SUSPENDED = b"T"
"""The state of a process that was stopped by a signal such as SIGSTOP. A traced process has another state."""

ZOMBIE = b"Z"
"""The state of a process that has ended and that its parent has not reaped."""

_PAGE_BYTES = resource.getpagesize()


def stat_fields(pid: int) -> list[bytes]:
    """Read the fields of /proc/<pid>/stat after the process's name. Raise OSError when the process does not exist.

    [0] is the state, [1] the parent, [3] the session; [11:15] is the CPU time in clock ticks: user and system time of
    the process, then of its children that have ended; [19] is the start in clock ticks since boot.
    """
    return parse_stat(Path(f"/proc/{pid}/stat").read_bytes())


def parse_stat(line: bytes) -> list[bytes]:
    """Return the fields of a line of /proc/<pid>/stat after the process's name, which may contain any character."""
    return line.rpartition(b")")[2].split()


def parse_statm(line: bytes) -> tuple[int, int, int]:
    """Parse a line of /proc/<pid>/statm. Return the resident, held and data memory of the process, in bytes.

    *Held* is the anonymous resident memory: what the process has written to. The kernel can drop the program and mapped
    files at any time, so they do not count. *Data* is the writable memory, resident or not.
    """
    _, resident, shared, _, _, data, _ = line.split()
    return int(resident) * _PAGE_BYTES, (int(resident) - int(shared)) * _PAGE_BYTES, int(data) * _PAGE_BYTES
