"""The task `file-digest`: digests against independent ones, and files that change."""

import base64
import hashlib
import json
import os
import re
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from offload.digests.algorithms import HEX_LENGTHS
from offload.digests.task import CHUNK_BYTES, read_digests, source_of
from offload.errors import FileNotFoundProblemError, NotARegularFileError, PathRefusedError, UploadNotFoundError
from offload.tasks.context import Context
from offload.tasks.definition import Examined
from offload.tasks.faults import FileChangedError, FileMissingError, FileRefusedError, NotAFileError, TaskFaultError
from tests.support.waiting import until_sync
from tests.unit.tasks.building import Reports, built_in, context_in

file_digest = built_in("file-digest")
FILE_CLOCK = 5
"""CLOCK_REALTIME_COARSE of <linux/time.h>, which the times of files are taken from."""

UPLOAD = "01912345-6789-7abc-8def-0123456789ab"

# of b"abc": FIPS 180-4, FIPS 202, RFC 1321, coreutils' b2sum, and the BLAKE3 and xxHash projects' test vectors
OF_ABC = {
    "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    "sha512": "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
    "sha3-256": "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532",
    "blake2b": "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
    "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923",
    "blake3": "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85",
    "sha1": "a9993e364706816aba3e25717850c26c9cd0d89d",
    "md5": "900150983cd24fb0d6963f7d28e17f72",
    "crc32": "352441c2",
    "xxh3-128": "06b05ab6733a618578af5f94892f3950",
}
OF_NOTHING = {
    "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "blake3": "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
    "md5": "d41d8cd98f00b204e9800998ecf8427e",
    "crc32": "00000000",
    "xxh3-128": "99aa06d3014798d86001c324468d497f",
}


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return context_in(tmp_path)


def digest(context: Context, **params: Any) -> dict[str, Any]:  # Any: JSON
    result: dict[str, Any] = json.loads(file_digest.run(json.dumps(params).encode(), context))
    return result


def examine(context: Context, **params: Any) -> Examined:  # Any: JSON
    assert file_digest.examine is not None
    return file_digest.examine(file_digest.parse(json.dumps(params).encode()), context.places)


@pytest.mark.parametrize(("content", "known"), [(b"abc", OF_ABC), (b"", OF_NOTHING)])
def test_known_digests_all_in_one_read(context: Context, content: bytes, known: dict[str, str]) -> None:
    (context.places.files_dir / "a").write_bytes(content)
    result = digest(context, path="a", algorithms=list(known))
    assert result == {"name": "a", "size": len(content), "digests": known, "verified": None}
    assert {name: len(text) for name, text in OF_ABC.items()} == HEX_LENGTHS


@pytest.mark.parametrize(
    ("length", "known"),
    [
        (1, "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213"),
        (1024, "42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7"),
    ],
)
def test_official_vectors_of_blake3(context: Context, length: int, known: str) -> None:
    (context.places.files_dir / "a").write_bytes(bytes(index % 251 for index in range(length)))
    assert digest(context, path="a", algorithms=["blake3"])["digests"] == {"blake3": known}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(st.binary(max_size=2000), st.sampled_from([0, CHUNK_BYTES - 1000, CHUNK_BYTES, 2 * CHUNK_BYTES - 3]))
def test_any_content_across_chunks(context: Context, content: bytes, zeros: int) -> None:
    data = content + bytes(zeros)
    (context.places.files_dir / "a").write_bytes(data)
    result = digest(context, path="a", algorithms=["sha256", "crc32", "sha3-256"])
    assert result["size"] == len(data)
    assert result["digests"] == {
        "sha256": hashlib.sha256(data).hexdigest(),
        "crc32": f"{zlib.crc32(data):08x}",
        "sha3-256": hashlib.sha3_256(data).hexdigest(),
    }


def test_sha256_is_the_default(context: Context) -> None:
    (context.places.files_dir / "sub").mkdir()
    (context.places.files_dir / "sub" / "a").write_bytes(b"abc")
    result = digest(context, path="sub/a")
    assert (result["name"], result["digests"]) == ("sub/a", {"sha256": OF_ABC["sha256"]})


def test_a_sparse_file(context: Context) -> None:
    with (context.places.files_dir / "sparse").open("wb") as file:
        file.truncate(5 * CHUNK_BYTES + 1)
    assert digest(context, path="sparse")["digests"]["sha256"] == hashlib.sha256(bytes(5 * CHUNK_BYTES + 1)).hexdigest()


def test_progress_in_bytes(tmp_path: Path) -> None:
    reports = Reports()
    context = context_in(tmp_path, reports)
    size = 2 * CHUNK_BYTES + 1
    (context.places.files_dir / "a").write_bytes(bytes(size))
    digest(context, path="a")
    assert reports.seen == [(done, size, "bytes", None) for done in (CHUNK_BYTES, 2 * CHUNK_BYTES, size)]


