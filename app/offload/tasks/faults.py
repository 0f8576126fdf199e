"""Ways a task can fail that have a name of their own in the contract, `/problems/<kind>`.

Whatever else a task raises is `task-raised`.
"""

from typing import ClassVar


class TaskFaultError(Exception):
    """A failure with a kind. The message is the job's `detail`."""

    kind: ClassVar[str]


class FileMissingError(TaskFaultError):
    """The file is not there."""

    kind = "file-not-found"


class FileChangedError(TaskFaultError):
    """The file changed while it was read."""

    kind = "file-changed"


class NotAFileError(TaskFaultError):
    """What is at the path is not a regular file."""

    kind = "not-a-regular-file"


class FileRefusedError(TaskFaultError):
    """The path leads out of the files directory or through a link, or what is there may not be read."""

    kind = "path-refused"


class ResultNotSerializableError(TaskFaultError):
    """The task returned what JSON can't carry."""

    kind = "result-not-serializable"
