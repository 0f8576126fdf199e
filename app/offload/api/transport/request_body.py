"""Reads complete request bodies, with limits on size and time."""

import asyncio

from fastapi import Request
from starlette.requests import ClientDisconnect

from offload.errors import BodyTooLargeError, InvalidParametersError, UnsupportedMediaTypeError, UploadTooSlowError

SEND_JSON = "Send JSON with Content-Type: application/json; with curl, use --json '{…}'."


BYTE_ORDER_MARK = "\ufeff".encode()


async def read_json(request: Request, *, max_bytes: int, within_s: float, example: str) -> bytes:
    """Returns the unparsed body of a request that must be JSON, without a byte order mark (RFC 8259, 8.1).

    `example` is shown where the body is empty.

    Raises `BodyTooLargeError`, `UploadTooSlowError`, `UnsupportedMediaTypeError`, and `InvalidParametersError` for an
    empty body.
    """
    reject_encoded(request)
    body = (await read_body(request, max_bytes=max_bytes, within_s=within_s)).removeprefix(BYTE_ORDER_MARK)
    if not body:
        msg = f"The body is empty. Send the parameters as JSON, for example {example}"
        raise InvalidParametersError(msg, errors=[{"loc": ["body"], "msg": msg}])
    _check_type(request.headers.get("content-type", ""))
    return body


async def read_body(request: Request, *, max_bytes: int, within_s: float) -> bytes:
    """Returns the body. Raises `BodyTooLargeError` and `UploadTooSlowError`."""
    if announces_too_much(request, max_bytes):
        raise _too_large(max_bytes)
    try:
        async with asyncio.timeout(within_s):
            body, more = await next_chunk(request)
            if not more:  # the usual case: no copy
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


def announces_too_much(request: Request, max_bytes: int) -> bool:
    """Returns True where Content-Length is over the limit.

    Check this before the first `receive`, which sends "100 Continue".
    """
    length = request.headers.get("content-length", "")
    return length.isdecimal() and int(length) > max_bytes


async def next_chunk(request: Request) -> tuple[bytes, bool]:
    """Returns the next bytes of the body, and whether more follow. Raises `ClientDisconnect`."""
    message = await request.receive()
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    return message.get("body", b""), message.get("more_body", False)


def reject_encoded(request: Request) -> None:
    """Raises `UnsupportedMediaTypeError` for a compressed body: a few bytes could expand to any size."""
    codings = {coding.strip().lower() for coding in ",".join(request.headers.getlist("content-encoding")).split(",")}
    if codings - {"", "identity"}:
        raise UnsupportedMediaTypeError("Compressed bodies are not supported. Send the body without Content-Encoding.")


def _too_large(max_bytes: int) -> BodyTooLargeError:
    return BodyTooLargeError(f"The body may have at most {max_bytes} bytes. Send larger files to POST /uploads.")


def _check_type(content_type: str) -> None:
    media_type, _, parameters = content_type.lower().partition(";")
    media_type = media_type.strip()
    if media_type != "application/json" and not (
        media_type.startswith("application/") and media_type.endswith("+json")
    ):
        sent = f"{media_type!r} is not supported" if media_type else "The request has no Content-Type"
        raise UnsupportedMediaTypeError(f"{sent}. {SEND_JSON}")
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip(' "') not in {"utf-8", "utf8", "us-ascii"}:
            raise UnsupportedMediaTypeError(f"JSON is UTF-8 (RFC 8259), not {value.strip()}. {SEND_JSON}")
