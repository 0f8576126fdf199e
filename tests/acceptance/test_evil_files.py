"""Malicious paths, and files that are replaced while they are opened."""

import ctypes
import hashlib
import itertools
import json
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.caller import Caller, Json, answer
from tests.support.server import Server

INSIDE, OUTSIDE = b"what may be read " * 1000, b"what nobody may read"

TRIES = 300

COMPOSED, DECOMPOSED = "\u00e9", "e\u0301"

REFUSED = {
    "/": "path-refused",
    "//etc/hostname": "path-refused",
    ".": "path-refused",
    "..": "path-refused",
    "./real": "path-refused",
    "real/": "path-refused",
    "real/.": "path-refused",
    "a//real": "path-refused",
    "a/../real": "path-refused",
    "../" * 1000 + "etc/hostname": "path-refused",
    "real\0": "path-refused",
    "real\0.jpg": "path-refused",
    "real/below": "file-not-found",
    "real ": "file-not-found",
    "REAL": "file-not-found",
    "%2e%2e/data/offload.lock": "file-not-found",
    "%00": "file-not-found",
    "..\\data\\offload.lock": "file-not-found",
    "C:\\Windows": "file-not-found",
    "~root/.profile": "file-not-found",
    "$HOME": "file-not-found",
    "file:///etc/hostname": "path-refused",
    "\u2025/data/offload.lock": "file-not-found",
    "\uff0e\uff0e/data/offload.lock": "file-not-found",
    DECOMPOSED: "file-not-found",
    "x" * 256: "file-not-found",
    "\U0001f40d" * 64: "file-not-found",
    "x" * 4096: "file-not-found",
    "d/" * 2047 + "f": "file-not-found",
    "": "invalid-parameters",
    "x" * 4097: "invalid-parameters",
}

NOT_TEXT = [
    rb'{"path": "\ud800"}',
    rb'{"path": "\udcff"}',
    rb'{"path": "real\ud83d"}',
    b'{"path": "\xc0\xae\xc0\xae/data"}',
    b'{"path": "\xff"}',
    b'{"path": "\xed\xa0\x80"}',
]


@pytest.mark.parametrize("path", REFUSED, ids=lambda path: repr(path[:20]))
def test_a_malicious_path_is_rejected(server: Server, api: Caller, path: str) -> None:
    (server.files_dir / "real").write_bytes(INSIDE)
    (server.files_dir / COMPOSED).write_bytes(INSIDE)
    problem = api.submit("file-digest", {"path": path}, expect=422)
    assert problem["type"] == f"/problems/{REFUSED[path]}"


