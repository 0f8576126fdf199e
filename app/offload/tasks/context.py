"""What a running task gets in addition to its parameters: directories, and a function that reports progress."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


def is_uuid(text: str) -> bool:
    """Return True for a UUID in lower case with dashes. Only such an id may be used as a file name."""
    return _UUID.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Places:
    """The directories with a node's files."""

    files_dir: Path
    """`file-digest` reads files by path in here."""
    uploads_dir: Path
    """The upload X is the file `X`; `X.json` beside it has its `name` and `size`."""

    def upload_name(self, upload_id: str) -> str:
        """Return the file name that the client gave; the id when there is none or it can't be read."""
        if not is_uuid(upload_id):
            return upload_id
        try:
            name = json.loads((self.uploads_dir / f"{upload_id}.json").read_bytes())["name"]
        except (OSError, ValueError, LookupError, TypeError):
            return upload_id
        return name if isinstance(name, str) and name else upload_id


class Progress(Protocol):
    def __call__(
        self, done: int, total: int | None = None, *, unit: str | None = None, note: str | None = None
    ) -> None:
        """Report how far the task is. This only stores the values, so a task may call it at every step."""
        ...


@dataclass(frozen=True, slots=True)
class Context:
    """Passed to a function that has a parameter annotated `Context`."""

    places: Places
    progress: Progress
