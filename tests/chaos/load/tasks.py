"""The tasks of a chaos run. Each first records that it has begun, in a file that the service knows nothing of.

`mark` is the label of the submission, which is unique.
"""

import contextlib
import multiprocessing
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from tests.support import sample_tasks
from tests.support.sample_tasks import Greeting

BEGINS = "CHAOS_BEGINS"
"""The environment variable that names the file."""

SLEEP = "CHAOS_SLEEP"
"""The environment variable with the argument of `sleep` by which the run finds the processes that tasks have left."""

HOARDED = 300
"""How many files `hoard` leaves open."""

_hoard: list[int] = []


def begin(mark: str) -> None:
    """Appends one line by one write, so that lines of concurrent lanes stay whole: the mark and the time."""
    file = os.open(os.environ[BEGINS], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(file, f"{mark} {time.time():.6f}\n".encode())
    finally:
        os.close(file)


def greet(mark: str, name: str, times: int = 1) -> Greeting:
    begin(mark)
    return sample_tasks.greet(name, times)


def busy(mark: str, ms: int) -> int:
    """Compute for some milliseconds."""
    begin(mark)
    end = time.monotonic() + ms / 1000
    while time.monotonic() < end:
        pass
    return ms


def blob(mark: str, size: int, seed: int) -> str:
    begin(mark)
    return sample_tasks.blob(size, seed)


def climb(mark: str, steps: int, progress: Callable[[int, int], None]) -> int:
    begin(mark)
    return sample_tasks.climb(steps, progress)


def refuse(mark: str, text: str) -> None:
    begin(mark)
    sample_tasks.refuse(text)


def leave(mark: str, code: int) -> NoReturn:
    begin(mark)
    sample_tasks.leave(code)


def crash(mark: str) -> None:
    begin(mark)
    sample_tasks.crash()


def spin(mark: str) -> NoReturn:
    begin(mark)
    sample_tasks.spin()


def grind(mark: str) -> int:
    begin(mark)
    return sample_tasks.grind()


def hoard(mark: str) -> int:
    """Leave files open."""
    begin(mark)
    _hoard.extend(os.open(os.devnull, os.O_RDONLY) for _ in range(HOARDED))
    return HOARDED


def desert(mark: str) -> str:
    """Leave a process in a session of its own, which has nothing of the service in its environment."""
    begin(mark)
    environment = {"PATH": os.environ["PATH"]}
    while True:
        with contextlib.suppress(BlockingIOError):  # no process can be made at this moment: that is another fault
            subprocess.Popen(["sleep", os.environ[SLEEP]], env=environment, start_new_session=True)
            return "left"
        time.sleep(0.05)


def become(mark: str) -> NoReturn:
    """Become another program, which does not end."""
    begin(mark)
    os.execvp("sleep", ["sleep", os.environ[SLEEP]])  # noqa: S606  # this is the fault


def murder(mark: str, mercy: int) -> str:
    """Kill the service, unless the job has already done so `mercy` times: the run must go on."""
    begin(mark)
    begun = Path(os.environ[BEGINS]).read_text().count(f"{mark} ")
    server = multiprocessing.parent_process()
    if begun <= mercy and server is not None and server.pid is not None:
        os.kill(server.pid, signal.SIGKILL)
        time.sleep(10)  # the lane ends with the service
    return "spared"
