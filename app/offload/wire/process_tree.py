"""How the server's child processes are tied to it, and how a lane's processes are recognised. Linux only."""

import ctypes
import fcntl
import multiprocessing
import os
import select
import signal

_F_SETSIG = 10
"""From <fcntl.h>; the `fcntl` module does not have it. Selects the signal that O_ASYNC sends instead of SIGIO."""

_PR_SET_PDEATHSIG, _PR_SET_NAME, _PR_SET_CHILD_SUBREAPER = 1, 15, 36
"""From <linux/prctl.h>."""

LANE_NAME = b"offload-lane"
"""The name that `ps` and `top` show for a lane and for processes that a task forks. At most 15 bytes."""

LANE_VARIABLE = "_OFFLOAD_LANE"
"""An environment variable that holds the lane's pid. Programs that a task starts have their own name but inherit it."""

SERVER_DIED = signal.SIGUSR1
"""The signal that the kernel sends to the forkserver when the server has died."""


def signal_when_parent_ends(number: signal.Signals) -> None:
    """Have the kernel send this signal when the thread that created this process ends.

    A process keeps this across exec, but not its children. Use it where the parent creates processes in its main thread
    only, as the forkserver does; otherwise check that the parent itself has ended.
    """
    _prctl(_PR_SET_PDEATHSIG, number)


def die_with_parent() -> None:
    """Have the kernel kill this process as soon as the server has ended, for whatever reason.

    The sentinel is a pipe that becomes readable when the server's end closes. With O_ASYNC the kernel then sends
    SIGKILL. No Python code has to run, so a C function that holds the GIL does not delay it: the process is gone within
    12 ms, where a guard thread took 6 s. The leader of a process group takes its group with it.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    sentinel, me = parent.sentinel, os.getpid()
    fcntl.fcntl(sentinel, fcntl.F_SETOWN, -me if os.getpgrp() == me else me)
    fcntl.fcntl(sentinel, _F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(sentinel, fcntl.F_SETFL, fcntl.fcntl(sentinel, fcntl.F_GETFL) | os.O_ASYNC)
    if select.select([sentinel], [], [], 0)[0]:  # the parent ended before the kernel was asked to watch it
        os._exit(3)


def adopt_orphans() -> None:
    """Make this process the parent of every descendant whose own parent ends, even after a double fork."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def mark_as_lane() -> None:
    """Give this process, and what it forks or starts, the name and the variable of a lane."""
    _prctl(_PR_SET_NAME, LANE_NAME)
    os.environ[LANE_VARIABLE] = str(os.getpid())


def _prctl(option: int, value: int | bytes) -> None:
    ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
