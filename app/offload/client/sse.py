"""Server-sent events out of bytes as they come, as the HTML standard has it (9.2.6), without any input of its own.

No package: those there are read a response themselves, once for threads and once for asyncio, or split lines at
characters that end none here.
"""

from collections.abc import Iterator
from dataclasses import dataclass

MOST_BYTES = 16 << 20
"""Of one event. Results are inline up to 16 KiB; this bounds what something that is no Offload can make us hold."""


@dataclass(frozen=True, slots=True)
class Event:
    """An event, with the id that the next connection is to go on after."""

    name: str
    data: str
    last_id: str


class Parser:
    """One stream's. `last_id` is set by an id that comes without an event, too."""

    def __init__(self, last_id: str = "") -> None:
        self.last_id = last_id
        self._rest = b""
        self._began = False
        self._after_cr = False
        self._size = 0
        self._clear()

    def _clear(self) -> None:
        self._name, self._id = "", self.last_id
        self._data: list[str] = []
        self._size = 0

    def feed(self, portion: bytes) -> Iterator[Event]:
        """The events that some more bytes complete. Raises ValueError for one that is too long."""
        for line in self._lines(portion):
            if line:
                self._field(line)
                continue
            self.last_id = self._id
            event = Event(self._name or "message", "\n".join(self._data), self.last_id) if self._data else None
            self._clear()
            if event is not None:
                yield event

    def _lines(self, portion: bytes) -> Iterator[bytes]:
        """A line ends with CR LF, LF or CR; the second half of a CR LF may come with the next portion."""
        if not portion:
            return
        if self._after_cr:
            portion = portion.removeprefix(b"\n")
        *lines, self._rest = _split(self._rest + portion)
        self._after_cr = portion.endswith(b"\r")
        self._size += len(portion)
        if self._size > MOST_BYTES:
            raise ValueError("an event of it has no end")
        for line in lines:
            yield line if self._began else line.removeprefix(b"\xef\xbb\xbf")
            self._began = True

    def _field(self, line: bytes) -> None:
        name, _, raw = line.partition(b":")
        value = raw.removeprefix(b" ").decode("utf-8", "replace")
        match name:
            case b"event":
                self._name = value
            case b"data":
                self._data.append(value)
            case b"id" if "\0" not in value:
                self._id = value


def _split(text: bytes) -> list[bytes]:
    """The lines of a text, and last what follows the last end of one."""
    return text.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
