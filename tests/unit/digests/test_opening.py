"""Nothing but a regular file below the directory is ever opened, whatever the path says and whoever meddles with it."""

import errno
import os
import resource
import signal
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from offload.digests.opening import open_below
from offload.errors import FileNotFoundProblemError, NotARegularFileError, PathRefusedError, ProblemError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    files = tmp_path / "files"
    (files / "deep" / "er").mkdir(parents=True)
    (files / "plain").write_bytes(b"inside")
    (files / "deep" / "er" / "file").write_bytes(b"deep inside")
    (tmp_path / "secret").write_bytes(b"outside")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "file").write_bytes(b"outside")
    return files


def read(root: Path, path: str) -> bytes:
    with open_below(root, path) as descriptor:
        return os.read(descriptor, 100)


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize(("path", "content"), [("plain", b"inside"), ("deep/er/file", b"deep inside")])
def test_a_file_below_is_opened(root: Path, path: str, content: bytes) -> None:
    assert read(root, path) == content


@pytest.mark.parametrize("name", ["a\\b", "ä €", "-", "...", "new\nline", os.fsdecode(b"\xff"), "x" * 255])
def test_any_name_that_linux_allows(root: Path, name: str) -> None:
    (root / name).write_bytes(b"odd")
    assert read(root, name) == b"odd"


def test_the_directory_itself_may_be_reached_by_a_link(root: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(root)
    assert read(tmp_path / "link", "plain") == b"inside"


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("", "empty"),
        (".", "`.`"),
        ("./plain", "`.`"),
        ("deep/./er/file", "`.`"),
        ("deep//er/file", "empty"),
        ("plain/", "empty"),
        ("deep/er/", "empty"),
        ("..", "upwards"),
        ("../secret", "upwards"),
        ("deep/../../secret", "upwards"),
        ("deep/../plain", "upwards"),
        ("/etc/passwd", "absolute"),
        ("//etc/passwd", "absolute"),
        ("plain\0", "NUL"),
        ("\ud800", "characters that no file name"),
    ],
)
def test_a_path_that_is_not_plain(root: Path, path: str, says: str) -> None:
    with pytest.raises(PathRefusedError, match=says):
        read(root, path)


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("nothing", "no file"),
        ("deep/nothing/file", "no file"),
        ("plain/file", "no file"),
        ("deep\\er\\file", "Separate folders with `/`"),
        ("..\\secret", "Separate folders"),
        ("x" * 256, "longer"),
        ("x" * 256 + "/file", "longer"),
    ],
)
def test_no_such_file(root: Path, path: str, says: str) -> None:
    with pytest.raises(FileNotFoundProblemError, match=says):
        read(root, path)


def test_no_files_directory(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundProblemError, match="does not exist"):
        read(tmp_path / "nowhere", "plain")


def test_a_files_directory_that_can_not_be_entered(tmp_path: Path) -> None:
    (tmp_path / "around").symlink_to(tmp_path / "around")
    for root in (tmp_path / "around", tmp_path / "around" / "files"):
        with pytest.raises(FileNotFoundProblemError, match="can't be entered"):
            read(root, "plain")


def test_a_path_of_many_directories_takes_few_descriptors(root: Path) -> None:
    deep = "/".join(["d"] * 300)
    (root / deep).mkdir(parents=True)
    (root / deep / "file").write_bytes(b"far below")
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, allowed[1]))
    try:
        assert read(root, f"{deep}/file") == b"far below"
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, allowed)


@pytest.mark.parametrize("target", ["../secret", "plain", "nowhere", "link"])
def test_a_link_is_not_followed(root: Path, target: str) -> None:
    (root / "link").symlink_to(target)
    with pytest.raises(PathRefusedError, match="link"):
        read(root, "link")


@pytest.mark.parametrize("component", ["deep", "deep/er"])
def test_a_link_in_any_component_is_not_followed(root: Path, tmp_path: Path, component: str) -> None:
    (root / component).rename(tmp_path / "moved")
    (root / component).symlink_to(tmp_path / "moved")
    with pytest.raises(PathRefusedError, match="goes through a symbolic link"):
        read(root, "deep/er/file")


