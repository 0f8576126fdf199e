"""Kills processes that an earlier service, or a task that it ran, left behind. Linux only.

Every descendant of a server inherits an environment variable that names the data directory and this server, however
often it forks, detaches or changes its session. /proc shows the environment with which a program was started, so the
server itself and its parents do not have the variable.
"""

import contextlib
import hashlib
import os
import select
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import structlog

from offload.wire.procfs import stat_fields

VARIABLE = "OFFLOAD_NODE"

KILL_S = 2.0
"""How long killed processes may take to end. SIGKILL takes milliseconds unless the process waits for a device."""

TRACKER_S = 1.0
"""How long multiprocessing's resource tracker may take to end, after all others: it removes their semaphores."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Mark:
    """Identifies the server of which a process is a descendant."""

    directory: str
    """A digest of the data directory's real path."""
    server: str
    """The server's pid and its start in clock ticks since boot: no other process has both."""

    @classmethod
    def of_this_service(cls, data_dir: Path) -> "Mark":
        """Return the mark of this process's descendants."""
        directory = hashlib.sha256(os.fsencode(data_dir.resolve())).hexdigest()[:32]
        return cls(directory, f"{os.getpid()}-{int(stat_fields(os.getpid())[19])}")

    def __str__(self) -> str:
        return f"{self.directory}:{self.server}"


def mark_descendants(data_dir: Path) -> None:
    """Mark every process that this one starts from now on. Call it before the forkserver starts."""
    os.environ[VARIABLE] = str(Mark.of_this_service(data_dir))


def kill_leftovers(data_dir: Path) -> list[int]:
    """Kill what earlier services on this directory left running. Return the pids. Blocks for a moment.

    The caller holds the directory's lock, so no other running service uses the directory. This service's own
    descendants are not killed, and neither are its ancestors: it may itself run in a lane.
    """
    this = Mark.of_this_service(data_dir)
    return _kill_all(lambda found, _: found.directory == this.directory and found.server != this.server)


def kill_own_leftovers(data_dir: Path) -> list[int]:
    """Kill what this service's lanes left running. Return the pids. Call it when the service ends, after its lanes.

    A lane has its own session, so processes in the service's session do not come from a task: they are
    multiprocessing's forkserver and resource tracker, which end by themselves after the service.
    """
    this, session = Mark.of_this_service(data_dir), os.getsid(0)
    return _kill_all(lambda found, its_session: found == this and its_session != session)


def _kill_all(is_leftover: Callable[[Mark, int], bool]) -> list[int]:
    """Kill until a search finds nothing more: a process may fork while another one is being killed."""
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
            return killed
        if time.monotonic() > deadline:
            log.warning("leftover processes do not end", pids=sorted(set(found) - set(killed)))
            return killed


def _kill(pidfds: Iterable[int]) -> None:
    for pidfd in pidfds:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)


def _is_tracker(pid: int) -> bool:
    try:
        return b"multiprocessing.resource_tracker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:  # it has ended
        return False


def _marked(is_leftover: Callable[[Mark, int], bool], stack: contextlib.ExitStack) -> Iterator[tuple[int, int]]:
    """Yield (pid, pidfd) of each leftover of this user. `stack` closes the pidfds."""
    excluded = _ancestors()
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit() or (pid := int(entry.name)) in excluded:
            continue
        with contextlib.suppress(OSError):  # it has ended, or may not be read
            if entry.stat().st_uid != os.geteuid():
                continue
            # The pidfd comes first. If another process gets the pid now, its mark may be read, but the signal goes to
            # the process that has ended.
            pidfd = os.pidfd_open(pid)
            stack.callback(os.close, pidfd)
            found = _read_mark(pid)
            if found is not None and is_leftover(found, os.getsid(pid)):
                yield pid, pidfd


def _read_mark(pid: int) -> Mark | None:
    """Return the mark with which a process was started. A zombie has none any more."""
    prefix = VARIABLE.encode() + b"="
    for variable in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
        if variable.startswith(prefix):
            directory, _, server = variable.removeprefix(prefix).decode(errors="replace").partition(":")
            return Mark(directory, server)
    return None


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
