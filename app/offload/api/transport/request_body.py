"""Reads bodies whole, within bounds of size and time."""

import asyncio

from fastapi import Request
from starlette.requests import ClientDisconnect

from offload.errors import BodyTooLargeError, InvalidParametersError, UnsupportedMediaTypeError, UploadTooSlowError

SEND_JSON = "Send JSON with Content-Type: application/json; with curl, use --json '{…}'."


async def read_json(request: Request, *, max_bytes: int, within_s: float, example: str) -> bytes:
    """The body of a request that must be JSON, not yet parsed. `example` is shown to who sent none.

    Raises `BodyTooLargeError`, `UploadTooSlowError`, `UnsupportedMediaTypeError`, and `InvalidParametersError` where
    there is nothing.
    """
    refuse_encoded(request)
    body = await read_body(request, max_bytes=max_bytes, within_s=within_s)
    if not body:
        msg = f"The body is empty. Send the parameters as JSON, for example {example}"
        raise InvalidParametersError(msg, errors=[{"loc": ["body"], "msg": msg}])
    _check_type(request.headers.get("content-type", ""))
    return body


async def read_body(request: Request, *, max_bytes: int, within_s: float) -> bytes:
    """The body of a request. Raises `BodyTooLargeError` and `UploadTooSlowError`."""
    if announces_more(request, max_bytes):
        raise _too_large(max_bytes)
    try:
        async with asyncio.timeout(within_s):
            body, more = await next_chunk(request)
            if not more:  # nearly always; without a copy
                if len(body) > max_bytes:
                    raise _too_large(max_bytes)
                return body
            chunks = bytearray(body)
            while more:
                body, more = await next_chunk(request)
                chunks += body
                if len(chunks) > max_bytes:
                    raise _too_large(max_bytes)
            return bytes(chunks)
    except TimeoutError:
        raise UploadTooSlowError(f"The body had not arrived after {within_s:g} s.") from None


def announces_more(request: Request, max_bytes: int) -> bool:
    """True where the headers tell that the body is too large.

    To be asked before the first `receive`, which tells a client that waits for "100 Continue" to go on.
    """
    length = request.headers.get("content-length", "")
    return length.isdecimal() and int(length) > max_bytes


async def next_chunk(request: Request) -> tuple[bytes, bool]:
    """The next bytes of a body, and whether more will come. Raises `ClientDisconnect`."""
    message = await request.receive()
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    return message.get("body", b""), message.get("more_body", False)


def refuse_encoded(request: Request) -> None:
    """Raises `UnsupportedMediaTypeError` for a compressed body: a few bytes of it could become any number."""
    codings = {coding.strip().lower() for coding in ",".join(request.headers.getlist("content-encoding")).split(",")}
    if codings - {"", "identity"}:
        raise UnsupportedMediaTypeError("Compressed bodies are not read here. Send it as it is.")


def _too_large(max_bytes: int) -> BodyTooLargeError:
    return BodyTooLargeError(f"The body may have at most {max_bytes} bytes. Larger files go to POST /uploads.")


def _check_type(content_type: str) -> None:
    media_type, _, parameters = content_type.lower().partition(";")
    media_type = media_type.strip()
    if media_type != "application/json" and not (
        media_type.startswith("application/") and media_type.endswith("+json")
    ):
        sent = f"{media_type!r} can't be read here" if media_type else "The request has no Content-Type"
        raise UnsupportedMediaTypeError(f"{sent}. {SEND_JSON}")
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip(' "') not in {"utf-8", "utf8", "us-ascii"}:
            raise UnsupportedMediaTypeError(f"JSON is UTF-8 (RFC 8259), not {value.strip()}. {SEND_JSON}")
