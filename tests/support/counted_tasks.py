"""Tasks that first record that they have begun, in a file that the service knows nothing of."""

import os
import signal
import time


def begin(ledger: str, mark: str) -> None:
    """Appends the mark by one write, so that lines of concurrent lanes stay whole."""
    file = os.open(ledger, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(file, f"{mark}\n".encode())
    finally:
        os.close(file)


def work(ledger: str, mark: str, ms: float) -> str:
    """Begin, then compute for some milliseconds."""
    begin(ledger, mark)
    end = time.monotonic() + ms / 1000
    while time.monotonic() < end:
        pass
    return mark


def kill_service(ledger: str, mark: str, pid_file: str) -> None:
    """Begin, then kill the service whose pid the file has."""
    begin(ledger, mark)
    with open(pid_file) as file:  # noqa: PTH123  # as a user would
        os.kill(int(file.read()), signal.SIGKILL)
    time.sleep(60)
