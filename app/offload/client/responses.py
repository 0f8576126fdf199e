"""Reads responses. Each function raises ValueError for a response that no Offload service sends."""

import json
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, TypeVar

import httpx

from offload.client.errors import NotOffloadError, RefusedError
from offload.client.records import Record

R = TypeVar("R", bound=Record)

PROBLEM = "application/problem+json"


@contextmanager
def reading_from(url: str, *, status: int = 200) -> Generator[None]:
    """Turn a ValueError of the block into a `NotOffloadError` for the service at `url`."""
    try:
        yield
    except ValueError as error:
        raise NotOffloadError(url, str(error), status=status) from None


def may_be_read(response: httpx.Response) -> bool:
    """Whether the service sends bodies of this media type whole. Another body, an audio stream, may never end."""
    kind = media_type(response)
    return kind.endswith("json") or kind in ("text/plain", "")


def media_type(response: httpx.Response) -> str:
    """Return `application/json` for `application/json; charset=utf-8`, and "" where there is no content type."""
    content_type: str = response.headers.get("content-type", "")
    return content_type.partition(";")[0].strip().lower()


def record_of(kind: type[R]) -> Callable[[httpx.Response], R]:
    """Return a function that reads a response as this kind of record."""
    return lambda response: to_record(kind, json_value(response))


def json_value(response: httpx.Response) -> Any:
    """Return the JSON value of the body."""
    require_json(response)
    return decode(response.content)


def require_json(response: httpx.Response) -> None:
    """Raise ValueError unless the body is JSON, by its content type."""
    if not media_type(response).endswith("json"):
        raise ValueError(f"it sent {media_type(response) or 'something'} instead of JSON")


def decode(body: bytes | str) -> Any:
    """Return the value of a JSON document."""
    try:
        return json.loads(body)
    except RecursionError:
        raise ValueError("its JSON is nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"what it sent is not JSON ({error})") from None


def to_record(kind: type[R], value: object) -> R:
    """Return the record that a JSON value describes."""
    try:
        return kind.model_validate(value)
    except ValueError as error:  # pydantic's message is long, and about this client's classes
        first = str(error).partition("\n")[2].replace("\n", "").strip()
        raise ValueError(f"its JSON is not a valid {kind.__name__} ({first[:200]})") from None


def text(response: httpx.Response) -> str:
    """Return plain text. Bytes that are not UTF-8 are restored by `encode("utf-8", "surrogateescape")`."""
    kind = media_type(response)
    if kind != "text/plain":
        raise ValueError(f"it sent {kind or 'something'} instead of plain text")
    return response.content.decode("utf-8", "surrogateescape")


def nothing(_: httpx.Response) -> None:
    """Ignore the body."""


def problem(response: httpx.Response) -> RefusedError:
    """Return the error for a response with a problem document (RFC 9457)."""
    status = response.status_code
    if status < 400:
        raise ValueError(f"it responded {status}, a redirect to {response.headers.get('location', '')[:200]!r}")
    kind = media_type(response)
    if kind != PROBLEM:
        raise ValueError(f"it responded {status} with {kind or 'no content type'}")
    document = decode(response.content)
    if not isinstance(document, dict):
        raise ValueError(f"it responded {status} without a problem object")  # noqa: TRY004  # see the module
    return RefusedError(document, status=status, retry_after=retry_after(response))


def retry_after(response: httpx.Response) -> float | None:
    """Return `Retry-After` in seconds. None where it is missing or a date, which only proxies send."""
    value = response.headers.get("retry-after", "")
    return float(value) if value.isascii() and value.isdecimal() and len(value) < 8 else None
