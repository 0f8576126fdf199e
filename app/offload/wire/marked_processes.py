"""Finds and kills processes by their mark, wherever they are in the tree of processes. Linux only."""

import contextlib
import os
import select
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from offload.wire.process_mark import Mark, read_marks
from offload.wire.procfs import ZOMBIE, stat_fields

KILL_S = 2.0
"""How long killed processes may take to end. SIGKILL takes milliseconds unless the process waits for a device."""

TRACKER_S = 1.0
"""How long multiprocessing's resource tracker may take to end, after all others: it removes their semaphores."""


def kill_marked(is_leftover: Callable[[Mark, int], bool]) -> tuple[list[int], list[int]]:
    """Kill every process for which `is_leftover` returns True, given one of its marks and its session.

    Search until nothing more is found: a process may fork while another one is being killed. Return the pids that have
    ended, and those that do not end within `KILL_S`. Never kill this process or one of its ancestors.
    """
    deadline = time.monotonic() + KILL_S
    killed: list[int] = []
    while True:
        with contextlib.ExitStack() as stack:
            found = dict(_marked(is_leftover, stack))
            trackers = {pid: pidfd for pid, pidfd in found.items() if _is_tracker(pid)}
            _kill(pidfd for pid, pidfd in found.items() if pid not in trackers)
            killed += [pid for pid, pidfd in found.items() if pid not in trackers and _gone(pidfd, deadline)]
            _kill(pidfd for pidfd in trackers.values() if not _gone(pidfd, time.monotonic() + TRACKER_S))
            killed += [pid for pid, pidfd in trackers.items() if _gone(pidfd, deadline)]
        if not found:
            return killed, []
        if time.monotonic() > deadline:
            return killed, sorted(set(found) - set(killed))


def _kill(pidfds: Iterable[int]) -> None:
    for pidfd in pidfds:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)


def _is_tracker(pid: int) -> bool:
    try:
        return b"multiprocessing.resource_tracker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:  # it has ended
        return False


def _marked(is_leftover: Callable[[Mark, int], bool], stack: contextlib.ExitStack) -> Iterator[tuple[int, int]]:
    """Yield (pid, pidfd) of each leftover. `stack` closes the pidfds. Only root can kill processes of other users."""
    excluded, user = _ancestors(), os.geteuid()
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit() or (pid := int(entry.name)) in excluded:
            continue
        with contextlib.suppress(OSError):  # it has ended, or may not be read
            if user not in {0, entry.stat().st_uid}:
                continue
            # The pidfd comes first. If another process gets the pid now, its mark may be read, but the signal goes to
            # the process that has ended.
            pidfd = os.pidfd_open(pid)
            stack.callback(os.close, pidfd)
            marks = read_marks(pid)
            if not marks:
                continue
            session = os.getsid(pid)
            if any(is_leftover(mark, session) for mark in marks) and stat_fields(pid)[0] != ZOMBIE:
                yield pid, pidfd


def _ancestors() -> set[int]:
    """Return this process and all its ancestors."""
    found: set[int] = set()
    pid = os.getpid()
    while pid > 0 and pid not in found:
        found.add(pid)
        try:
            pid = int(stat_fields(pid)[1])
        except OSError:  # hidden from this user, and its parents are as well
            break
    return found


def _gone(pidfd: int, deadline: float) -> bool:
    watch = select.poll()
    watch.register(pidfd, select.POLLIN)
    return bool(watch.poll(max(0.0, deadline - time.monotonic()) * 1000))
