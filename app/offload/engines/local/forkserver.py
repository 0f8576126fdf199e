"""Starts multiprocessing's forkserver, from which the lanes and the board's Manager are forked."""

import contextlib
import json
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from multiprocessing import forkserver, resource_tracker
from multiprocessing.process import current_process
from pathlib import Path

from offload.tasks.registry import RegistrySpec
from offload.wire.messages import PRELOAD_VARIABLE, SAFE_PATH


def start_forkserver(modules: Sequence[str], spec: RegistrySpec, directory: Path) -> None:
    """Start the forkserver, unless it runs already. It loads `modules` and what lanes need, for all to share.

    None of `modules` may raise anything but ImportError: this would end the forkserver. Its socket is created in
    `directory`, where the next start of the service finds it after a kill. multiprocessing would create it in /tmp and
    remove it in an exit handler, which does not run when a signal ends the service; it has no public setting for this.
    """
    current_process()._config["tempdir"] = str(directory)  # type: ignore[attr-defined]  # noqa: SLF001
    os.environ[PRELOAD_VARIABLE] = json.dumps(
        {"spec": asdict(spec), "sys_path": sys.path, "safe_path": os.environ.get(SAFE_PATH)}
    )
    forkserver.set_forkserver_preload(
        [
            "offload.worker.ignore_signals",
            "offload.worker.follow_server",
            "offload.worker.patient_fork",
            *modules,
            "offload.worker.preload",
        ]
    )
    # What is started here inherits the signal mask. The resource tracker keeps it: by itself it ignores only SIGINT and
    # SIGTERM, and SIGHUP would end it before it has removed what the service leaves to it.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    try:
        with _environment("PYTHONWARNINGS", _quiet_tracker()):
            resource_tracker.ensure_running()  # otherwise it is started below, and unblocks the other two signals
        # Ctrl-C must not end a forkserver that is starting; `offload.worker.ignore_signals` takes over from here.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
        # Or a folder called `offload` in the working directory would hide this package: it is started by `python -c`.
        with _environment(SAFE_PATH, "1"):
            forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def remove_dead_listeners(directory: Path) -> None:
    """Remove the sockets of forkservers that have died. multiprocessing starts another one, and leaves the socket.

    Must not be called while one is being started: its socket has a file before the kernel lists it.
    """
    listeners = list(directory.glob("listener-*"))
    with contextlib.suppress(OSError):
        bound = Path("/proc/net/unix").read_text().splitlines()
        for listener in listeners:
            if not any(line.endswith(f" {listener}") for line in bound):
                listener.unlink()


def _quiet_tracker() -> str:
    """Return PYTHONWARNINGS without the resource tracker's: to remove what a killed service has left is its purpose."""
    return ",".join(filter(None, [os.environ.get("PYTHONWARNINGS"), "ignore:resource_tracker:UserWarning"]))


@contextlib.contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    """Set a variable for the processes that are started meanwhile."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