@pytest.mark.parametrize("body", NOT_TEXT, ids=repr)
def test_a_path_that_is_not_unicode_is_rejected(api: Caller, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    problem = answer(api.http.post("/jobs/file-digest", content=body, headers=headers), 422)
    assert problem["type"] == "/problems/invalid-parameters"


def test_every_valid_linux_file_name_is_digested(server: Server, api: Caller) -> None:
    for name in ("x" * 255, "\U0001f40d" * 63, "two\nlines", " ", "-rf", "...", "a\\b", "\x1b[31m", "%2e%2e"):
        (server.files_dir / name).write_bytes(INSIDE)
        job = api.succeeded(api.submit("file-digest", {"path": name})["id"])
        assert job["result"]["name"] == name
        assert job["result"]["digests"]["sha256"] == hashlib.sha256(INSIDE).hexdigest()


def a_file(place: Path, _: Path) -> None:
    place.write_bytes(INSIDE)


def a_pipe(place: Path, _: Path) -> None:
    os.mkfifo(place)


def a_link(place: Path, outside: Path) -> None:
    place.symlink_to(outside / "file")


def a_directory_of(what: Callable[[Path, Path], None]) -> Callable[[Path, Path], None]:
    def make(place: Path, outside: Path) -> None:
        place.mkdir()
        what(place / "file", outside)

    return make


def a_link_to_a_directory(place: Path, outside: Path) -> None:
    place.symlink_to(outside)


TURNS = (
    *(a_file, a_link, a_directory_of(a_file), a_link_to_a_directory, a_file, a_directory_of(a_link)),
    *(a_pipe, a_directory_of(a_file), a_directory_of(a_pipe)),
)

AT_FDCWD, RENAME_EXCHANGE = -100, 2
"""From <fcntl.h> and <stdio.h>."""

TURN_S = 0.001
"""About as long as a job takes, so that both a change in the middle of it and none are common."""


@contextmanager
def swapping(place: Path, outside: Path) -> Iterator[None]:
    """As long as the context lasts, `place` is one of `TURNS` after the other, without a moment of nothing."""
    libc = ctypes.CDLL(None, use_errno=True)
    others = [place.with_name(f"turn{number}") for number in range(len(TURNS))]
    for other, turn in zip(others, TURNS, strict=True):
        turn(other, outside)
    a_file(place, outside)
    over = threading.Event()

    def swap() -> None:
        for other in itertools.cycle(others):
            if over.wait(TURN_S):
                return
            libc.renameat2(AT_FDCWD, bytes(other), AT_FDCWD, bytes(place), RENAME_EXCHANGE)

    swapper = threading.Thread(target=swap)
    swapper.start()
    try:
        yield
    finally:
        over.set()
        swapper.join()


def test_files_swapped_while_they_are_opened_neither_escape_nor_block(server: Server, api: Caller) -> None:
    outside = server.files_dir.parent / "outside"
    outside.mkdir()
    (outside / "file").write_bytes(OUTSIDE)

    def look(path: str) -> Json:
        response = api.http.post("/jobs/file-digest", json={"path": path}, headers={"Prefer": "wait=20"})
        assert response.status_code in {200, 422}, response.text
        told: Json = response.json()
        return told

    paths = ["swapped", "swapped/file"] * TRIES
    with swapping(server.files_dir / "swapped", outside), ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(look, paths))
    digests = [one["result"]["digests"]["sha256"] for one in answers if one.get("state") == "succeeded"]
    assert set(digests) == {hashlib.sha256(INSIDE).hexdigest()}
    seen = Counter((one.get("error") or one).get("type", "succeeded") for one in answers)
    refusals = {f"/problems/{kind}" for kind in ("path-refused", "file-not-found", "not-a-regular-file")}
    assert set(seen) <= refusals | {"succeeded", "/problems/file-changed"}, seen
    assert refusals <= set(seen), seen
    assert all(lane["state"] == "idle" for lane in api.lanes())


def test_a_sparse_terabyte_ends_at_its_time_limit(server: Server, api: Caller) -> None:
    with (server.files_dir / "sparse").open("wb") as sparse:
        sparse.truncate(1 << 40)
    job_id = api.submit("file-digest", {"path": "sparse"}, timeout_s=0.5)["id"]
    usage = api.failed(job_id, "timed-out")["usage"]
    assert usage["peak_rss_bytes"] < 256 << 20


def test_files_are_found_again_when_their_directory_is_back(server: Server, api: Caller) -> None:
    (server.files_dir / "here").write_bytes(INSIDE)
    away = server.files_dir.rename(server.files_dir.with_name("away"))
    try:
        problem = api.submit("file-digest", {"path": "here"}, expect=422)
        assert problem["type"] == "/problems/file-not-found"
        server.files_dir.write_bytes(b"a file")
        assert api.submit("file-digest", {"path": "here"}, expect=422) == problem
        server.files_dir.unlink()
    finally:
        away.rename(server.files_dir)
    api.succeeded(api.submit("file-digest", {"path": "here"})["id"])


def test_the_log_contains_no_control_characters_of_rejected_paths(server: Server, api: Caller) -> None:
    api.submit("file-digest", {"path": "evil\r\n\x1b[31mname"}, expect=422)
    api.submit("greet", {"name": json.dumps("\x1b]0;title\x07")})
    assert "\x1b]0;" not in server.stderr
    assert "evil\r" not in server.stderr
