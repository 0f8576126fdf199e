"""Kills the processes that the task of a dead lane left behind. Linux only.

The server adopts orphans (`wire.process_tree.adopt_orphans`), so every process that a dead lane leaves becomes a child
of the server, even one that was forked twice or has its own session.
"""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

from offload.wire.process_tree import LANE_NAME, LANE_VARIABLE
from offload.wire.procfs import stat_fields


def kill_orphans(lane: int, excluded: int | None) -> list[int]:
    """Kill and reap every orphan of this dead lane, and of other dead lanes if there are any. Return their pids.

    `excluded` is the board's Manager, which is an orphan when the forkserver above it has died. The children of orphans
    become orphans in turn, so the search is repeated until it finds none. Blocks for some milliseconds.
    """
    killed: list[int] = []
    with contextlib.suppress(ChildProcessError):  # the lane itself is a child only when the forkserver has died
        os.waitpid(lane, os.WNOHANG)
    while found := [pid for pid in _orphans(lane) if pid != excluded and pid not in killed]:
        for pid in found:  # children of this process: the kernel does not reuse their pids before `waitpid`
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
        killed += found
    return killed


def _orphans(lane: int) -> Iterator[int]:
    me, session = os.getpid(), os.getsid(0)
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with contextlib.suppress(OSError):  # it has ended in the meantime
                parent, _, its_session = (int(field) for field in stat_fields(int(entry.name))[1:4])
                if parent == me and its_session != session and (its_session == lane or _is_from_a_lane(entry.name)):
                    yield int(entry.name)


def _is_from_a_lane(pid: str) -> bool:
    """Return True for a fork of a lane, which has its name even as a zombie, and for a program started in one.

    Programs that the server or an embedding application has started in their own session are neither.
    """
    here = Path("/proc", pid)
    if (here / "comm").read_bytes().rstrip() == LANE_NAME:
        return True
    return f"{LANE_VARIABLE}=".encode() in (here / "environ").read_bytes()