def test_things_that_are_not_files(root: Path) -> None:
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        descriptor = os.open(root, os.O_RDONLY)
        listener.bind(f"/proc/self/fd/{descriptor}/socket")  # a socket's path has at most 107 bytes
        os.close(descriptor)
    for name, says in {"deep": "a directory", "deep/er": "a directory", "pipe": "a pipe", "socket": "a socket"}.items():
        with pytest.raises(NotARegularFileError, match=says):
            read(root, name)
    with pytest.raises(FileNotFoundProblemError):
        read(root, "pipe/file")


def test_a_device() -> None:
    with pytest.raises(NotARegularFileError, match="a character device"):
        read(Path("/dev"), "null")


def test_a_file_that_may_not_be_read(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Root may read anything, and tests may run as root: the kernel's refusal is put in its mouth.
    real = os.open

    def refuse(path: str, flags: int, *, dir_fd: int | None = None) -> int:
        if path == "plain":
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(path, flags, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(PathRefusedError, match="no permission"):
        read(root, "plain")


def test_a_directory_that_may_not_be_read_is_told_as_that(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    with pytest.raises(PathRefusedError, match="a directory that the service has no permission to read"):
        read(root, "deep")


def test_no_descriptor_is_left_behind(root: Path) -> None:
    os.mkfifo(root / "pipe")
    (root / "link").symlink_to("plain")
    before = descriptors()
    for path in ("plain", "deep/er/file", "deep/er", "pipe", "link", "deep/nothing", "../secret", "plain/x"):
        try:
            read(root, path)
        except ProblemError:
            continue
    assert descriptors() == before


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Breaks off a system call that blocks."""

    def give_up(*_: object) -> None:
        raise TimeoutError(f"still there after {seconds} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_a_pipe_that_comes_between_the_look_and_the_open_neither_blocks_nor_passes(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.stat

    def look_then_swap(path: str, *, dir_fd: int | None = None, follow_symlinks: bool = True) -> os.stat_result:
        seen = real(path, dir_fd=dir_fd, follow_symlinks=follow_symlinks)
        (root / "plain").unlink()
        os.mkfifo(root / "plain")
        return seen

    monkeypatch.setattr(os, "stat", look_then_swap)
    with at_most(5), pytest.raises(NotARegularFileError, match="a pipe"):
        read(root, "plain")


@contextmanager
def flipping(directory: Path, name: str, *others: str) -> Iterator[None]:
    """Keeps putting each of `others` in the place of `name`, all of them in one directory, as fast as a thread can."""
    stop = threading.Event()
    here = os.open(directory, os.O_PATH)

    def rename(old: str, new: str) -> None:
        os.rename(old, new, src_dir_fd=here, dst_dir_fd=here)

    def flip() -> None:
        while not stop.is_set():
            for other in others:
                rename(name, "away")
                rename(other, name)
                rename(name, other)
                rename("away", name)

    flipper = threading.Thread(target=flip)
    flipper.start()
    try:
        yield
    finally:
        stop.set()
        flipper.join()
        os.close(here)


def test_a_link_swapped_in_while_opening_never_leads_out(root: Path, tmp_path: Path) -> None:
    (root / "deep" / "link").symlink_to(tmp_path / "elsewhere")
    (root / "deep" / "er" / "link").symlink_to(tmp_path / "secret")
    os.mkfifo(root / "deep" / "er" / "pipe")
    seen: Counter[object] = Counter()
    with flipping(root / "deep" / "er", "file", "link", "pipe"), flipping(root / "deep", "er", "link"):
        while sum(seen.values()) < 3000 or PathRefusedError not in seen or b"deep inside" not in seen:
            try:
                seen[read(root, "deep/er/file")] += 1
            except ProblemError as error:
                seen[type(error)] += 1
            assert sum(seen.values()) < 300_000, f"the swap was never met: {seen}"
    assert set(seen) <= {b"deep inside", PathRefusedError, FileNotFoundProblemError, NotARegularFileError}
