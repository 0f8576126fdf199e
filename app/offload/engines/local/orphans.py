"""Kills the processes that the task of a dead lane left behind. Linux only.

The server adopts orphans (`wire.process_tree.adopt_orphans`), so every process that a dead lane leaves becomes a child
of the server, even one that was forked twice or has its own session.
"""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

from offload.wire.process_mark import limit_mark_number
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
    me, session, own_mark = os.getpid(), os.getsid(0), limit_mark_number(os.getpid())
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with contextlib.suppress(OSError):  # it has ended in the meantime
                pid = int(entry.name)
                parent, _, its_session = (int(field) for field in stat_fields(pid)[1:4])
                if parent == me and its_session != session and (its_session == lane or _is_from_a_lane(pid, own_mark)):
                    yield pid


def _is_from_a_lane(pid: int, own_mark: int | None) -> bool:
    """Return True for a process of a lane: by its limit; by its name, which a fork has even as a zombie; or by its
    environment.

    Programs that the server or an embedding application has started in their own session have what this process has:
    no mark, or that of the lane in which the service runs.
    """
    if limit_mark_number(pid) not in {None, own_mark}:
        return True
    here = Path("/proc", str(pid))
    if (here / "comm").read_bytes().rstrip() == LANE_NAME:
        return True
    own = f"{LANE_VARIABLE}={os.environ.get(LANE_VARIABLE)}".encode()
    variables = (here / "environ").read_bytes().split(b"\0")
    return any(each.startswith(f"{LANE_VARIABLE}=".encode()) and each != own for each in variables)
