"""Ends processes that a service, or a task that it ran, left behind. Linux only.

Every descendant of a front desk inherits an environment variable that names the data directory and that very front
desk, however often it forks, detaches or changes its session. /proc shows it as it was when the program was started, so
the front desk itself, and whoever launched it, do not carry it.
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

from offload.engines.local.procfs import stat_fields

VARIABLE = "OFFLOAD_NODE"

PATIENCE_S = 2.0
"""How long killed processes may take to go; SIGKILL needs milliseconds unless the process waits for a device."""

TRACKER_S = 1.0
"""How long multiprocessing's resource tracker has to end by itself, after all others: it removes their semaphores."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Mark:
    """Whose descendant a process is: the digest of the data directory's real path, and one front desk's life."""

    directory: str
    life: str

    @classmethod
    def of_this_service(cls, data_dir: Path) -> "Mark":
        """A life is a pid and its start time, in clock ticks since the machine booted: no other process has both."""
        directory = hashlib.sha256(os.fsencode(data_dir.resolve())).hexdigest()[:32]
        return cls(directory, f"{os.getpid()}-{int(stat_fields(os.getpid())[19])}")

    def __str__(self) -> str:
        return f"{self.directory}:{self.life}"


def mark(data_dir: Path) -> None:
    """Marks every process that this one starts from now on. To be called before the forkserver starts."""
    os.environ[VARIABLE] = str(Mark.of_this_service(data_dir))


def sweep(data_dir: Path) -> list[int]:
    """Ends what an earlier service on this directory left running, and tells the pids. Blocks for a moment.

    Safe at any time for whoever holds the directory's lock: then no other living service uses the directory. This
    service's own descendants are spared, and so are its ancestors, since it may itself be the work of a lane.
    """
    this = Mark.of_this_service(data_dir)
    return _end(lambda found, _: found.directory == this.directory and found.life != this.life)


def sweep_own(data_dir: Path) -> list[int]:
    """Ends what this service's lanes left running, and tells the pids. For its end, after the lanes have gone.

    A lane begins a session of its own, so whatever is still in the service's session is no work of a task: it is
    multiprocessing's forkserver and resource tracker, which end by themselves when the service has.
    """
    this, session = Mark.of_this_service(data_dir), os.getsid(0)
    return _end(lambda found, its_session: found == this and its_session != session)


def _end(is_leftover: Callable[[Mark, int], bool]) -> list[int]:
    """Kills until a look around finds nothing more, since a process may fork while its sibling is being killed."""
    deadline = time.monotonic() + PATIENCE_S
    ended: list[int] = []
    while True:
        with contextlib.ExitStack() as stack:
            found = dict(_marked(is_leftover, stack))
            trackers = {pid: pidfd for pid, pidfd in found.items() if _is_tracker(pid)}
            _kill(pidfd for pid, pidfd in found.items() if pid not in trackers)
            ended += [pid for pid, pidfd in found.items() if pid not in trackers and _gone(pidfd, deadline)]
            _kill(pidfd for pidfd in trackers.values() if not _gone(pidfd, time.monotonic() + TRACKER_S))
            ended += [pid for pid, pidfd in trackers.items() if _gone(pidfd, deadline)]
        if not found:
            return ended
        if time.monotonic() > deadline:
            log.warning("leftover processes do not end", pids=sorted(set(found) - set(ended)))
            return ended


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
    """(pid, pidfd) of each leftover of this user. `stack` closes the pidfds."""
    spared = _ancestors()
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit() or (pid := int(entry.name)) in spared:
            continue
        with contextlib.suppress(OSError):  # it has ended, or is not ours to look at
            if entry.stat().st_uid != os.geteuid():
                continue
            # The pidfd comes first: should the pid change hands now, what is read may be another process's, but the
            # signal goes to the one that has gone.
            pidfd = os.pidfd_open(pid)
            stack.callback(os.close, pidfd)
            found = _read_mark(pid)
            if found is not None and is_leftover(found, os.getsid(pid)):
                yield pid, pidfd


def _read_mark(pid: int) -> Mark | None:
    """The mark that a process was started with. A zombie has none any more."""
    prefix = VARIABLE.encode() + b"="
    for variable in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
        if variable.startswith(prefix):
            directory, _, life = variable.removeprefix(prefix).decode(errors="replace").partition(":")
            return Mark(directory, life)
    return None


def _ancestors() -> set[int]:
    """This process and all above it."""
    found: set[int] = set()
    pid = os.getpid()
    while pid > 0 and pid not in found:
        found.add(pid)
        try:
            pid = int(stat_fields(pid)[1])
        except OSError:  # hidden from this user, as is all above it
            break
    return found


def _gone(pidfd: int, deadline: float) -> bool:
    watch = select.poll()
    watch.register(pidfd, select.POLLIN)
    return bool(watch.poll(max(0.0, deadline - time.monotonic()) * 1000))
