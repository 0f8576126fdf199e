"""Ends a service that has no address space left, so that its supervisor starts it again.

Such a service is deaf: it can read no request and open no lane, and it does not recover, since freed memory is seldom
returned as address space. What it has accepted is on disk. The usual causes are `ulimit -v` and strict overcommit.
"""

import mmap
import os
import threading
import time

import structlog

NEEDED_BYTES = 16 << 20
"""Address space that must be available: the stacks of two threads. A lane that is opened needs as much."""

INTERVAL_S = 1.0
FAILURES = 3
"""The process is ended when so many checks in succession have failed. One may meet a short peak."""

EXIT_CODE = 1

log = structlog.get_logger()


def exit_when_out_of_memory() -> None:
    """Starts the checks, in a daemon thread: the event loop may no longer run, and no thread could be started then."""
    threading.Thread(target=_watch, name="memory-watch", daemon=True).start()


def _watch() -> None:
    failures = 0
    while failures < FAILURES:
        time.sleep(INTERVAL_S)
        failures = 0 if _is_available() else failures + 1
    try:
        log.critical("out of address space; the service ends and must be started again", needed_bytes=NEEDED_BYTES)
    finally:
        os._exit(EXIT_CODE)


def _is_available() -> bool:
    """Maps memory without touching it, which takes about 10 µs."""
    try:
        mmap.mmap(-1, NEEDED_BYTES).close()
    except (OSError, MemoryError):
        return False
    return True
