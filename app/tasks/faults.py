"""Ways a task can fail that have a name of their own in the contract, `/problems/<kind>`.

Whatever else a task raises is `task-raised`.
"""

from typing import ClassVar


class TaskFaultError(Exception):
    """A failure with a kind. The message is the job's `detail`."""

    kind: ClassVar[str]


class FileMissingError(TaskFaultError):
    """The file was there when the job was accepted and is not there now."""

    kind = "file-not-found"


class FileChangedError(TaskFaultError):
    """The file changed while it was read, or between acceptance and now became something that can't be read."""

    kind = "file-changed"


class ResultNotSerializableError(TaskFaultError):
    """The task returned what JSON can't carry."""

    kind = "result-not-serializable"
