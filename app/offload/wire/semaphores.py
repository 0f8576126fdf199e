"""Names the semaphores that multiprocessing creates, so that each shows whose it is. Linux only.

`sem.offload-DIRECTORY-SERVER-…` in /dev/shm belongs to a server, and `sem.offload-DIRECTORY-SERVER.PID-…` to a lane and
the processes that its task starts with multiprocessing. multiprocessing would name all of them `sem.mp-…`, and has no
public setting for this.
"""

import os
from multiprocessing.process import current_process

from offload.wire.process_mark import Mark

FILE_PREFIX = "sem."
"""What the C library puts before a semaphore's name to name its file in /dev/shm."""


def directory_prefix(mark: Mark) -> str:
    """Return how the names of all services on a data directory begin."""
    return f"offload-{mark.directory:x}-"


def server_prefix(mark: Mark) -> str:
    """Return how the names of one server and its lanes begin. What follows is no hexadecimal digit."""
    return f"offload-{mark}"


def name_semaphores_of_server(mark: Mark) -> None:
    """Have this process, and those that it starts with multiprocessing from now on, name their semaphores so."""
    current_process()._config["semprefix"] = f"/{server_prefix(mark)}"  # type: ignore[attr-defined]  # noqa: SLF001


def name_semaphores_of_lane() -> None:
    """Have this process, which the server has started, name its semaphores as its lane's."""
    current_process()._config["semprefix"] += f".{os.getpid()}"  # type: ignore[attr-defined]  # noqa: SLF001


def lane_prefix(pid: int) -> str:
    """Return how the names of a lane of this server begin."""
    prefix: str = current_process()._config["semprefix"]  # type: ignore[attr-defined]  # noqa: SLF001
    return f"{prefix.removeprefix('/')}.{pid}-"
