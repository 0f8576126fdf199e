"""The memory and CPU time that a process uses, and the memory cap inside it."""

import subprocess
import sys
from pathlib import Path

import pytest

from offload.wire.procfs import parse_statm
from offload.worker.results import write_result

FORKED = "import os, sys\nif os.fork(): sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))\n"
"""As a lane is forked. The ru_maxrss of a process that called exec includes its peak before the call."""


def run(body: str) -> str:
    script = f"{FORKED}from offload.worker.usage import Memory, Meter\nmemory = Memory()\n{body}"
    return subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    ).stdout.strip()


def test_a_huge_allocation_fails_under_the_cap_and_not_after_it() -> None:
    assert run("memory.cap(64 << 20)\ntry:\n  bytearray(1 << 30)\nexcept MemoryError: print('failed')") == "failed"
    assert run("memory.cap(64 << 20)\nmemory.lift_cap()\nprint(len(bytearray(1 << 30)))") == str(1 << 30)


def test_an_allocation_within_the_limit_is_within_the_cap() -> None:
    assert run("memory.cap(256 << 20)\nprint(len(b'x' * (200 << 20)))") == str(200 << 20)


def test_the_peak_is_measured_from_the_start_of_the_meter() -> None:
    peaks = run("b'x' * (200 << 20)\nmeter = Meter(memory)\nprint(meter.read().peak_rss_bytes)")
    assert int(peaks) < 200 << 20
    peaks = run("meter = Meter(memory)\nb'x' * (200 << 20)\nprint(meter.read().peak_rss_bytes)")
    assert int(peaks) > 200 << 20


def test_statm() -> None:
    page = parse_statm(b"0 1 0 0 0 0 0\n")[0]
    assert parse_statm(b"900 50 20 1 0 70 0\n") == (50 * page, 30 * page, 70 * page)


def test_a_result_file_is_complete_or_does_not_exist(tmp_path: Path) -> None:
    write_result(tmp_path, "id", 2, b"[1]")
    assert (tmp_path / "id.2.json").read_bytes() == b"[1]"
    assert [file.name for file in tmp_path.iterdir()] == ["id.2.json"]
    with pytest.raises(OSError, match="No such file"):
        write_result(tmp_path / "missing", "id", 2, b"[1]")