@pytest.mark.parametrize(
    ("expected", "verified"),
    [
        ({"sha256": OF_ABC["sha256"]}, True),
        ({"sha256": OF_ABC["sha256"].upper(), "md5": OF_ABC["md5"]}, True),
        ({"sha256": OF_ABC["sha256"], "md5": "0" * 32}, False),
        ({"crc32": "00000000"}, False),
        ({}, None),
        (None, None),
    ],
)
def test_verification(context: Context, expected: dict[str, str] | None, verified: bool | None) -> None:
    (context.places.files_dir / "a").write_bytes(b"abc")
    result = digest(context, path="a", expected=expected)
    assert result["verified"] is verified
    assert list(result["digests"]) == list(dict.fromkeys(["sha256", *(expected or {})]))


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({}, "exactly one of `path`, `path_base64` and `upload`"),
        ({"path": "a", "path_base64": "YQ=="}, "exactly one"),
        ({"path_base64": ""}, "1 to 4096 bytes"),
        ({"path_base64": "YQ"}, "not base64"),
        ({"path_base64": "é"}, "not base64"),
        ({"path_base64": "YQ==\n"}, "not base64"),
        ({"path_base64": base64.b64encode(bytes(4097)).decode()}, "1 to 4096 bytes"),
        ({"path": None, "upload": None}, "exactly one"),
        ({"path": "a", "upload": UPLOAD}, "exactly one"),
        ({"path": ""}, "at least 1 character"),
        ({"path": "a" * 4097}, "at most 4096 characters"),
        ({"path": 1}, "valid string"),
        ({"path": "a", "algorithms": []}, "at least 1 item"),
        ({"path": "a", "algorithms": ["sha256", "sha256"]}, "each algorithm once"),
        ({"path": "a", "algorithms": ["md4"]}, "'sha256'"),
        ({"path": "a", "algorithms": "sha256"}, "valid array"),
        ({"path": "a", "expected": {"md4": "00"}}, "'sha256'"),
        ({"path": "a", "expected": {"md5": "00"}}, "a md5 digest is 32 hex digits"),
        ({"path": "a", "expected": {"md5": "g" * 32}}, "hex digits"),
        ({"path": "a", "expected": {"md5": "0" * 32 + "\n"}}, "hex digits"),
        ({"path": "a", "expected": {"md5": "٠" * 32}}, "hex digits"),  # noqa: RUF001  # digits, but not hex ones
        ({"path": "a", "sha256": "x"}, "Extra inputs"),
    ],
)
def test_parameters_that_are_rejected(params: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError) as refused:
        file_digest.parse(json.dumps(params).encode())
    assert says in str(refused.value)


def test_the_examination_before_a_job_is_accepted(context: Context) -> None:
    (context.places.files_dir / "directory").mkdir()
    (context.places.files_dir / "file").touch()
    assert examine(context, path="file").upload is None
    with pytest.raises(PathRefusedError):
        examine(context, path="../a")
    with pytest.raises(FileNotFoundProblemError):
        examine(context, path="nothing")
    with pytest.raises(NotARegularFileError):
        examine(context, path="directory")
    for upload in (UPLOAD, "nonsense", "../files/a", "", UPLOAD.upper()):
        with pytest.raises(UploadNotFoundError):
            examine(context, upload=upload)


def test_an_upload(context: Context) -> None:
    (context.places.uploads_dir / UPLOAD).write_bytes(b"abc")
    assert examine(context, upload=UPLOAD).upload == UPLOAD
    assert digest(context, upload=UPLOAD)["name"] == UPLOAD
    (context.places.uploads_dir / f"{UPLOAD}.json").write_text(json.dumps({"name": "../a b.txt", "size": 3}))
    assert digest(context, upload=UPLOAD) == {
        "name": "../a b.txt",
        "size": 3,
        "digests": {"sha256": OF_ABC["sha256"]},
        "verified": None,
    }


@pytest.mark.parametrize("sidecar", ["", "[]", "{}", '{"name": null}', '{"name": 3}', '{"name": ""}', "\xff"])
def test_an_upload_whose_note_can_not_be_read_is_named_by_its_id(context: Context, sidecar: str) -> None:
    (context.places.uploads_dir / f"{UPLOAD}.json").write_text(sidecar, encoding="latin-1")
    assert context.places.upload_name(UPLOAD) == UPLOAD
    assert context.places.upload_name("../x") == "../x"


NOT_UTF_8 = [b"caf\xe9", b"\xff", b"dir\xff/\xfe\n", b"plain"]


