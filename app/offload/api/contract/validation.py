"""What pydantic found wrong with a request, as the problem that tells it."""

from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from offload.errors import InvalidParametersError

MOST = 20
"""Errors told at most: a body of a hundred thousand wrong items has as many."""

LONGEST = 300
"""Characters told of a name or message: both may carry what the client sent."""


def invalid_model(error: ValidationError, *where: str | int, known: Collection[str] = ()) -> InvalidParametersError:
    """The problem for a model that did not validate, found at `where` in the request (`"body"`, `"query"`).

    `known` are the model's names, among which a misspelt one's meaning is guessed.
    """
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return invalid([{**one, "loc": (*where, *one["loc"])} for one in found], known=known)


def invalid(found: Sequence[Mapping[str, Any]], *, known: Collection[str] = ()) -> InvalidParametersError:
    """The problem for pydantic's list of errors. Nothing of the input is told but the names of its places."""
    errors: list[dict[str, Any]] = [
        {"loc": [_short(part) for part in one["loc"]], "msg": _short(_message(one, known))} for one in found[:MOST]
    ]
    loc: list[int | str] = errors[0]["loc"]
    place = ".".join(str(part) for part in loc[1:] or loc)
    more = f" (And {len(found) - 1} more.)" if len(found) > 1 else ""
    msg = errors[0]["msg"].removesuffix(".")
    return InvalidParametersError(f"{place}: {msg}.{more}", errors=errors)


def _message(one: Mapping[str, Any], known: Collection[str]) -> str:
    if one["type"] != "extra_forbidden" or not known:
        return str(one["msg"]).removeprefix("Value error, ")
    close = get_close_matches(str(one["loc"][-1])[:LONGEST], known, n=1)
    return "This is not known; " + (
        f"perhaps {close[0]} is meant" if close else f"known are {', '.join(sorted(known))}"
    )


def _short(part: int | str) -> int | str:
    return part[: LONGEST - 1] + "…" if isinstance(part, str) and len(part) > LONGEST else part
