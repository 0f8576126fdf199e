"""A handle of one process: whether it runs, whether it is suspended, and how it ended. Linux only."""

import contextlib
import os
import select
import signal
from dataclasses import dataclass

from offload.engines.local.context import ForkedProcess
from offload.wire.procfs import SUSPENDED, parse_stat


@dataclass(frozen=True, slots=True)
class ProcessExit:
    """How a process ended, as far as is known."""

    exit_code: int | None = None
    signal: str | None = None


class ProcessHandle:
    """Refers to a process by its pidfd: a signal never reaches another process that got the same pid.

    Raises OSError when the process does not exist any more.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._pidfd = os.pidfd_open(pid)
        try:
            self._stat = os.open(f"/proc/{pid}/stat", os.O_RDONLY)
        except OSError:
            os.close(self._pidfd)
            raise

    def fileno(self) -> int:
        """Return the descriptor that becomes readable when the process has ended."""
        return self._pidfd

    @property
    def alive(self) -> bool:
        """True while the process runs."""
        poll = select.poll()
        poll.register(self._pidfd, select.POLLIN)
        return not poll.poll(0)

    @property
    def suspended(self) -> bool:
        """True while a signal such as SIGSTOP has stopped the process. Takes 3 µs, since the file stays open."""
        try:
            return parse_stat(os.pread(self._stat, 512, 0))[0] == SUSPENDED
        except ProcessLookupError:  # it has ended
            return False

    def kill(self) -> None:
        """Kill the process and its process group."""
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    def close(self) -> None:
        """Close the descriptors."""
        os.close(self._pidfd)
        os.close(self._stat)


def exit_of(process: ForkedProcess) -> ProcessExit:
    """Return how a process that has been joined ended, and release it."""
    code = process.known_exitcode
    with contextlib.suppress(ValueError):
        process.close()
    if code is None:
        return ProcessExit()
    if code >= 0:
        return ProcessExit(exit_code=code)
    return ProcessExit(signal=_signal_name(-code))


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return f"signal {number}"
