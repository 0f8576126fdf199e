"""Starts what is measured, each as a process of its own on a free port, and tells what it costs."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    process: subprocess.Popen[str]
    port: int
    ready_s: float
    """Seconds from its start until it said that it is ready."""

    def rss_bytes(self) -> int:
        """Resident memory of the process and its descendants, shared pages counted once each (PSS)."""
        return sum(_pss(pid) for pid in _tree(self.process.pid))


@contextmanager
def offload(*arguments: str) -> Iterator[Server]:
    """The service, durable as it comes, with the measured task, on a new data directory."""
    with tempfile.TemporaryDirectory(prefix="offload-bench-") as data:
        command = [sys.executable, "-c", "import sys; from app.cli import main; sys.exit(main())", "serve"]
        command += ["--port", "0", "--data-dir", data, "--tasks", "noop=bench.work:noop", *arguments]
        with _run(command, re.compile(r"ready on http://127.0.0.1:(\d+)"), subprocess.PIPE, None) as server:
            yield server


@contextmanager
def bare() -> Iterator[Server]:
    """The bare FastAPI app, and the naive pool behind it."""
    command = [sys.executable, "-m", "uvicorn", "bench.bare:app", "--port", "0", "--no-access-log", "--loop", "uvloop"]
    with _run(command, re.compile(r"running on http://127.0.0.1:(\d+)"), None, subprocess.PIPE) as server:
        yield server


@contextmanager
def _run(command: list[str], ready: re.Pattern[str], stdout: int | None, stderr: int | None) -> Iterator[Server]:
    begin = time.perf_counter()
    root = Path(__file__).parent.parent
    environment = {key: value for key, value in os.environ.items() if not key.startswith("OFFLOAD_")}
    process = subprocess.Popen(command, stdout=stdout, stderr=stderr, text=True, cwd=root, env=environment)
    try:
        lines = process.stdout or process.stderr
        assert lines is not None
        match = next((found for line in lines if (found := ready.search(line))), None)
        if match is None:
            raise RuntimeError(f"it ended before it was ready: {command}")
        yield Server(process, int(match[1]), time.perf_counter() - begin)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def _tree(pid: int) -> Iterator[int]:
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            yield from _tree(int(child))


def _pss(pid: int) -> int:
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:  # it has ended
        return 0
    return int(re.search(r"^Pss:\s+(\d+)", rollup, re.MULTILINE)[1]) * 1024  # type: ignore[index]  # it is always there
