"""Reads `multipart/form-data` (RFC 7578) as a stream: only the headers of the current part are in memory.

python-multipart parses. Starlette's own form parser is not used, since it writes each file to a temporary file first,
whose size it does not limit: here, the content goes to the spool, and the limit is checked as it arrives.
"""

from collections.abc import AsyncIterator, Iterator
from typing import NamedTuple

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser

from offload.api.contract.header_parameters import file_name, form_text, header_parameters
from offload.errors import BadRequestError

MAX_PARTS = 100


class FormPart(NamedTuple):
    """The start of a part, whose content follows. `filename` is None for a field that is not a file."""

    name: str
    filename: str | None


def is_multipart(content_type: str) -> bool:
    """True for a form that can contain files."""
    return content_type.lower().partition(";")[0].strip() == "multipart/form-data"


async def read_parts(chunks: AsyncIterator[bytes], content_type: str) -> AsyncIterator[FormPart | bytes]:
    """Yields the parts of a form in their order, each followed by the chunks of its content.

    Raises `BadRequestError` for a malformed form.
    """
    boundary = header_parameters(content_type.encode("latin-1")).get(b"boundary")
    if not boundary:
        raise BadRequestError("The Content-Type of the form has no boundary.")
    try:
        reader = _Reader(boundary)
        async for chunk in chunks:
            for event in reader.read(chunk):
                yield event
    except FormParserError as error:
        raise BadRequestError(f"The multipart body is malformed: {error}.") from None
    if not reader.complete:
        raise BadRequestError("The multipart body ends before the closing boundary.")


class _Reader:
    """Turns the callbacks of the parser into a list of events."""

    def __init__(self, boundary: bytes) -> None:
        self.complete = False
        self._events: list[FormPart | bytes] = []
        self._parts = 0
        self._field = b""
        self._value = b""
        self._disposition = b""
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._part_begin,
                "on_header_field": self._header_field,
                "on_header_value": self._header_value,
                "on_header_end": self._header_end,
                "on_headers_finished": self._headers_finished,
                "on_part_data": self._part_data,
                "on_end": self._end,
            },
        )

    def read(self, chunk: bytes) -> Iterator[FormPart | bytes]:
        """Yields the events in the next bytes of the body."""
        self._parser.write(chunk)
        events, self._events = self._events, []
        yield from events

    def _part_begin(self) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise BadRequestError(f"The form has more than {MAX_PARTS} parts.")
        self._disposition = b""

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._field.lower() == b"content-disposition":
            self._disposition = self._value
        self._field = self._value = b""

    def _headers_finished(self) -> None:
        parameters = header_parameters(self._disposition)
        if b"name" not in parameters:
            raise BadRequestError("A part of the form has no name in its Content-Disposition.")
        self._events.append(FormPart(form_text(parameters[b"name"]), file_name(parameters, form_text)))

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        self._events.append(data[start:end])

    def _end(self) -> None:
        self.complete = True
