"""Kills processes that an earlier service, or a task that it ran, left behind. Linux only.

They are found by their marks (`wire.process_mark`). The server itself and its parents have none of this service.
"""

import os
from collections.abc import Callable
from pathlib import Path

import structlog

from offload.wire.marked_processes import kill_marked
from offload.wire.process_mark import VARIABLE, Mark
from offload.wire.semaphores import name_semaphores_of_server

log = structlog.get_logger()


def mark_descendants(data_dir: Path) -> None:
    """Mark every process that this one starts from now on, and its semaphores. Call it before the forkserver starts."""
    mark = Mark.of_this_service(data_dir)
    os.environ[VARIABLE] = str(mark)
    name_semaphores_of_server(mark)


def kill_leftovers(data_dir: Path) -> list[int]:
    """Kill what earlier services on this directory left running. Return the pids. Blocks for a moment.

    The caller holds the directory's lock, so no other running service uses the directory. This service's own
    descendants are not killed, and neither are its ancestors: it may itself run in a lane.
    """
    this = Mark.of_this_service(data_dir)
    return _kill(lambda found, _: found.directory == this.directory and found.server != this.server)


def kill_own_leftovers(data_dir: Path) -> list[int]:
    """Kill what this service's lanes left running. Return the pids. Call it when the service ends, after its lanes.

    A lane has its own session, so processes in the service's session do not come from a task: they are
    multiprocessing's forkserver and resource tracker, which end by themselves after the service.
    """
    this, session = Mark.of_this_service(data_dir), os.getsid(0)
    return _kill(lambda found, its_session: found == this and its_session != session)


def _kill(is_leftover: Callable[[Mark, int], bool]) -> list[int]:
    killed, left = kill_marked(is_leftover)
    if left:
        log.warning("leftover processes do not end", pids=left)
    return killed
