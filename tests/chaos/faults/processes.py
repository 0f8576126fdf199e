"""Finds the processes of a running service, as far as they can be told apart from outside."""

import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.chaos.service import ChaosServer

LANE_NAME = "offload-lane"


@dataclass(frozen=True, slots=True)
class Parts:
    """Process ids. None, or fewer lanes, where a process is missing."""

    forkserver: int | None
    manager: int | None
    lanes: Sequence[int]
    """Open or opening lanes, sorted."""


def find_processes(server: ChaosServer) -> Parts:
    """Finds the processes once, in about 50 ms. A process that has just been forked may be taken for a lane."""
    server_pid, forkserver, manager, lanes = server.process.pid, None, None, []
    for process in server.forked():
        with contextlib.suppress(OSError, psutil.NoSuchProcess):  # it has ended
            pid, its_own_session = process.pid, os.getsid(process.pid) == process.pid
            if process.ppid() == server_pid and not its_own_session:
                forkserver = pid
            elif its_own_session and _name(pid) != LANE_NAME:
                manager = pid
            else:
                lanes.append(pid)
    return Parts(forkserver, manager, sorted(lanes))


def lane_writing_a_result(server: ChaosServer, lanes: Sequence[int]) -> int | None:
    """Returns the lane that is writing a result file at this moment, if any. Takes about 100 µs."""
    if not any(file.suffix == ".partial" for file in (server.data_dir / "results").iterdir()):
        return None
    for pid in lanes:
        with contextlib.suppress(OSError):
            if any(_target(descriptor).endswith(".partial") for descriptor in Path(f"/proc/{pid}/fd").iterdir()):
                return pid
    return None


def _name(pid: int) -> str:
    return Path(f"/proc/{pid}/comm").read_text().strip()


def _target(descriptor: Path) -> str:
    try:
        return str(descriptor.readlink())
    except OSError:  # it has been closed
        return ""
