import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from offload.errors import BootError
from offload.stores.lock import LOCK_FILE, lock_directory

HOLDER = """
import sys
from pathlib import Path
from offload.stores.lock import lock_directory
lock = lock_directory(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def said(stream: IO[str] | None) -> str:
    assert stream is not None
    return stream.readline().strip()


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A second process that holds the directory until its stdin ends."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert said(process.stdout) == "held"
        yield process
        process.kill()


def test_the_error_names_the_holder_of_the_directory(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    with pytest.raises(BootError) as refused:
        lock_directory(tmp_path)
    message = str(refused.value)
    assert f"{tmp_path} is in use by process {holder.pid} on {socket.gethostname()} since 20" in message
    assert "--data-dir" in message


def test_another_path_to_the_same_directory_is_rejected(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(BootError, match=f"process {holder.pid} "):
        lock_directory(tmp_path / "link")


def test_kill_9_of_the_holder_releases_the_directory(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    holder.kill()
    holder.wait(10)
    lock_directory(tmp_path).close()


def test_the_file_names_only_the_present_holder(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    holder.kill()
    holder.wait(10)
    lock = lock_directory(tmp_path)
    assert json.loads((tmp_path / LOCK_FILE).read_bytes())["pid"] == os.getpid()
    lock.close()
    assert (tmp_path / LOCK_FILE).read_bytes() == b""


def test_closing_releases_the_directory(tmp_path: Path) -> None:
    lock_directory(tmp_path).close()
    lock_directory(tmp_path).close()


def test_one_process_can_not_lock_it_twice(tmp_path: Path) -> None:
    lock = lock_directory(tmp_path)
    with pytest.raises(BootError, match=f"process {os.getpid()} "):
        lock_directory(tmp_path)
    lock.close()


def test_a_child_does_not_keep_the_directory_of_a_dead_service(tmp_path: Path) -> None:
    lock = lock_directory(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", "print('runs', flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        close_fds=False,
    ) as child:
        assert said(child.stdout) == "runs"
        os.close(lock._fd)  # as death does
        lock_directory(tmp_path).close()
        child.kill()


def test_a_holder_that_can_not_be_read_is_another_process(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    assert holder.poll() is None
    (tmp_path / LOCK_FILE).write_text('{"pid":')
    with pytest.raises(BootError, match="in use by another process"):
        lock_directory(tmp_path)


def test_a_missing_directory_is_created_privately(tmp_path: Path) -> None:
    lock = lock_directory(tmp_path / "a" / "data")
    assert (tmp_path / "a" / "data").stat().st_mode & 0o777 == 0o700
    lock.close()


def test_a_file_in_place_of_the_directory_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    with pytest.raises(BootError, match=r"can't be used: .*--data-dir"):
        lock_directory(tmp_path / "data")


def test_a_symlink_in_place_of_the_lock_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("kept")
    (tmp_path / LOCK_FILE).symlink_to("precious")
    with pytest.raises(BootError, match="can't be used"):
        lock_directory(tmp_path)
    assert (tmp_path / "precious").read_text() == "kept"


def test_a_directory_of_another_user_is_rejected() -> None:
    """/proc takes no files from anybody, root included."""
    with pytest.raises(BootError, match=r"The data directory /proc can't be used: .*--data-dir"):
        lock_directory(Path("/proc"))
