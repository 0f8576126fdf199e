"""Removes what killed processes have left in /dev/shm, and nothing of other programs. Linux only.

Semaphores of multiprocessing have names of the service (`wire.semaphores`). joblib and loky use the pid of the process
in their names. That pid may be another program's in another container with the same /dev/shm, so nothing older than the
lane is removed.
"""

import contextlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from offload.wire.process_mark import Mark
from offload.wire.procfs import ZOMBIE, stat_fields
from offload.wire.semaphores import FILE_PREFIX, directory_prefix, lane_prefix, server_prefix

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  # it is where the C library creates semaphores

LANE_NOTE = "lane-"
"""Files `lane-PID` in the run directory show the next start which lanes there were. They are as old as the lane."""


def remove_semaphores_of_earlier_services(data_dir: Path) -> None:
    """Remove the semaphores of services that used this data directory before. Their processes have ended."""
    this = Mark.of_this_service(data_dir)
    all_services, own = FILE_PREFIX + directory_prefix(this), FILE_PREFIX + server_prefix(this)
    _remove(lambda entry: entry.name.startswith(all_services) and not entry.name.startswith(own))


def note_lane(run_dir: Path, pid: int) -> None:
    """Note that this lane exists, for the next start. Without disk space, the note is missing."""
    with contextlib.suppress(OSError):
        _note(run_dir, pid).touch()


def clean_up_lane(run_dir: Path, pid: int, started: float) -> None:
    """Remove what a lane, which started at that time and has ended, left in shared memory; and then its note."""
    _remove_of_lane(pid, started)
    with contextlib.suppress(OSError):
        _note(run_dir, pid).unlink()


def clean_up_noted_lanes(run_dir: Path) -> None:
    """Do this for all lanes of an earlier service. They have ended: a process with such a pid is another program's."""
    for note in run_dir.glob(f"{LANE_NOTE}*"):
        pid = note.name.removeprefix(LANE_NOTE)
        with contextlib.suppress(OSError):
            if pid.isdigit() and _has_ended(int(pid)):
                _remove_of_lane(int(pid), note.stat().st_mtime)


def _remove_of_lane(pid: int, started: float) -> None:
    names = (
        FILE_PREFIX + lane_prefix(pid),
        f"{FILE_PREFIX}loky-{pid}-",
        f"joblib_memmapping_folder_{pid}_",
    )
    _remove(lambda entry: entry.name.startswith(names) and entry.stat(follow_symlinks=False).st_mtime >= started)


def _has_ended(pid: int) -> bool:
    try:
        return stat_fields(pid)[0] == ZOMBIE
    except OSError:
        return True


def _note(run_dir: Path, pid: int) -> Path:
    return run_dir / f"{LANE_NOTE}{pid}"


def _remove(is_left: Callable[["os.DirEntry[str]"], bool]) -> None:
    with contextlib.suppress(OSError), os.scandir(SHARED_MEMORY) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):  # another user's, or gone by now
                if is_left(entry):
                    if entry.is_dir(follow_symlinks=False):
                        shutil.rmtree(entry.path, ignore_errors=True)
                    else:
                        os.unlink(entry.path)  # noqa: PTH108  # its path is a string
