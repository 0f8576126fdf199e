"""The directory of uploads: an upload exists completely or not at all."""

import asyncio
import errno
import io
import os
import stat
import threading
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offload.errors import BodyTooLargeError, BootError, StorageFailedError, StorageFullError
from offload.jobs.ids import new_ids
from offload.jobs.model import Upload
from offload.stores import uploads as uploads_module
from offload.stores.upload_writer import BUFFER_BYTES, UploadWriter
from offload.stores.uploads import UploadDirectory
from offload.tasks.context import Places
from tests.support.waiting import turns, until

pytestmark = pytest.mark.anyio

MIB = 1 << 20

new_id = new_ids()


@pytest.fixture
def uploads(tmp_path: Path) -> UploadDirectory:
    return UploadDirectory(tmp_path / "uploads")


def names(uploads: UploadDirectory) -> set[str]:
    return {file.name for file in uploads.directory.iterdir()}


async def received(
    uploads: UploadDirectory, *chunks: bytes, name: str = "a.txt", owner: str | None = None, most: int = 16 * MIB
) -> str:
    upload_id = new_id()
    async with uploads.receive(upload_id, name, owner, most) as writer:
        for chunk in chunks:
            await writer.write(chunk)
    return upload_id


async def test_an_upload_is_two_private_files(uploads: UploadDirectory) -> None:
    upload_id = await received(uploads, b"ab", b"", b"c", name="ä/../b.txt", owner="alice")
    file = uploads.directory / upload_id
    assert names(uploads) == {upload_id, f"{upload_id}.json"}
    assert file.read_bytes() == b"abc"
    assert stat.S_IMODE(uploads.directory.stat().st_mode) == 0o700
    assert {stat.S_IMODE((uploads.directory / name).stat().st_mode) for name in names(uploads)} == {0o600}
    upload = await uploads.get(upload_id)
    assert upload is not None
    assert (upload.id, upload.name, upload.size, upload.owner) == (upload_id, "ä/../b.txt", 3, "alice")
    upload = await uploads.get(upload_id)
    assert upload is not None
    assert upload.name == "ä/../b.txt"
    assert Places(Path(), uploads.directory).upload_name(upload_id) == "ä/../b.txt", "what a lane reads"


async def test_an_empty_upload_is_valid(uploads: UploadDirectory) -> None:
    upload = await uploads.get(await received(uploads))
    assert upload is not None
    assert upload.size == 0


@pytest.mark.parametrize("size", [1, 1000, BUFFER_BYTES - 1, BUFFER_BYTES, BUFFER_BYTES + 1, 3 * MIB])
async def test_whatever_the_chunks_the_bytes_are_the_same(uploads: UploadDirectory, size: int) -> None:
    content = os.urandom(3 * MIB + 17 if size > 1 else 2_000)
    chunks = [content[begin : begin + size] for begin in range(0, len(content), size)]
    assert (uploads.directory / await received(uploads, *chunks)).read_bytes() == content


async def test_an_upload_does_not_exist_before_its_end(uploads: UploadDirectory) -> None:
    upload_id = new_id()
    async with uploads.receive(upload_id, "a", None, MIB) as writer:
        await writer.write(b"a" * MIB)
        assert await uploads.get(upload_id) is None
        assert names(uploads) == {f"{upload_id}.part"}
    assert await uploads.get(upload_id) is not None


async def test_an_upload_over_the_limit_is_rejected(uploads: UploadDirectory) -> None:
    await received(uploads, b"a" * 10, most=10)
    before = names(uploads)
    with pytest.raises(BodyTooLargeError, match="at most 10 bytes"):
        await received(uploads, b"a" * 10, b"a", most=10)
    assert names(uploads) == before


async def test_nothing_is_left_of_an_upload_that_raises(uploads: UploadDirectory) -> None:
    async def give_up() -> None:
        async with uploads.receive(new_id(), "a", None, MIB) as writer:
            await writer.write(b"a" * MIB)
            raise LookupError

    with pytest.raises(LookupError):
        await give_up()
    assert names(uploads) == set()


