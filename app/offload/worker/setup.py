"""Sets up a new process as a lane, before it does anything else. Linux only."""

import os
import signal

from offload.wire.process_mark import UNKNOWN, VARIABLE, Mark, mark_limit
from offload.wire.process_tree import (
    SERVER_DIED,
    adopt_orphans,
    die_with_parent,
    mark_as_lane,
    signal_when_parent_ends,
)
from offload.wire.semaphores import name_semaphores_of_lane


def set_up_process(nice: int) -> None:
    """Give a lane's process its own session, its nice value, its signal handlers, and no standard input.

    Descriptor 1 becomes stderr, so that output of a task is never mixed with the service's own stdout.
    """
    os.setsid()
    die_with_parent()
    signal_when_parent_ends(signal.SIGKILL)  # the forkserver, which ends with the server: also after an exec
    signal.signal(SERVER_DIED, signal.SIG_DFL)
    adopt_orphans()
    mark_as_lane()
    mark_limit(Mark.from_text(os.environ.get(VARIABLE, "")) or UNKNOWN)
    name_semaphores_of_lane()
    os.nice(nice)
    survive_stop_signals()
    os.register_at_fork(after_in_child=_restore_stop_signals)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)


def survive_stop_signals() -> None:
    """Make this process continue when the service is stopped: the server ends the lanes, after the drain.

    Ctrl-C reaches the whole group. systemd sends SIGTERM to every process, and SIGHUP at the end of a session. These
    two are caught, not ignored: what a task forks or starts must not inherit that its `terminate()` has no effect.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _continue)
        signal.siginterrupt(number, False)


def _continue(*_: object) -> None:
    pass


def _restore_stop_signals() -> None:
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is _continue:
            signal.signal(number, signal.SIG_DFL)
