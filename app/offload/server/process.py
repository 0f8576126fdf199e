"""Settings of the process itself, made by `offload serve`: limits, garbage collection, and how early signals end it."""

import gc
import os
import resource
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

from offload.errors import BootError, ExitBySignal

OPEN_FILES = 8192
"""Many systems allow 1,024 open files. Connections may use half of them, which is too few for 500 event streams."""


LEAST_CONNECTIONS = 32
"""Connections that a service must be able to serve: a few callers, a page, a scrape and a probe at a time."""


def reserved_files(lanes: int) -> int:
    """Returns how many open files connections must leave for the rest of the service.

    28 and 14 for each lane were measured, idle and busy alike. The rest is for a lane that is replaced.
    """
    return 60 + 16 * lanes


def check_open_files(lanes: int) -> None:
    """Raises `BootError` if the system's limit is too low: each connection would be closed, or no lane could open."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    needed = reserved_files(lanes) + 2 * LEAST_CONNECTIONS
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise BootError(
            f"At most {hard} open files are allowed (ulimit -Hn), and a service with {lanes} lanes needs {needed}. "
            f"Set that limit to {needed} or more, better {OPEN_FILES}, or use fewer lanes."
        )


def raise_open_files_limit() -> None:
    """Raises this process's limit of open files to `OPEN_FILES`, or as far as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def end_within(seconds: float) -> None:
    """Has the kernel end this process by SIGALRM after so many seconds. A second call does nothing.

    Needs neither the event loop nor the interpreter, so nothing that hangs can hold up the end. The processes of lanes
    end with this one, and the next start removes what is left.
    """
    if signal.getitimer(signal.ITIMER_REAL)[0] == 0:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, seconds)


@contextmanager
def hidden(package: str) -> Iterator[None]:
    """While entered, imports don't find this package.

    structlog imports Rich if it is installed, and the command line needs Rich. Without it, the start is 20 ms faster.
    """
    if package in sys.modules:
        yield
        return
    sys.modules[package] = None  # type: ignore[assignment]  # Python's own mark of a module that can't be found
    try:
        yield
    finally:
        del sys.modules[package]


@contextmanager
def excluded_from_gc() -> Iterator[None]:
    """Excludes objects that are created while entered from garbage collection, permanently.

    Collections during imports take a tenth of their time, and a full collection of these objects would later block the
    event loop for about 50 ms. Lanes must not exist yet: their executors' semaphores are freed by the collector.
    """
    gc.disable()
    try:
        yield
        gc.freeze()
        # Most objects of a request are freed without the collector. The default of one collection per 700 new objects
        # costs a tenth of the throughput.
        gc.set_threshold(10_000, 20, 20)
    finally:
        gc.enable()


def exit_on_signals(within: float) -> Callable[[], bool]:
    """Makes SIGTERM and SIGINT raise SystemExit(0), so that what has started is closed within so many seconds.

    They are handled like this before the service drains on signals, and again after it has stopped, when uvicorn
    raises the signal once more. Returns a function that returns True after a signal: C code that runs meanwhile may
    turn the SystemExit into an error of its own.
    """
    received = threading.Event()

    def end(*_: object) -> NoReturn:
        received.set()
        end_within(within)
        raise ExitBySignal(0)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    sys.unraisablehook = _repeat_lost_exit
    return received.is_set


def terminate_on_sighup() -> None:
    """Treats the end of the terminal as a SIGTERM, unless SIGHUP is ignored, as it is by `nohup`."""
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, _terminate)


def _repeat_lost_exit(unraisable: "sys.UnraisableHookArgs") -> None:
    """Raises the signal again if Python has dropped its exception, as it does in finalizers and weakref callbacks."""
    if isinstance(unraisable.exc_value, ExitBySignal):
        threading.Timer(0.01, os.kill, [os.getpid(), signal.SIGTERM]).start()
    else:
        sys.__unraisablehook__(unraisable)


def _terminate(*_: object) -> None:
    signal.raise_signal(signal.SIGTERM)
