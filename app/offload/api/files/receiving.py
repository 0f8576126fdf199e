"""Streams an upload to disk: a request's body, or the one file of a form."""

import hashlib
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from fastapi import Request

from offload.api.contract.header_parameters import file_name, header_parameters, header_text
from offload.api.files.multipart import FormPart, is_multipart, read_parts
from offload.api.files.upload_body import UploadBody
from offload.api.state import AppState, Sink
from offload.errors import BadRequestError, BodyTooLargeError, InvalidParametersError

FIELD_BYTES = 64 * 1024
"""The limit of a field of a form, except the file."""

FORM_BYTES = 1 << 20
"""The limit of all of a form except the content of its file."""

MAX_NAME = 255

FILE_FIELD = "file"

Fields = Mapping[str, Sequence[str]]
"""The values of the fields of a form, except the file, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedFile:
    """A file that has arrived completely, with the fields of its form."""

    id: str
    name: str
    size: int
    digest: bytes
    """The BLAKE2b digest of the file if it was requested, else empty."""
    fields: Fields


@asynccontextmanager
async def receiving(
    request: Request, state: AppState, owner: str | None, *, name: str | None = None, digest: bool = False
) -> AsyncIterator[ReceivedFile]:
    """Writes the request's body, or the `file` of its form, to the spool. It is kept if the context ends without error.

    `name` overrides the name in the headers. Raises `BodyTooLargeError`, `UploadTooSlowError`, `DigestMismatchError`,
    `StorageFullError`, and for an invalid form `BadRequestError` and `InvalidParametersError`. Nothing is kept after an
    error, or if the client disconnects.
    """
    form = is_multipart(request.headers.get("content-type", ""))
    upload = _SpooledFile(state, owner, name or _disposition(request), digest=digest)
    limit = _limit(state) + (FORM_BYTES if form else 0)
    body = UploadBody(request, max_bytes=limit, idle_s=state.settings.upload_idle_s)
    async with AsyncExitStack() as stack:
        fields: Fields = {}
        if form:
            fields = await _read_form(request, body, upload, stack)
        else:
            await upload.open(stack)
            async for chunk in body.chunks():
                await upload.write(chunk)
        body.verify()
        yield upload.received(fields)


async def _read_form(request: Request, body: UploadBody, upload: "_SpooledFile", stack: AsyncExitStack) -> Fields:
    fields: dict[str, list[bytes]] = defaultdict(list)
    part = FormPart("", None)
    async for event in read_parts(body.chunks(), request.headers.get("content-type", "")):
        if isinstance(event, FormPart):
            part = event
            if part.name == FILE_FIELD:
                await upload.open(stack, part.filename)
            elif part.filename is not None:
                raise wrong_field(part.name, f"Send the file in the field `{FILE_FIELD}`")
            else:
                fields[part.name].append(b"")
        elif part.name == FILE_FIELD:
            await upload.write(event)
        else:
            fields[part.name][-1] += event
            if len(fields[part.name][-1]) > FIELD_BYTES:
                raise BodyTooLargeError(f"A field of the form may have at most {FIELD_BYTES} bytes.")
    if not upload.opened:
        raise wrong_field(FILE_FIELD, f"Field required; with curl, use -F {FILE_FIELD}=@NAME")
    return {name: [_text(name, value) for value in values] for name, values in fields.items()}


def display_name(name: str | None) -> str:
    """Returns a file name to show: the last component of the client's name, without unprintable characters."""
    last = (name or "").replace("\\", "/").rstrip("/").rpartition("/")[2]
    clean = "".join(character for character in last if character.isprintable()).strip()[:MAX_NAME]
    return "upload" if clean in {"", ".", ".."} else clean


class _SpooledFile:
    """A file that is being written to the spool."""

    def __init__(self, state: AppState, owner: str | None, name: str | None, *, digest: bool) -> None:
        self._id = state.new_id()
        self._state = state
        self._owner = owner
        self._name = name
        self._digest = hashlib.blake2b(digest_size=32) if digest else None
        self._sink: Sink | None = None

    @property
    def opened(self) -> bool:
        """True once `open` has been called."""
        return self._sink is not None

    async def open(self, stack: AsyncExitStack, filename: str | None = None) -> None:
        """Opens the file. It is kept if `stack` ends without error. `filename` is the name if there is no other."""
        if self._sink is not None:
            raise wrong_field(FILE_FIELD, "Send one file at a time")
        self._name = display_name(self._name or filename)
        receiving = self._state.uploads.receive(self._id, self._name, self._owner, _limit(self._state))
        self._sink = await stack.enter_async_context(receiving)

    async def write(self, chunk: bytes) -> None:
        """Appends."""
        assert self._sink is not None  # noqa: S101  # it is open
        if self._digest is not None:
            self._digest.update(chunk)
        await self._sink.write(chunk)

    def received(self, fields: Fields) -> ReceivedFile:
        """Returns the complete file."""
        assert self._sink is not None  # noqa: S101  # it is open
        digest = self._digest.digest() if self._digest is not None else b""
        return ReceivedFile(id=self._id, name=self._name or "", size=self._sink.size, digest=digest, fields=fields)


def _limit(state: AppState) -> int:
    return state.settings.upload_max_mb << 20


def _disposition(request: Request) -> str | None:
    disposition = request.headers.get("content-disposition", "").encode("latin-1")
    return file_name(header_parameters(disposition), header_text)


def wrong_field(field: str, msg: str) -> InvalidParametersError:
    """Returns the error for a field of a form."""
    return InvalidParametersError(f"{field[:100]}: {msg}.", errors=[{"loc": ["body", field[:100]], "msg": msg}])


def _text(field: str, value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise BadRequestError(f"The field {field[:100]!r} of the form is not UTF-8.") from None
