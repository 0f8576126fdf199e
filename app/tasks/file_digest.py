"""`file-digest`: the digests of one file, several in one read, of exactly the bytes that were there all the time."""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema, model_validator

from app.errors import FileNotFoundProblemError, ProblemError, UploadNotFoundError
from app.tasks.context import Context, Places, Progress, is_uuid
from app.tasks.definition import Examined
from app.tasks.digests import HEX_LENGTHS, Algorithm, new_digest
from app.tasks.faults import FileChangedError, FileMissingError
from app.tasks.files import open_below

CHUNK_BYTES = 256 * 1024
"""Read at a time into one buffer: 64 KiB costs 2 %, 1 MiB falls out of the second-level cache (measured)."""


def _distinct(algorithms: list[Algorithm]) -> list[Algorithm]:
    if len(set(algorithms)) < len(algorithms):
        raise ValueError("name each algorithm once")
    return algorithms


def _hex_digests(expected: dict[Algorithm, str]) -> dict[Algorithm, str]:
    for algorithm, text in expected.items():
        if not re.fullmatch(rf"[0-9A-Fa-f]{{{HEX_LENGTHS[algorithm]}}}", text):
            raise ValueError(f"a {algorithm} digest is {HEX_LENGTHS[algorithm]} hex digits")
    return {algorithm: text.lower() for algorithm, text in expected.items()}


_EXPECTED_SCHEMA = {
    "type": "object",
    "properties": {
        name: {"type": "string", "pattern": f"^[0-9A-Fa-f]{{{length}}}$"} for name, length in HEX_LENGTHS.items()
    },
    "additionalProperties": False,
}


def _exactly_one_source(schema: dict[str, Any]) -> None:
    text, null = {"type": "string"}, {"type": "null"}
    schema["oneOf"] = [
        {"required": ["path"], "properties": {"path": text, "upload": null}},
        {"required": ["upload"], "properties": {"upload": text, "path": null}},
    ]
    schema["examples"] = [{"path": "hello.txt", "algorithms": ["sha256"]}]


class FileDigest(BaseModel):
    """Which file, which digests, and what they should be."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=_exactly_one_source)

    path: str | None = Field(
        default=None, min_length=1, max_length=4096, description="A file, relative to the service's files directory."
    )
    upload: str | None = Field(default=None, description="The id of an upload.")
    algorithms: Annotated[
        list[Algorithm],
        AfterValidator(_distinct),
        Field(min_length=1, description="All are computed in one read.", json_schema_extra={"uniqueItems": True}),
    ] = ["sha256"]
    expected: Annotated[dict[Algorithm, str], AfterValidator(_hex_digests), WithJsonSchema(_EXPECTED_SCHEMA)] | None = (
        Field(
            default=None,
            description="What the digests should be, in hex. One that is not among `algorithms` is computed as well.",
        )
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.path is None) is (self.upload is None):
            raise ValueError("give exactly one of `path` and `upload`")
        return self

    def computed(self) -> Sequence[Algorithm]:
        """The algorithms asked for, then those that are expected besides."""
        return list(dict.fromkeys([*self.algorithms, *(self.expected or {})]))


class FileDigestResult(BaseModel):
    """The digests of a file."""

    name: str = Field(description="The path as given, or the name that the upload came with.")
    size: int = Field(description="In bytes.")
    digests: dict[Algorithm, str] = Field(description="By algorithm, in lower-case hex.")
    verified: bool | None = Field(description="Whether all the expected digests were met; null where none was given.")


def examine(params: FileDigest, places: Places) -> Examined:
    """Looks whether the file can be read, which upload it is, if it is one, and how large. Opens files: it may block.

    Raises `PathRefusedError`, `FileNotFoundProblemError`, `NotARegularFileError`, `UploadNotFoundError`.
    """
    with _open_source(params, places) as descriptor:
        return Examined(upload=params.upload, price=price(os.fstat(descriptor).st_size, params))


def price(size: int, params: FileDigest) -> float:
    """About how many CPU seconds the digests of so many bytes take: SHA-256's 0.7 ns a byte, for each of them."""
    return 7e-10 * size * len(params.computed())


def file_digest(params: FileDigest, context: Context) -> FileDigestResult:
    """The digests of a file.

    One file, below the service's files directory or uploaded, read once for all the algorithms asked for. With
    `expected`, the result says whether the digests are those; a mismatch is a finding, not a failure. The job fails as
    `file-changed` where the file changes while it is read.
    """
    try:
        with _open_source(params, context.places) as descriptor:
            size, digests = read_digests(descriptor, params.computed(), context.progress)
    except (FileNotFoundProblemError, UploadNotFoundError) as error:
        raise FileMissingError(f"The file was there when the job was accepted. Now: {error.detail}") from error
    except ProblemError as error:
        raise FileChangedError(f"The file could be read when the job was accepted. Now: {error.detail}") from error
    expected = params.expected or {}
    return FileDigestResult(
        name=params.path or context.places.upload_name(params.upload or ""),
        size=size,
        digests=digests,
        verified=all(digests[name] == text for name, text in expected.items()) if expected else None,
    )


def read_digests(
    descriptor: int, algorithms: Sequence[Algorithm], progress: Progress
) -> tuple[int, dict[Algorithm, str]]:
    """The size and the digests of an open file, from where it is to its end.

    Raises `FileChangedError` where it is not the same file with the same content from the first byte to the last, as
    far as size and times tell (before Linux 6.13, two changes of one size within 10 ms of each other may look like
    one), and as soon as it has more bytes than it had: a file that grows as fast as it is read would never end.
    """
    before = os.fstat(descriptor)
    computed = {algorithm: new_digest(algorithm) for algorithm in algorithms}
    buffer = memoryview(bytearray(CHUNK_BYTES))
    done = 0
    while count := os.readv(descriptor, [buffer]):
        done += count
        if done > before.st_size:
            raise FileChangedError(f"The file grew beyond its {before.st_size} bytes while it was read.")
        for digest in computed.values():
            digest.update(buffer[:count])
        progress(done, before.st_size, unit="bytes")
    if _identity(os.fstat(descriptor)) != _identity(before):
        raise FileChangedError("The file was changed, replaced or removed while it was read.")
    return done, {algorithm: digest.hexdigest() for algorithm, digest in computed.items()}


def _identity(status: os.stat_result) -> tuple[int, ...]:
    # ctime tells what mtime, which can be set, does not; a rename over the file or its removal changes it as well.
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _open_source(params: FileDigest, places: Places) -> AbstractContextManager[int]:
    if params.path is not None:
        return open_below(places.files_dir, params.path)
    return _open_upload(places, params.upload or "")


@contextmanager
def _open_upload(places: Places, upload_id: str) -> Iterator[int]:
    if not is_uuid(upload_id):
        raise UploadNotFoundError("There is no upload with this id.")
    try:
        with open_below(places.uploads_dir, upload_id) as descriptor:
            yield descriptor
    except FileNotFoundProblemError:
        raise UploadNotFoundError("There is no upload with this id.") from None
