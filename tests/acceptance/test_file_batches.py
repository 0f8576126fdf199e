"""Directories digested and manifests verified by a real service, compared with coreutils."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.caller import Caller, Json, answer
from tests.support.server import Server

NAMES = [
    b"plain",
    b"two words",
    b" lead",
    b"trail ",
    b"back\\slash",
    b"new\nline",
    b"end\r",
    b"*star",
    b"quo'te\"s",
    b"-",
    b"caf\xc3\xa9",
    b"caf\xe9",
    b"sub/\xff\n\\",
    b"sub/deep/er",
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("files")) as server:
        yield server


@pytest.fixture
def api(server: Server) -> Caller:
    return server.api


@pytest.fixture
def folder(server: Server) -> Iterator[Path]:
    """A folder below the files directory, for one test."""
    folder = server.files_dir / "folder"
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


def make(folder: Path, names: list[bytes]) -> None:
    """Files whose content is their own name."""
    for name in names:
        file = folder / os.fsdecode(name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(name)


def digested(api: Caller, pattern: str, **members: object) -> Json:
    """The batch of a pattern, once it is done."""
    response = api.http.post(
        "/batches/file-digest", json={"pattern": pattern, **members}, headers={"Prefer": "wait=60"}
    )
    return answer(response, 200)


def manifest(api: Caller, batch: Json, **query: str) -> bytes:
    response = api.http.get(batch["links"]["manifest"], params=query)
    assert (response.status_code, response.headers["content-type"]) == (200, "text/plain"), response.text
    return response.content


def verified(api: Caller, body: bytes, **query: str) -> Json:
    """The verifying batch of a manifest, once it is done."""
    response = api.http.post("/batches/file-digest/verify", content=body, params=query, headers={"Prefer": "wait=60"})
    return answer(response, 200)


def report(api: Caller, batch: Json) -> list[str]:
    response = api.http.get(batch["links"]["report"])
    assert (response.status_code, response.headers["content-type"]) == (200, "text/plain"), response.text
    return response.content.decode(errors="surrogateescape").removesuffix("\n").split("\n")


def check(tool: str, directory: Path, body: bytes) -> subprocess.CompletedProcess[bytes]:
    environment = {"LC_ALL": "C", "PATH": os.environ["PATH"]}
    command = [tool, "--check", "/dev/stdin"]
    return subprocess.run(command, input=body, cwd=directory, capture_output=True, check=False, env=environment)


@pytest.mark.parametrize("form", ["gnu", "bsd"])
@pytest.mark.parametrize(("tool", "algorithm"), [("sha256sum", "sha256"), ("md5sum", "md5"), ("b2sum", "blake2b")])
def test_the_tools_accept_the_manifest(server: Server, folder: Path, tool: str, algorithm: str, form: str) -> None:
    make(folder, NAMES)
    batch = digested(server.api, "folder/**", algorithms=[algorithm])
    assert (batch["kind"], batch["counts"]["succeeded"]) == ("file-digest", len(NAMES))
    said = check(tool, server.files_dir, manifest(server.api, batch, algorithm=algorithm, format=form))
    assert (said.returncode, said.stderr) == (0, b"")
    assert said.stdout.count(b": OK\n") == len(NAMES)


@pytest.mark.skipif(shutil.which("b3sum") is None, reason="needs b3sum: apt-get install b3sum")
def test_b3sum_accepts_the_manifest(server: Server, folder: Path) -> None:
    make(folder, NAMES[:6])
    batch = digested(server.api, "folder/*", algorithms=["blake3", "sha256"])
    said = check("b3sum", server.files_dir, manifest(server.api, batch, algorithm="blake3"))
    assert (said.returncode, said.stdout.count(b": OK\n")) == (0, 6), said


def test_the_manifest_is_what_coreutils_would_write(server: Server, folder: Path) -> None:
    make(folder, NAMES)
    batch = digested(server.api, "folder/**")
    names = sorted(b"folder/" + name for name in NAMES)
    theirs = subprocess.run([b"sha256sum", *names], cwd=server.files_dir, capture_output=True, check=True).stdout
    assert manifest(server.api, batch) == theirs
    zero = subprocess.run([b"sha256sum", b"-z", *names], cwd=server.files_dir, capture_output=True, check=True).stdout
    assert manifest(server.api, batch, zero="true") == zero


@pytest.mark.parametrize("query", [{}, {"format": "bsd"}, {"zero": "1"}, {"format": "bsd", "zero": "true"}])
def test_a_manifest_verifies_its_own_files(api: Caller, folder: Path, query: dict[str, str]) -> None:
    make(folder, NAMES)
    body = manifest(api, digested(api, "folder/**"), **query)
    batch = verified(api, body)
    assert (batch["kind"], batch["size"]) == ("verify", len(NAMES))
    lines = report(api, batch)
    assert len(lines) == len(NAMES)
    assert all(line.endswith(": OK") for line in lines), lines


def test_changed_files_are_found(server: Server, folder: Path) -> None:
    names = [b"fine", b"flipped", b"truncated", b"missing", b"empty"]
    make(folder, names)
    (folder / "empty").write_bytes(b"")
    body = manifest(server.api, digested(server.api, "folder/*"))
    (folder / "flipped").write_bytes(b"flippee")
    os.truncate(folder / "truncated", 8)
    (folder / "missing").unlink()
    lines = body.decode().splitlines()
    planted = "\r\n".join(["# made by hand", *lines[:3], "", "not a line", *lines[3:]]).encode() + b"\r\n\r\n"
    batch = verified(server.api, planted)
    assert report(server.api, batch) == [
        "folder/empty: OK",
        "folder/fine: OK",
        "folder/flipped: FAILED",
        "folder/missing: MISSING",
        "folder/truncated: FAILED",
        "WARNING: line 6: improperly formatted checksum line",
        "WARNING: 1 line is improperly formatted",
        "WARNING: 1 listed file could not be read",
        "WARNING: 2 computed checksums did NOT match",
    ]
    assert {state: count for state, count in batch["counts"].items() if count} == {"succeeded": 4, "failed": 1}
    theirs = check("sha256sum", server.files_dir, planted)
    warnings = [line.removeprefix("sha256sum: ") for line in theirs.stderr.decode().splitlines()]
    assert warnings[1:] == report(server.api, batch)[-3:]


def test_reports_show_names_as_in_the_manifest(server: Server, folder: Path) -> None:
    make(folder, [b"a", b"b\\", b"c\nd"])
    find = "find . -type f -print0 | sort -z | xargs -0 sha256sum; sha256sum folder//a folder/./a"
    body = subprocess.run(["sh", "-c", find], cwd=server.files_dir, capture_output=True, check=True).stdout
    theirs = check("sha256sum", server.files_dir, body).stdout.decode()
    assert report(server.api, verified(server.api, body)) == theirs.splitlines()


def test_a_manifest_can_not_name_files_outside(server: Server, folder: Path) -> None:
    (folder / "link").symlink_to("/etc/passwd")
    (folder / "way").symlink_to("/etc")
    os.mkfifo(folder / "pipe")
    digest = hashlib.sha256(Path("/etc/passwd").read_bytes()).hexdigest()
    names = [
        "/etc/passwd",
        "../../../../etc/passwd",
        "folder/link",
        "folder/way/passwd",
        "folder",
        "folder/pipe",
        "a" * 300,
    ]
    batch = verified(server.api, "".join(f"{digest}  {name}\n" for name in names).encode())
    assert report(server.api, batch) == [
        *(f"{name}: FAILED open or read" for name in names[:-1]),
        f"{names[-1]}: MISSING",
        "WARNING: 7 listed files could not be read",
    ]
    kinds = [job["error"]["type"] for job in server.api.get("/jobs", batch=batch["id"])["jobs"]]
    assert set(kinds) == {"/problems/path-refused", "/problems/not-a-regular-file", "/problems/file-not-found"}


def test_a_file_that_can_not_be_digested_is_omitted_and_counted(server: Server, folder: Path, gate: Path) -> None:
    make(folder, [b"a", b"gone"])
    held = [server.api.submit("hold", {"gate": str(gate)})["id"] for _ in range(2)]
    for job_id in held:
        server.api.lane_of(job_id)
    response = server.api.http.post("/batches/file-digest", json={"pattern": "folder/*"})
    batch = answer(response, 202)
    answer(server.api.http.get(batch["links"]["manifest"]), 409)
    (folder / "gone").unlink()
    gate.touch()
    batch = server.api.get(batch["links"]["self"], wait=60)
    assert (batch["counts"]["succeeded"], batch["counts"]["failed"]) == (1, 1)
    assert manifest(server.api, batch) == f"{hashlib.sha256(b'a').hexdigest()}  folder/a\n".encode()


def test_a_restart_keeps_the_report(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        make(server.files_dir, [b"a", b"b"])
        body = manifest(server.api, digested(server.api, "*"))
        (server.files_dir / "b").unlink()
        batch = verified(server.api, b"nonsense\n" + body.replace(b"  ", b"  ./"))
        before = report(server.api, batch)
        assert before[:2] == ["./a: OK", "./b: MISSING"]
        server.kill()
        server.start()
        assert report(server.api, batch) == before
