"""Patterns against Python's own `glob`, and a walk that no link leads out of."""

import errno
import glob
import os
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from offload.digests import walk
from offload.digests.patterns import compile_pattern
from offload.digests.walk import Found, find_files
from offload.errors import FileNotFoundProblemError, InvalidParametersError, PathRefusedError, TooExpensiveError
from tests.support.directories import deep_file

MOST = 10_000

NAMES = st.sampled_from(["a", "b", "ab", "a.b", ".a", ".ab", "A", "[a]", "a*", "é", "\udcff", "a b", "-", "]"])
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)
PARTS = st.sampled_from(
    [
        "*",
        "**",
        "?",
        "a",
        "a*",
        ".*",
        "*.b",
        "[ab]",
        "[!a]",
        "[",
        "[]",
        "[a-",
        "[[]a]",
        "**a",
        "?*",
        "[z-a]",
        "\\*",
        "]",
        "é",
    ]
)
PATTERNS = st.lists(PARTS, min_size=1, max_size=5).map("/".join)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    root.mkdir()
    return root


def make(root: Path, *paths: str) -> None:
    """Create files, unless their paths are taken."""
    for path in paths:
        file = root / path
        if all(not parent.is_file() for parent in file.parents) and not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(path.encode(errors="surrogateescape"))


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def found(root: Path, pattern: str, most: int = MOST) -> list[str]:
    try:
        return [one.path for one in find_files(root, compile_pattern(pattern), most)]
    except FileNotFoundProblemError:
        return []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200, deadline=None)
@given(st.lists(PATHS, max_size=12), PATTERNS)
@example(["a"], "a/**")
def test_it_finds_what_glob_finds(tmp_path_factory: pytest.TempPathFactory, paths: list[str], pattern: str) -> None:
    root = tmp_path_factory.mktemp("tree")
    make(root, *paths)
    listed = glob.glob(pattern, root_dir=root, recursive=True)  # noqa: PTH207
    # `a/**` gives `a/` even where `a` is a file, which no system would open by that name.
    globbed = {path for path in listed if not path.endswith("/") and (root / path).is_file()}
    assert found(root, pattern) == sorted(globbed, key=os.fsencode)


@pytest.mark.parametrize(
    ("pattern", "paths"),
    [
        ("*.jpg", ["a.jpg"]),
        ("**/*.jpg", ["a.jpg", "sub/b.jpg", "sub/deep/c.jpg"]),
        ("sub/**/*.jpg", ["sub/b.jpg", "sub/deep/c.jpg"]),
        ("sub/**", ["sub/b.jpg", "sub/deep/c.jpg"]),
        ("**/deep/*", ["sub/deep/c.jpg"]),
        (".*/*", [".hidden/d.jpg"]),
        ("?.jpg", ["a.jpg"]),
        ("*/*/[a-c].*", ["sub/deep/c.jpg"]),
        ("sub/b.jpg", ["sub/b.jpg"]),
        ("sub", []),
    ],
)
def test_patterns(root: Path, pattern: str, paths: list[str]) -> None:
    make(root, "a.jpg", "sub/b.jpg", "sub/deep/c.jpg", ".hidden/d.jpg", "sub/.e.jpg")
    assert found(root, pattern) == paths


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("/etc/*", "absolute"),
        ("../*", "upwards"),
        ("a/../*", "upwards"),
        ("./*", "plainly"),
        ("a//b", "plainly"),
        ("a/", "plainly"),
        ("", "plainly"),
        ("a\0", "NUL"),
    ],
)
def test_patterns_that_are_rejected(pattern: str, says: str) -> None:
    with pytest.raises(PathRefusedError, match=says) as refused:
        compile_pattern(pattern)
    assert refused.value.errors == [{"loc": ["body", "pattern"], "msg": refused.value.detail}]


@pytest.mark.parametrize("evil", ["**/" * 1000 + "x", "**/*/" * 500 + "x", "**/a/" * 500 + "x", "*a" * 2000 + "x"])
def test_no_pattern_makes_the_walk_long(root: Path, evil: str) -> None:
    """To try every way of matching would take practically for ever."""
    make(root, "/".join(["a"] * 60), "a" * 200)
    assert found(root, evil) == []


