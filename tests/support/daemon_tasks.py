"""Tasks that leave processes behind in every way that a program can."""

import os
import subprocess
import time
from pathlib import Path

CLEAN = {"PATH": os.environ.get("PATH", os.defpath)}
"""An environment without any mark."""


def leave(pidfile: str, gate: str | None = None) -> None:
    """Leave a program, a shell's background job, a daemon and a fork. Write their pids. Wait for the gate, if any."""
    program = subprocess.Popen(["sleep", "600"], env=CLEAN, start_new_session=True).pid
    shell = "nohup setsid sleep 600 >/dev/null 2>&1 & echo $!"
    job = subprocess.run(["sh", "-c", shell], env=CLEAN, stdout=subprocess.PIPE, start_new_session=True, check=True)
    pids = [program, int(job.stdout), _daemon(("sleep", "600")), _daemon(None)]
    _write(pidfile, pids)
    while gate is not None and not os.path.exists(gate):  # noqa: PTH110
        time.sleep(0.01)


def replace(pidfile: str) -> None:
    """Replace the lane's program by another."""
    _write(pidfile, [os.getpid()])
    os.execvpe("sleep", ["sleep", "600"], CLEAN)  # noqa: S606  # the subject of the test


def _daemon(program: tuple[str, ...] | None) -> int:
    """Fork twice, with a new session in between, and run a program or continue in Python. Return the pid."""
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork():
            os._exit(0)
        os.write(writer, b"%d" % os.getpid())
        os.close(writer)
        if program is not None:
            os.execvpe(program[0], program, CLEAN)  # noqa: S606
        time.sleep(600)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pid:
        return int(pid.read())


def _write(pidfile: str, pids: list[int]) -> None:
    new = Path(f"{pidfile}.new")
    new.write_text(" ".join(map(str, pids)))
    new.rename(pidfile)
