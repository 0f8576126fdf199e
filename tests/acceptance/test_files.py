"""Paths that must not be digested, and files that change while they are read."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.caller import TERMINAL, Caller
from tests.support.server import Server
from tests.support.waiting import until_sync


def link_out(at: Path) -> None:
    at.symlink_to("/etc/hostname")


def directory_link_out(at: Path) -> None:
    at.parent.symlink_to("/etc")


def bound_socket(at: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(at))


@pytest.mark.parametrize(
    ("path", "make", "kind"),
    [
        ("pipe", os.mkfifo, "not-a-regular-file"),
        ("directory", Path.mkdir, "not-a-regular-file"),
        ("socket", bound_socket, "not-a-regular-file"),
        ("link", link_out, "path-refused"),
        ("linked/hostname", directory_link_out, "path-refused"),
        ("../data/offload.lock", None, "path-refused"),
        ("a/../../data/offload.lock", None, "path-refused"),
        ("/etc/hostname", None, "path-refused"),
        ("missing", None, "file-not-found"),
    ],
)
def test_a_path_that_is_not_a_file_is_rejected_immediately(
    server: Server, api: Caller, path: str, make: Callable[[Path], None] | None, kind: str
) -> None:
    if make is not None:
        make(server.files_dir / path)
    problem = api.submit("file-digest", {"path": path}, expect=422)
    assert problem["type"] == f"/problems/{kind}"


def test_a_file_that_grows_while_it_is_read_has_no_digest(server: Server, api: Caller) -> None:
    with (server.files_dir / "growing").open("ab") as growing:
        growing.truncate(1 << 29)
        job_id = api.submit("file-digest", {"path": "growing", "algorithms": ["sha3-256", "blake2b"]})["id"]
        api.lane_of(job_id)

        def grow() -> bool:
            growing.write(b"more")
            growing.flush()
            return api.job(job_id)["state"] in TERMINAL

        until_sync(grow, within=30, what="the digest to end")
    assert api.failed(job_id, "file-changed")["attempt"] == 1


def test_a_file_that_is_removed_before_its_job_starts_is_reported(server: Server, api: Caller, gate: Path) -> None:
    short_lived = server.files_dir / "short-lived"
    short_lived.write_bytes(b"now")
    held = [api.submit("hold", {"gate": str(gate)})["id"] for _ in range(2)]
    for job_id in held:
        api.lane_of(job_id)
    job_id = api.submit("file-digest", {"path": "short-lived"})["id"]
    short_lived.unlink()
    gate.touch()
    api.failed(job_id, "file-not-found")