def test_neighbouring_double_stars_are_one(root: Path) -> None:
    """Each of a thousand, compared with the thousand after it, would take a minute for two thousand directories."""
    make(root, *(f"{number}/x" for number in range(200)))
    begin = time.monotonic()
    assert len(found(root, "**/" * 1000 + "x")) == 200
    assert time.monotonic() - begin < 3


@pytest.mark.parametrize(("tree", "pattern"), [("a/" * 400, "**/x"), ("a/" * 60, "**/*/" * 40 + "x")])
def test_the_cost_of_a_name_is_counted(root: Path, monkeypatch: pytest.MonkeyPatch, tree: str, pattern: str) -> None:
    """Opening a directory from the root and comparing a name with several components are steps; some are free."""
    make(root, f"{tree}x")
    assert found(root, pattern) == [f"{tree}x"]
    monkeypatch.setattr(walk, "MOST_NAMES", 800)
    with pytest.raises(TooExpensiveError, match="More than 800 names"):
        found(root, pattern)


def test_files_are_in_the_order_of_their_bytes_and_have_sizes(root: Path) -> None:
    make(root, "b", "a/b", "a.b", "é", "\udcff", "Z")
    listed = find_files(root, compile_pattern("**"), MOST)
    assert listed == [Found(path, len(os.fsencode(path))) for path in ("Z", "a.b", "a/b", "b", "é", "\udcff")]


def test_only_regular_files_and_no_link(root: Path, tmp_path: Path) -> None:
    make(tmp_path, "outside/secret")
    make(root, "real/file")
    (root / "link").symlink_to(tmp_path / "outside")
    (root / "loop").symlink_to(root)
    (root / "to-file").symlink_to(root / "real/file")
    os.mkfifo(root / "pipe")
    assert found(root, "**") == ["real/file"]
    assert found(root, "link/*") == []


def test_a_directory_that_turns_into_a_link_leads_nowhere(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, "outside/secret")
    make(root, "swapped/file", "real/file")
    opened = os.open

    def swap(path: str | Path, flags: int, *, dir_fd: int | None = None) -> int:
        if path == "swapped":
            (root / "swapped").rename(tmp_path / "moved")
            (root / "swapped").symlink_to(tmp_path / "outside")
        return opened(path, flags, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", swap)
    assert found(root, "**") == ["real/file"]


def test_a_directory_that_can_not_be_read_is_reported(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(root, "open/file", "private/deep/file")
    opened = os.open

    def refuse(path: str | Path, flags: int, *, dir_fd: int | None = None) -> int:
        if path == "private":  # root may read anything, and tests may run as root
            raise PermissionError(errno.EACCES, "Permission denied")
        return opened(path, flags, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", refuse)
    assert find_files(root, compile_pattern("**/file"), MOST) == [Found("open/file", 9), Found("private", 0)]


def test_a_long_way_down(root: Path) -> None:
    """A path longer than the system accepts in one call is found, because it is opened one name at a time."""
    path = deep_file(root, depth=20)
    assert found(root, "**") == [path]


def test_too_many(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(root, *(f"{number}" for number in range(12)))
    assert len(found(root, "*", most=12)) == 12
    with pytest.raises(InvalidParametersError, match="matches 12 files, and one batch takes 11"):
        found(root, "*", most=11)
    monkeypatch.setattr(walk, "MOST_NAMES", 11)
    with pytest.raises(TooExpensiveError, match="More than 11 names"):
        found(root, "*")


def test_nothing_matches(root: Path) -> None:
    make(root, "a")
    with pytest.raises(FileNotFoundProblemError, match="No file") as refused:
        find_files(root, compile_pattern("b"), MOST)
    assert refused.value.errors == [{"loc": ["body", "pattern"], "msg": refused.value.detail}]


def test_no_descriptor_is_left_behind_however_deep(root: Path) -> None:
    deep = root
    for _ in range(300):
        deep = deep / "d"
        deep.mkdir()
    (deep / "file").touch()
    before = descriptors()
    assert found(root, "**") == ["d/" * 300 + "file"]
    assert descriptors() == before
