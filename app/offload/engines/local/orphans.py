"""Ends what the task of a dead lane left behind. Linux only.

The front desk adopts orphans (`worker.setup.adopt_orphans`), so whatever a dead lane leaves, double-forked or in a
session of its own, becomes a child of the front desk.
"""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

from offload.engines.local.procfs import stat_fields
from offload.worker.setup import LANE_NAME, LANE_VARIABLE


def end_orphans(lane: int, spared: int | None) -> list[int]:
    """Kills and clears away every orphan of that dead lane; of other dead lanes, too, if it meets any.

    `spared` is the board's Manager, an orphan where the forkserver above it died. The children of orphans become
    orphans in turn, so it looks until there are none. Blocks for some milliseconds.
    """
    ended: list[int] = []
    with contextlib.suppress(ChildProcessError):  # the lane itself is a child only where the forkserver died
        os.waitpid(lane, os.WNOHANG)
    while found := [pid for pid in _orphans(lane) if pid != spared and pid not in ended]:
        for pid in found:  # children of ours: the pid is theirs until we wait
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
        ended += found
    return ended


def _orphans(lane: int) -> Iterator[int]:
    me, session = os.getpid(), os.getsid(0)
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with contextlib.suppress(OSError):  # it has ended meanwhile
                parent, _, its_session = (int(field) for field in stat_fields(int(entry.name))[1:4])
                if parent == me and its_session != session and (its_session == lane or _began_in_a_lane(entry.name)):
                    yield int(entry.name)


def _began_in_a_lane(pid: str) -> bool:
    """True for a fork of a lane, which has its name even as a zombie, and for a program started in one.

    A program in a session of its own that the front desk itself has started, or whoever embeds it, is neither.
    """
    here = Path("/proc", pid)
    if (here / "comm").read_bytes().rstrip() == LANE_NAME:
        return True
    return f"{LANE_VARIABLE}=".encode() in (here / "environ").read_bytes()
