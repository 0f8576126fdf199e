"""Marks all descendants of a server, so that they are found after it has died. Linux only.

Every descendant inherits two marks with the same content:

- An environment variable. `/proc/<pid>/environ` shows the environment with which a program was started. A program that
  a task starts with another environment does not have it.
- In lanes and their descendants, the hard limit `RLIMIT_LOCKS`. No kernel since Linux 2.4.25 enforces it, but each
  process inherits it, keeps it across exec, fork and setsid, and can only lower it. `/proc/<pid>/limits` shows it.
"""

import contextlib
import hashlib
import os
import resource
from dataclasses import dataclass
from pathlib import Path

from offload.wire.procfs import stat_fields

VARIABLE = "_OFFLOAD_SERVICE"
"""Not a setting, so without their prefix: a task may start a service."""

RLIMIT_LOCKS = 10
"""From <asm-generic/resource.h>; the `resource` module does not have it."""

_DIRECTORY_BITS, _SERVER_BITS, _LEVEL_BITS = 42, 16, 4
_LEVEL_SHIFT = _DIRECTORY_BITS + _SERVER_BITS
_SIGN = 1 << (_LEVEL_SHIFT + _LEVEL_BITS)
"""A limit of at least this is a mark. It is 2⁶², the largest power of 2 that fits in a signed limit."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Identifies the server of which a process is a descendant."""

    directory: int
    """A digest of the data directory's device and inode: 42 bits. Its path may be another directory in a container."""
    server: int
    """A digest of the server's pid and its start in clock ticks since boot: 16 bits."""

    @classmethod
    def of_this_service(cls, data_dir: Path) -> "Mark":
        """Return the mark of this process's descendants. Raise OSError when the directory does not exist."""
        start, directory = int(stat_fields(os.getpid())[19]), data_dir.stat()
        return cls(
            _digest(b"%d-%d" % (directory.st_dev, directory.st_ino), _DIRECTORY_BITS),
            _digest(b"%d-%d" % (os.getpid(), start), _SERVER_BITS),
        )

    @classmethod
    def from_text(cls, text: str) -> "Mark | None":
        """Return the mark that `str` made; None when the text is another."""
        try:
            directory, server = (int(part, 16) for part in text.split("-"))
        except ValueError:
            return None
        return cls(directory, server)

    def __str__(self) -> str:
        return f"{self.directory:x}-{self.server:x}"


UNKNOWN = Mark(0, 0)
"""The mark of lanes without a service, as in tests of the engine."""


def mark_limit(mark: Mark) -> bool:
    """Give this process, and all that it forks and starts from now on, the mark as a limit. Return False if it can't.

    A service may run in a lane of another one. Since the limit can only be lowered, a mark contains its level.
    """
    above = limit_mark_number(os.getpid())
    level = (1 << _LEVEL_BITS) - 1 if above is None else ((above - _SIGN) >> _LEVEL_SHIFT) - 1
    if level < 0:
        return False
    number = _SIGN | level << _LEVEL_SHIFT | mark.directory << _SERVER_BITS | mark.server
    try:
        resource.setrlimit(RLIMIT_LOCKS, (number, number))
    except (OSError, ValueError):  # an administrator has set a lower limit, or the system has no such limit
        return False
    return True


def limit_mark_number(pid: int) -> int | None:
    """Return the mark of a process as its limit's number; None when it has none, has ended, or may not be read."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/limits").read_bytes().splitlines():
            if line.startswith(b"Max file locks"):
                hard = line.split()[4]
                return int(hard) if hard.isdigit() and int(hard) >= _SIGN else None
    return None


def read_marks(pid: int) -> set[Mark]:
    """Return the marks of a process. They differ only for the processes of a service that runs in a lane of another.

    Raise OSError when the process has ended.
    """
    found = set()
    if (number := limit_mark_number(pid)) is not None:
        directory = number >> _SERVER_BITS & ((1 << _DIRECTORY_BITS) - 1)
        found.add(Mark(directory, number & ((1 << _SERVER_BITS) - 1)))
    with contextlib.suppress(PermissionError):  # a program that has changed its user
        prefix = VARIABLE.encode() + b"="
        for variable in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
            if variable.startswith(prefix) and (
                mark := Mark.from_text(variable.removeprefix(prefix).decode(errors="replace"))
            ):
                found.add(mark)
    return found


def _digest(data: bytes, bits: int) -> int:
    return int.from_bytes(hashlib.sha256(data).digest()) >> (256 - bits)
