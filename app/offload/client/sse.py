"""Parses server-sent events as the HTML standard defines it (9.2.6), from bytes that arrive in any portions.

The parser does no I/O, so both clients use it. httpx-sse and similar packages wrap a response, once for threads and
once for asyncio, or split lines at characters that do not end a line of an event stream.
"""

from collections.abc import Iterator
from dataclasses import dataclass

MOST_BYTES = 16 << 20
"""The longest event. Results are inline up to 16 KiB; this bounds the memory that another server can make it use."""


@dataclass(frozen=True, slots=True)
class Event:
    """An event, with the id after which the next connection resumes."""

    name: str
    data: str
    last_id: str


class Parser:
    """Parses one stream. An id without an event sets `last_id`, too."""

    def __init__(self, last_id: str = "") -> None:
        self.last_id = last_id
        self._rest = bytearray()
        """The beginning of a line whose end has not arrived."""
        self._started = False
        self._after_cr = False
        self._size = 0
        self._clear()

    def _clear(self) -> None:
        self._name, self._id = "", self.last_id
        self._data: list[str] = []
        self._size = 0

    def feed(self, portion: bytes) -> Iterator[Event]:
        """Yield the events that the portion completes. Raises ValueError for an event that is too long."""
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
        """A line ends with CR LF, LF or CR. The LF of a CR LF may be in the next portion."""
        if not portion:
            return
        if self._after_cr:
            portion = portion.removeprefix(b"\n")
        self._after_cr = portion.endswith(b"\r")
        self._size += len(portion)
        if self._size > MOST_BYTES:
            raise ValueError("it sent an event that does not end")
        *lines, rest = _split(portion)
        if not lines:
            self._rest += rest  # without a copy of what is there: a long line must not take quadratic time
            return
        lines[0] = bytes(self._rest) + lines[0]
        self._rest = bytearray(rest)
        for line in lines:
            yield line if self._started else line.removeprefix(b"\xef\xbb\xbf")
            self._started = True

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
    """Return the lines, and as the last item what follows the last line end."""
    return text.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
