"""Starts processes, each with its output in a file, and ends each by its id."""

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).parent.parent

_NOT_OURS = ("PYTHONDONTWRITEBYTECODE",)
"""A developer's setting that is not for servers: each start would compile the service, but never a peer."""

STARTS_WITHIN_S = 60.0
ENDS_WITHIN_S = 15.0
INTERRUPTED_S = 1.0
"""How long the end may take after an interruption. Some programs ignore a signal while they start."""


@contextmanager
def running(
    command: Sequence[str | Path],
    log: Path,
    *,
    environment: Mapping[str, str] | None = None,
    cwd: Path = ROOT,
    user: str | None = None,
    by: signal.Signals = signal.SIGTERM,
) -> Iterator[subprocess.Popen[bytes]]:
    """Runs the command in its own session. Ends it by a signal, then kills it with its children if it stays."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("OFFLOAD_", *_NOT_OURS))}
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env={**clean, **(environment or {})},
            user=user,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    patience_s = ENDS_WITHIN_S
    try:
        yield process
    except BaseException:
        patience_s = INTERRUPTED_S
        raise
    finally:
        family = list(tree(process.pid))
        if process.poll() is None:
            process.send_signal(by)
        try:
            process.wait(patience_s)
        except subprocess.TimeoutExpired:
            for pid in family:
                _kill(pid)
            process.wait()


def answers(port: int, path: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Returns when GET `path` returns 200. Raises RuntimeError if the process ends or takes too long."""
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode()
    end = time.perf_counter() + STARTS_WITHIN_S
    while process.poll() is None and time.perf_counter() < end:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=STARTS_WITHIN_S) as connection:
                connection.sendall(request)
                if connection.recv(64).startswith(b"HTTP/1.1 200"):
                    return
        except ConnectionError:
            pass
        time.sleep(0.002)
    raise RuntimeError(f"no answer from {path}: {tail(log)}")


def tail(log: Path) -> str:
    """Returns the end of a process's output."""
    return log.read_text(errors="replace")[-600:].strip() if log.exists() else ""


def free_port() -> int:
    """Returns a free port of 127.0.0.1."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def tree(pid: int) -> Iterator[int]:
    """A process and all its descendants."""
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found = children.read_text().split()
        except OSError:  # it has ended
            continue
        for child in found:
            yield from tree(int(child))


def pss_bytes(pid: int) -> int:
    """Returns the proportional set size of a process in bytes, or 0 if it has ended."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    found = re.search(r"^Pss:\s+(\d+)", rollup, re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