@pytest.mark.parametrize("path", NOT_UTF_8)
def test_a_name_that_is_not_utf_8(context: Context, path: bytes) -> None:
    file = context.places.files_dir / os.fsdecode(path)
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"abc")
    encoded = base64.b64encode(path).decode()
    assert examine(context, path_base64=encoded).upload is None
    result = digest(context, path_base64=encoded)
    assert result["digests"] == {"sha256": OF_ABC["sha256"]}
    assert result["name"] == path.decode(errors="backslashreplace")
    found = os.fsdecode(path)
    assert source_of(found) == ({"path": "plain"} if path == b"plain" else {"path_base64": encoded})


@pytest.mark.parametrize(("path", "error"), [(b"../\xff", PathRefusedError), (b"\xff", FileNotFoundProblemError)])
def test_the_same_paths_are_rejected_in_bytes(context: Context, path: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        examine(context, path_base64=base64.b64encode(path).decode())


def test_gone_between_acceptance_and_run(context: Context) -> None:
    with pytest.raises(FileMissingError, match=r"^gone: There is no file at this path"):
        digest(context, path="gone")
    with pytest.raises(FileMissingError):
        digest(context, upload=UPLOAD)
    assert FileMissingError.kind == "file-not-found"


def test_something_else_between_acceptance_and_run(context: Context) -> None:
    (context.places.files_dir / "a").symlink_to("/etc/passwd")
    os.mkfifo(context.places.files_dir / "b")
    errors: dict[str, type[TaskFaultError]] = {"a": FileRefusedError, "b": NotAFileError, "../c": FileRefusedError}
    for path, error in errors.items():
        with pytest.raises(error, match=f"^{re.escape(path)}: "):
            digest(context, path=path)
    assert (FileRefusedError.kind, NotAFileError.kind) == ("path-refused", "not-a-regular-file")


def append(file: Path) -> None:
    with file.open("ab") as end:
        end.write(b"more")


def overwrite_in_place(file: Path) -> None:
    status = file.stat()
    with file.open("r+b") as start:
        start.write(b"changed")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


def replace_by_rename(file: Path) -> None:
    other = file.with_name("other")
    other.write_bytes(file.read_bytes())
    other.rename(file)


def shorten(file: Path) -> None:
    os.truncate(file, CHUNK_BYTES + 1)


@pytest.mark.parametrize("change", [append, overwrite_in_place, replace_by_rename, shorten, Path.unlink])
def test_a_file_that_changes_while_it_is_read(change: Callable[[Path], None], tmp_path: Path) -> None:
    file, reports = tmp_path / "files" / "a", Reports(then=lambda: change(file) if len(reports.seen) == 1 else None)
    context = context_in(tmp_path, reports)
    file.write_bytes(bytes(3 * CHUNK_BYTES))
    written = file.stat().st_ctime_ns
    until_sync(lambda: time.clock_gettime_ns(FILE_CLOCK) > written, what="the next tick, or the change may not show")
    with pytest.raises(FileChangedError, match="while it was read"):
        digest(context, path="a")


def test_a_file_that_grows_as_fast_as_it_is_read_fails_immediately(tmp_path: Path) -> None:
    def grow() -> None:
        if len(reports.seen) < 100:
            os.truncate(file, file.stat().st_size + CHUNK_BYTES)

    file, reports = tmp_path / "files" / "a", Reports(then=grow)
    context = context_in(tmp_path, reports)
    file.write_bytes(bytes(3 * CHUNK_BYTES))
    with pytest.raises(FileChangedError, match=f"grew beyond its {3 * CHUNK_BYTES} bytes"):
        digest(context, path="a")
    assert len(reports.seen) == 3


def test_a_file_without_a_size_is_not_digested() -> None:
    descriptor = os.open("/proc/self/maps", os.O_RDONLY)  # regular, of 0 bytes by its status, and without a true end
    try:
        with pytest.raises(FileChangedError, match="grew beyond its 0 bytes"):
            read_digests(descriptor, ["sha256"], lambda *_, **__: None)
    finally:
        os.close(descriptor)


def test_the_example_is_valid(context: Context) -> None:
    assert file_digest.example == {"path": "hello.txt", "algorithms": ["sha256"]}
    (context.places.files_dir / "hello.txt").write_bytes(b"abc")
    assert digest(context, **file_digest.example)["digests"] == {"sha256": OF_ABC["sha256"]}
    with pytest.raises(FileNotFoundProblemError):
        examine(context, path="no.txt")


def test_every_algorithm_of_the_contract_is_offered() -> None:
    assert set(file_digest.params_schema["properties"]["algorithms"]["items"]["enum"]) == set(OF_ABC)
    assert file_digest.cost(file_digest.parse(b'{"path":"a"}')) == 0.0