async def test_nothing_is_left_of_an_upload_cancelled_during_a_write(
    uploads: UploadDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    writing, go = threading.Event(), threading.Event()
    write = UploadWriter._write

    def slow(writer: UploadWriter, chunks: list[bytes]) -> None:
        writing.set()
        assert go.wait(10)
        write(writer, chunks)

    monkeypatch.setattr(UploadWriter, "_write", slow)
    receiving = asyncio.ensure_future(received(uploads, b"a" * MIB))
    await until(writing.is_set)
    receiving.cancel()
    await turns()
    receiving.cancel()  # whoever stops the service may not be patient
    await until(receiving.done)
    assert receiving.cancelled()
    assert len(names(uploads)) == 1, "the write is still under way"
    go.set()
    await until(lambda: names(uploads) == set())


@pytest.mark.parametrize("step", ["fsync", "note", "rename", "directory"])
async def test_nothing_is_left_if_the_last_steps_fail(
    uploads: UploadDirectory, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    kept = await received(uploads, b"a")
    fsync = os.fsync
    calls = iter(["fsync", "note", "directory"])

    def failing_fsync(descriptor: int) -> None:
        if next(calls) == step:
            raise OSError(errno.EIO, "Input/output error")
        fsync(descriptor)

    def failing_rename(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", failing_fsync)
    if step == "rename":
        monkeypatch.setattr(Path, "rename", failing_rename)
    with pytest.raises(StorageFailedError, match="Input/output error"):
        await received(uploads, b"b")
    assert names(uploads) == {kept, f"{kept}.json"}


@pytest.mark.parametrize("size", [10, 3 * MIB], ids=["at the end", "on the way"])
async def test_a_full_disk_is_reported_and_leaves_nothing(
    uploads: UploadDirectory, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    def full(descriptor: int, mode: str) -> BinaryIO:
        os.close(descriptor)
        return open("/dev/full", mode)  # type: ignore[return-value]  # noqa: PTH123  # as `os.fdopen` would

    with monkeypatch.context() as patched:
        patched.setattr(os, "fdopen", full)
        with pytest.raises(StorageFullError):
            await received(uploads, b"a" * size)
    assert names(uploads) == set()
    assert await uploads.get(await received(uploads, b"a")) is not None


STRANGE = ["", ".", "..", "../x", "/etc/passwd", "a\0b", "\ud800", "x" * 10_000]


@pytest.mark.parametrize("text", [*STRANGE, "0193AAAA-0000-7000-8000-000000000000"])
async def test_text_that_is_not_an_id_never_reaches_the_file_system(
    uploads: UploadDirectory, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    def touched(*_: object) -> None:
        raise AssertionError("the file system was asked")

    for name in ("read_upload", "remove_upload"):
        monkeypatch.setattr(uploads_module, name, touched)
    assert await uploads.get(text) is None
    assert await uploads.get(text) is None
    await uploads.remove(text)
    with pytest.raises(ValueError, match="not an id"):
        async with uploads.receive(text, "a", None, MIB):
            pass


@settings(deadline=None, max_examples=30)
@given(name=st.text(alphabet=st.characters()), owner=st.none() | st.text())
def test_the_metadata_keep_any_name_and_owner(
    tmp_path_factory: pytest.TempPathFactory, name: str, owner: str | None
) -> None:
    uploads = UploadDirectory(tmp_path_factory.mktemp("uploads"))
    upload = asyncio.run(_round_trip(uploads, name, owner))
    assert upload is not None
    assert (upload.name, upload.owner) == (name, owner)


async def _round_trip(uploads: UploadDirectory, name: str, owner: str | None) -> Upload | None:
    return await uploads.get(await received(uploads, b"a", name=name, owner=owner))


async def test_a_removed_upload_is_gone(uploads: UploadDirectory) -> None:
    upload_id, other = await received(uploads, b"a"), await received(uploads, b"b")
    await uploads.remove(upload_id)
    await uploads.remove(upload_id)
    assert await uploads.get(upload_id) is None
    assert names(uploads) == {other, f"{other}.json"}


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are opened from now on."""
    names: list[str] = []
    open_file = io.open

    def recording(file: Path | int, *arguments: Any, **options: Any) -> object:  # as `io.open` has them
        if isinstance(file, Path):
            names.append(file.name)
        return open_file(file, *arguments, **options)

    monkeypatch.setattr(io, "open", recording)  # what `Path.open` and `Path.read_bytes` call
    return names


SECOND = 1_000_000


async def received_at(
    uploads: UploadDirectory, monkeypatch: pytest.MonkeyPatch, begin_s: int, end_s: int | None = None
) -> str:
    """An upload that began and ended at these seconds since the epoch."""
    upload_id = new_ids(lambda: begin_s * 1_000_000_000)()
    with monkeypatch.context() as patched:
        patched.setattr("offload.clock.now", lambda: SECOND * (begin_s if end_s is None else end_s))
        async with uploads.receive(upload_id, "a.txt", None, MIB) as writer:
            await writer.write(b"a")
    return upload_id


async def test_old_uploads_that_no_job_uses_expire(uploads: UploadDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    old, used, new = [await received_at(uploads, monkeypatch, second) for second in (100, 200, 300)]
    expired = await uploads.expire(300 * SECOND, lambda upload_id: upload_id == used)
    assert [upload.id for upload in expired] == [old]
    assert names(uploads) == {used, f"{used}.json", new, f"{new}.json"}


async def test_an_upload_expires_by_its_end_not_its_begin(
    uploads: UploadDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = await received_at(uploads, monkeypatch, 100, 500)
    assert await uploads.expire(499 * SECOND, lambda _: False) == []
    assert [upload.id for upload in await uploads.expire(501 * SECOND, lambda _: False)] == [slow]


async def test_only_uploads_that_expire_are_opened(
    uploads: UploadDirectory, monkeypatch: pytest.MonkeyPatch, opened: list[str]
) -> None:
    old, used, *_ = [await received_at(uploads, monkeypatch, second) for second in range(100, 120)]
    opened.clear()
    await uploads.expire(102 * SECOND, lambda upload_id: upload_id == used)
    assert opened == [f"{old}.json"]
    opened.clear()
    await uploads.expire(102 * SECOND, lambda upload_id: upload_id == used)
    assert opened == []


async def test_a_start_opens_no_upload(uploads: UploadDirectory, opened: list[str]) -> None:
    kept = sorted([await received(uploads, b"abc") for _ in range(5)])
    opened.clear()
    assert sorted(await uploads.leftovers()) == kept
    assert opened == []


async def test_a_sweep_removes_what_a_crash_left_and_nothing_else(uploads: UploadDirectory) -> None:
    whole, cut, torn = [await received(uploads, b"abc") for _ in range(3)]
    for name in (f"{new_id()}.part", new_id(), f"{new_id()}.json"):
        (uploads.directory / name).touch()
    (uploads.directory / cut).write_bytes(b"ab")
    (uploads.directory / f"{torn}.json").write_bytes(b'{"name": "a.t')
    (uploads.directory / "README").write_bytes(b"an operator's")
    await uploads.sweep(await uploads.leftovers())
    assert names(uploads) == {whole, f"{whole}.json", "README"}


def test_a_directory_that_can_not_be_created_is_a_boot_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BootError, match="uploads can't be created"):
        UploadDirectory(tmp_path / "file" / "uploads")
