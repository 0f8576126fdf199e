"""The task `file-digest`: digests of one file, several in one read, with a check that the file did not change."""

import base64
import binascii
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema, model_validator

from offload.digests.algorithms import HEX_LENGTHS, Algorithm, new_digest
from offload.digests.opening import open_below
from offload.errors import FileNotFoundProblemError, NotARegularFileError, PathRefusedError, UploadNotFoundError
from offload.tasks.context import Context, Places, Progress, is_uuid
from offload.tasks.definition import Examined
from offload.tasks.faults import FileChangedError, FileMissingError, FileRefusedError, NotAFileError

CHUNK_BYTES = 256 * 1024
"""The size of a read. Measured: 64 KiB costs 2 % more; 1 MiB does not fit into the second-level cache."""

LONGEST_PATH = 4096
"""In bytes: the system's limit for one path (PATH_MAX)."""


def _distinct(algorithms: list[Algorithm]) -> list[Algorithm]:
    if len(set(algorithms)) < len(algorithms):
        raise ValueError("name each algorithm once")
    return algorithms


def _hex_digests(expected: dict[Algorithm, str]) -> dict[Algorithm, str]:
    for algorithm, text in expected.items():
        if not re.fullmatch(rf"[0-9A-Fa-f]{{{HEX_LENGTHS[algorithm]}}}", text):
            raise ValueError(f"a {algorithm} digest is {HEX_LENGTHS[algorithm]} hex digits")
    return {algorithm: text.lower() for algorithm, text in expected.items()}


_BASE64_SCHEMA = {
    "type": "string",
    "contentEncoding": "base64",
    "pattern": "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
    "minLength": 1,
    "maxLength": LONGEST_PATH // 3 * 4 + 4,
}


def _base64(text: str) -> str:
    try:
        path = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("this is not base64") from None
    if not 1 <= len(path) <= LONGEST_PATH:
        raise ValueError(f"a path has 1 to {LONGEST_PATH} bytes")
    return text


_EXPECTED_SCHEMA = {
    "type": "object",
    "properties": {
        name: {"type": "string", "pattern": f"^[0-9A-Fa-f]{{{length}}}$"} for name, length in HEX_LENGTHS.items()
    },
    "additionalProperties": False,
}


SOURCES = ("path", "path_base64", "upload")


def _exactly_one_source(schema: dict[str, Any]) -> None:
    null = {"type": "null"}
    schema["oneOf"] = [
        {"required": [one], "properties": {**dict.fromkeys(SOURCES, null), one: {"type": "string"}}} for one in SOURCES
    ]
    schema["examples"] = [{"path": "hello.txt", "algorithms": ["sha256"]}]


Algorithms = Annotated[
    list[Algorithm],
    AfterValidator(_distinct),
    Field(min_length=1, description="All are computed in one read.", json_schema_extra={"uniqueItems": True}),
]


class FileDigest(BaseModel):
    """Which file, which digests, and what they should be."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=_exactly_one_source)

    path: str | None = Field(
        default=None,
        min_length=1,
        max_length=LONGEST_PATH,
        description="A file, relative to the service's files directory.",
    )
    path_base64: Annotated[str, AfterValidator(_base64), WithJsonSchema(_BASE64_SCHEMA)] | None = Field(
        default=None,
        min_length=1,
        max_length=LONGEST_PATH // 3 * 4 + 4,
        description="The same as bytes in base64, for a name that is not UTF-8 and so can't be written in JSON.",
    )
    upload: str | None = Field(default=None, description="The id of an upload.")
    algorithms: Algorithms = ["sha256"]
    expected: Annotated[dict[Algorithm, str], AfterValidator(_hex_digests), WithJsonSchema(_EXPECTED_SCHEMA)] | None = (
        Field(
            default=None,
            description="What the digests should be, in hex. One that is not among `algorithms` is computed as well.",
        )
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if sum(getattr(self, source) is not None for source in SOURCES) != 1:
            raise ValueError("give exactly one of `path`, `path_base64` and `upload`")
        return self

    @property
    def file(self) -> str | None:
        """The path for the functions of `os`, or None: bytes that are not UTF-8 are lone surrogates."""
        return self.path if self.path_base64 is None else os.fsdecode(base64.b64decode(self.path_base64))

    def computed(self) -> Sequence[Algorithm]:
        """Return the requested algorithms, then those that occur only in `expected`."""
        return list(dict.fromkeys([*self.algorithms, *(self.expected or {})]))


class FileDigestResult(BaseModel):
    """The digests of a file."""

    name: str = Field(
        description="The path, or the name that the upload came with. Bytes that are not UTF-8 are shown as `\\xHH`."
    )
    size: int = Field(description="In bytes.")
    digests: dict[Algorithm, str] = Field(description="By algorithm, in lower-case hex.")
    verified: bool | None = Field(description="Whether all the expected digests were met; null where none was given.")


def examine(params: FileDigest, places: Places) -> Examined:
    """Return which upload the job reads, if any, and the cost by the size of the file. May block: it opens the file.

    Raises `PathRefusedError`, `FileNotFoundProblemError`, `NotARegularFileError`, `UploadNotFoundError`.
    """
    with _open_source(params, places) as descriptor:
        return Examined(upload=params.upload, cost=cost(os.fstat(descriptor).st_size, params))


def cost(size: int, params: FileDigest) -> float:
    """Return the estimated CPU seconds for a file of this size: 0.7 ns for each byte and algorithm, as for SHA-256."""
    return 7e-10 * size * len(params.computed())


def file_digest(params: FileDigest, context: Context) -> FileDigestResult:
    """The digests of a file.

    One file, named by exactly one of `path`, `path_base64` and `upload`, read once for all the algorithms asked for.
    With `expected`, the result says whether the digests are those; a mismatch is a finding, not a failure. The job
    fails as `file-changed` where the file changes while it is read.
    """
    name = _name(params, context.places)
    try:
        with _open_source(params, context.places) as descriptor:
            size, digests = read_digests(descriptor, params.computed(), context.progress)
    except (FileNotFoundProblemError, UploadNotFoundError) as error:
        raise FileMissingError(f"{name}: {error.detail}") from error
    except NotARegularFileError as error:
        raise NotAFileError(f"{name}: {error.detail}") from error
    except PathRefusedError as error:
        raise FileRefusedError(f"{name}: {error.detail}") from error
    expected = params.expected or {}
    return FileDigestResult(
        name=name,
        size=size,
        digests=digests,
        verified=all(digests[name] == text for name, text in expected.items()) if expected else None,
    )


def source_of(path: str) -> dict[str, str]:
    """Return the parameter that names a file, for its path as by `os.fsdecode`."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return {"path_base64": base64.b64encode(os.fsencode(path)).decode()}
    return {"path": path}


def _name(params: FileDigest, places: Places) -> str:
    if params.file is None:
        return places.upload_name(params.upload or "")
    return os.fsencode(params.file).decode(errors="backslashreplace")


def read_digests(
    descriptor: int, algorithms: Sequence[Algorithm], progress: Progress
) -> tuple[int, dict[Algorithm, str]]:
    """Return the size and the digests of an open file, from its current position to its end.

    Raises `FileChangedError` if the file is changed or replaced during the read, as far as its size and times show that
    (before Linux 6.13, two changes of the same size within 10 ms may look like one), and as soon as it is longer than
    at the start: the read of a file that grows as fast as it is read would never end.
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
    # mtime can be set. ctime can't, and it also changes when the file is replaced by a rename or removed.
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _open_source(params: FileDigest, places: Places) -> AbstractContextManager[int]:
    if params.file is not None:
        return open_below(places.files_dir, params.file)
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
