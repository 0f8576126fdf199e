"""What a running task is given besides its parameters: the node's places, and a way to report progress."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


def is_uuid(text: str) -> bool:
    """True for a UUID as ids are written here: lower case, with dashes. Only such text may become a file name."""
    return _UUID.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Places:
    """Where the node's files are."""

    files_dir: Path
    """What `file-digest` may read by path."""
    uploads_dir: Path
    """The spool: upload X is the file `X`, and `X.json` beside it says `name` and `size`."""

    def upload_name(self, upload_id: str) -> str:
        """The file name that the client gave; the id itself where it gave none or the note can't be read."""
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
        """Says how far the task is. Only stores, so it may be called as often as is convenient."""
        ...


@dataclass(frozen=True, slots=True)
class Context:
    """Handed to a function that has a parameter annotated `Context`."""

    places: Places
    progress: Progress
