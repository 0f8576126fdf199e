"""What a process holds and used, and the cap inside it."""

import subprocess
import sys
from pathlib import Path

import pytest

from offload.wire import result_files as results
from offload.worker.limits import parse_statm

FORKED = "import os, sys\nif os.fork(): sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))\n"
"""As a lane is. A program that was only executed has the peak of the one that executed it in its ru_maxrss."""


def run(body: str) -> str:
    script = f"{FORKED}from offload.worker.limits import Memory, Meter\nmemory = Memory()\n{body}"
    return subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    ).stdout.strip()


def test_a_huge_allocation_fails_under_the_cap_and_not_after_it() -> None:
    assert run("memory.cap(64 << 20)\ntry:\n  bytearray(1 << 30)\nexcept MemoryError: print('refused')") == "refused"
    assert run("memory.cap(64 << 20)\nmemory.lift_cap()\nprint(len(bytearray(1 << 30)))") == str(1 << 30)


def test_what_fits_the_limit_fits_the_cap() -> None:
    assert run("memory.cap(256 << 20)\nprint(len(b'x' * (200 << 20)))") == str(200 << 20)


def test_the_peak_is_of_the_metered_time() -> None:
    peaks = run("b'x' * (200 << 20)\nmeter = Meter(memory)\nprint(meter.read().peak_rss_bytes)")
    assert int(peaks) < 200 << 20
    peaks = run("meter = Meter(memory)\nb'x' * (200 << 20)\nprint(meter.read().peak_rss_bytes)")
    assert int(peaks) > 200 << 20


def test_statm() -> None:
    page = parse_statm(b"0 1 0 0 0 0 0\n")[0]
    assert parse_statm(b"900 50 20 1 0 70 0\n") == (50 * page, 30 * page, 70 * page)


def test_a_result_file_is_whole_or_not_there(tmp_path: Path) -> None:
    results.write(tmp_path, "id", 2, b"[1]")
    assert (tmp_path / "id.2.json").read_bytes() == b"[1]"
    assert [file.name for file in tmp_path.iterdir()] == ["id.2.json"]
    with pytest.raises(OSError, match="No such file"):
        results.write(tmp_path / "missing", "id", 2, b"[1]")
