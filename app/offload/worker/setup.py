"""How a process that serves the front desk is set up before it does anything else. Linux only.

`die_with_parent` is for every such process; `settle` is the rest of what a lane needs.
"""

import ctypes
import fcntl
import multiprocessing
import os
import select
import signal

F_SETSIG = 10
"""From <fcntl.h>; the `fcntl` module has no name for it. Which signal O_ASYNC sends instead of SIGIO."""

PR_SET_NAME, PR_SET_CHILD_SUBREAPER = 15, 36
"""From <linux/prctl.h>."""

LANE_NAME = b"offload-lane"
"""What `ps` and `top` show for a lane, and for what a task forks in it; at most 15 bytes."""


LANE_VARIABLE = "OFFLOAD_LANE"
"""Set in a lane's environment to its pid: programs that a task starts have a name of their own, but inherit this."""


def die_with_parent() -> None:
    """From now on the kernel kills this process as soon as the front desk is gone, however that came about.

    The sentinel is a pipe that becomes readable when the front desk's end closes; asked for by O_ASYNC, the kernel
    then sends SIGKILL without any code of ours having to run, so a C function that holds the GIL does not delay it
    (measured: gone within 12 ms; a guard thread took 6 s). A leader of a process group takes its group along.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    sentinel, me = parent.sentinel, os.getpid()
    fcntl.fcntl(sentinel, fcntl.F_SETOWN, -me if os.getpgrp() == me else me)
    fcntl.fcntl(sentinel, F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(sentinel, fcntl.F_SETFL, fcntl.fcntl(sentinel, fcntl.F_GETFL) | os.O_ASYNC)
    if select.select([sentinel], [], [], 0)[0]:  # it was gone before the kernel was asked to watch
        os._exit(3)


def adopt_orphans() -> None:
    """Makes this process the parent of every descendant whose own parent ends, double-forked ones included."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)


def settle(nice: int) -> None:
    """Makes a new process a lane: its own session, nicer than the front desk, not to be stopped, nothing on stdin.

    Descriptor 1 becomes stderr, so that what a task prints never mixes with the service's own output.
    """
    os.setsid()
    die_with_parent()
    adopt_orphans()
    _prctl(PR_SET_NAME, LANE_NAME)
    os.environ[LANE_VARIABLE] = str(os.getpid())
    os.nice(nice)
    outlive_stop_signals()
    os.register_at_fork(after_in_child=_end_by_stop_signals)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)


def outlive_stop_signals() -> None:
    """Goes on when the service is told to stop: only the front desk ends a lane, after what runs had time to finish.

    A Ctrl-C reaches the whole group, and systemd sends SIGTERM, at the end of a session SIGHUP too, to every process.
    These two are caught, not ignored: what a task forks or starts must not inherit deafness to its `terminate()`.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _go_on)
        signal.siginterrupt(number, False)


def _go_on(*_: object) -> None:
    pass


def _end_by_stop_signals() -> None:
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is _go_on:
            signal.signal(number, signal.SIG_DFL)


def _prctl(option: int, value: int | bytes) -> None:
    ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
