"""Turns pydantic's validation errors into `invalid-parameters` problems."""

from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from offload.errors import InvalidParametersError

MAX_ERRORS = 20
"""Maximum number of errors in a response: a body may have a hundred thousand wrong items."""

MAX_CHARS = 300
"""Maximum characters of a name or message: both may contain input of the client."""


def invalid_model(error: ValidationError, *where: str | int, known: Collection[str] = ()) -> InvalidParametersError:
    """Returns the problem for a model that failed validation at `where` in the request (`"body"`, `"query"`).

    `known` are the valid names, of which the closest is suggested for a misspelt one.
    """
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return invalid([{**one, "loc": (*where, *one["loc"])} for one in found], known=known)


def invalid(found: Sequence[Mapping[str, Any]], *, known: Collection[str] = ()) -> InvalidParametersError:
    """Returns the problem for pydantic's list of errors. Of the input, it contains only the names of locations."""
    errors: list[dict[str, Any]] = [
        {"loc": [_short(part) for part in one["loc"]], "msg": _short(_message(one, known))}
        for one in found[:MAX_ERRORS]
    ]
    loc: list[int | str] = errors[0]["loc"]
    place = ".".join(str(part) for part in loc[1:] or loc)
    more = f" (And {len(found) - 1} more.)" if len(found) > 1 else ""
    msg = errors[0]["msg"].removesuffix(".")
    return InvalidParametersError(f"{place}: {msg}.{more}", errors=errors)


def _message(one: Mapping[str, Any], known: Collection[str]) -> str:
    if one["type"] != "extra_forbidden" or not known:
        return str(one["msg"]).removeprefix("Value error, ")
    close = get_close_matches(str(one["loc"][-1])[:MAX_CHARS], known, n=1)
    return "Unknown name; " + (f"did you mean {close[0]}?" if close else f"valid names are {', '.join(sorted(known))}")


def _short(part: int | str) -> int | str:
    return part[: MAX_CHARS - 1] + "…" if isinstance(part, str) and len(part) > MAX_CHARS else part
