"""The files of one upload: their names, and how they are read and removed."""

import contextlib
import errno
import json
from collections.abc import Iterator
from pathlib import Path

from offload.errors import StorageFailedError, StorageFullError
from offload.jobs.model import Upload


def partial_file(path: Path) -> Path:
    """Returns the path of the content while it is received. `path` is that of the complete content."""
    return path.with_name(path.name + ".part")


def metadata_file(path: Path) -> Path:
    """Returns the path of the metadata of the upload whose content is at `path`."""
    return path.with_name(path.name + ".json")


def read_upload(path: Path) -> Upload | None:
    """Returns the upload whose content is at `path`. None unless both files exist and agree."""
    with storage_errors():
        try:
            metadata, size = metadata_file(path).read_bytes(), path.stat().st_size
        except FileNotFoundError:
            return None
    try:
        upload = Upload(id=path.name, **json.loads(metadata))
    except (ValueError, TypeError):
        return None
    return upload if upload.size == size else None


def remove_upload(path: Path) -> None:
    """Removes both files if they exist."""
    path.unlink(missing_ok=True)
    metadata_file(path).unlink(missing_ok=True)


@contextlib.contextmanager
def storage_errors() -> Iterator[None]:
    """Converts the system's errors to `StorageFullError` and `StorageFailedError`."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise StorageFullError("The disk that holds the uploads is full. Nothing was kept.") from error
        raise StorageFailedError(f"The upload directory failed: {error.strerror}.") from error
