"""Answers made into what a caller wants. Each raises ValueError for what no Offload can have sent."""

import json
from collections.abc import Mapping
from typing import Any, TypeVar

from offload.client.call import Answer
from offload.client.errors import RefusedError
from offload.client.records import Record

R = TypeVar("R", bound=Record)

PROBLEM = "application/problem+json"


def is_readable(headers: Mapping[str, str]) -> bool:
    """Whether a body, or none, can be what an Offload sends whole. Another, a radio station's say, may have no end."""
    kind = media_type(headers.get("content-type", ""))
    return kind.endswith("json") or kind in ("text/plain", "")


def json_of(answer: Answer) -> Any:
    """Whatever JSON it is."""
    if not media_type(answer.headers.get("content-type", "")).endswith("json"):
        raise ValueError(f"it sent {media_type(answer.headers.get('content-type', '')) or 'something'} instead of JSON")
    return decoded(answer.body)


def decoded(body: bytes | str) -> Any:
    """The value of some JSON."""
    try:
        return json.loads(body)
    except RecursionError:
        raise ValueError("its JSON is nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"what it sent is not JSON ({error})") from None


def record(kind: type[R], told: object) -> R:
    """A record of what JSON told."""
    try:
        return kind.model_validate(told)
    except ValueError as error:  # pydantic's own text is long, and about this client
        first = str(error).partition("\n")[2].replace("\n", "").strip()
        raise ValueError(f"its JSON is no {kind.__name__} ({first[:200]})") from None


def text(answer: Answer) -> str:
    """Plain text. What of it is not UTF-8 comes back by `encode("utf-8", "surrogateescape")`."""
    kind = media_type(answer.headers.get("content-type", ""))
    if kind != "text/plain":
        raise ValueError(f"it sent {kind or 'something'} instead of plain text")
    return answer.body.decode("utf-8", "surrogateescape")


def nothing(_: Answer) -> None:
    """There is nothing to read."""


def refusal(answer: Answer) -> RefusedError:
    """The problem that an answer is. Raises ValueError where it is none."""
    if answer.status < 400:
        raise ValueError(f"it answered {answer.status}, and leads to {answer.headers.get('location', '')[:200]!r}")
    kind = media_type(answer.headers.get("content-type", ""))
    if kind != PROBLEM:
        raise ValueError(f"it answered {answer.status} with {kind or 'nothing'}")
    problem = decoded(answer.body)
    if not isinstance(problem, dict):
        raise ValueError(f"it answered {answer.status} with no problem object")  # noqa: TRY004  # see the top
    return RefusedError(problem, status=answer.status, retry_after=retry_after(answer))


def retry_after(answer: Answer) -> float | None:
    """Seconds, where the answer says some. A date there is not understood: only proxies send one."""
    said = answer.headers.get("retry-after", "")
    return float(said) if said.isascii() and said.isdecimal() and len(said) < 8 else None


def media_type(content_type: str) -> str:
    """`application/json` of `application/json; charset=utf-8`."""
    return content_type.partition(";")[0].strip().lower()
