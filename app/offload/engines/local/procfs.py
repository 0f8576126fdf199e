"""What /proc tells about a process. Linux only."""

from pathlib import Path

SUSPENDED = b"T"
"""The state of a process that SIGSTOP or the like has stopped. What a debugger stops is in another one."""


def stat_fields(pid: int) -> list[bytes]:
    """The fields of /proc/<pid>/stat after the name, which may hold anything. Raises OSError where it has gone.

    [0] is the state, [1] the parent, [3] the session; [11:15] is the CPU time in clock ticks, user and system, its own
    and that of children that have ended; [19] is the start in clock ticks since the machine booted.
    """
    return parse_stat(Path(f"/proc/{pid}/stat").read_bytes())


def parse_stat(line: bytes) -> list[bytes]:
    """The same from what has been read already."""
    return line.rpartition(b")")[2].split()
