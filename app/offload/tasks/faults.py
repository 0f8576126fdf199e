"""Exceptions of tasks with their own kind of failure in the contract, `/problems/<kind>`.

Any other exception is `task-raised`.
"""

from typing import ClassVar


class TaskFaultError(Exception):
    """A failure with its own kind. The message becomes the job's `detail`."""

    kind: ClassVar[str]


class FileMissingError(TaskFaultError):
    """The file does not exist."""

    kind = "file-not-found"


class FileChangedError(TaskFaultError):
    """The file changed while it was read."""

    kind = "file-changed"


class NotAFileError(TaskFaultError):
    """The path is not a regular file."""

    kind = "not-a-regular-file"


class FileRefusedError(TaskFaultError):
    """The path leads out of the files directory or through a link, or the file may not be read."""

    kind = "path-refused"


class ResultNotSerializableError(TaskFaultError):
    """The task returned a value that JSON can't represent."""

    kind = "result-not-serializable"
