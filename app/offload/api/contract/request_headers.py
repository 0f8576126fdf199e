"""`Accept`, `Prefer: wait=N` (RFC 7240) and `Idempotency-Key`."""

import re
from typing import Annotated

from fastapi import Header
from pydantic import Field
from starlette.datastructures import Headers

from offload.api.contract.queries import MAX_WAIT_S, never_null
from offload.errors import InvalidParametersError

KEY_PATTERN = r"^[!-~]{1,255}$"

PreferHeader = Annotated[
    str | None,
    Header(
        alias="Prefer",
        description=f"`wait=N`: respond when the job has finished, or after N seconds (at most {MAX_WAIT_S})",
        json_schema_extra=never_null,
    ),
]

KeyHeader = Annotated[
    Annotated[str, Field(pattern=KEY_PATTERN)] | None,
    Header(
        alias="Idempotency-Key",
        description="makes repeating a request safe: the same key returns the same job, for at least a day",
        json_schema_extra=never_null,
    ),
]

_NEVER = re.compile(r"\s*+q=0(\.0*+)?\s*+", re.IGNORECASE)

_PREFERENCE = re.compile(r'(?:"(?:[^"\\]++|\\.)*+"?|[^",]++)++', re.DOTALL)
"""One preference, up to the next comma outside of quotes. A string without its closing quote matches to the end. The
possessive quantifiers never try a character twice, so the time is linear for any header."""


def accepts(headers: Headers, media_type: str) -> bool:
    """Returns True where `Accept` names this media type with any quality but 0.

    Wildcards do not count: they leave the choice to the service.
    """
    for accepted in ",".join(headers.getlist("accept")).split(","):
        named, *parameters = accepted.split(";")
        if named.strip().lower() == media_type:
            return not any(map(_NEVER.fullmatch, parameters))
    return False


def preferred_wait(prefer: str | None) -> int | None:
    """Returns the seconds of the first `wait` preference, cut to `MAX_WAIT_S`; None without a valid one.

    Malformed preferences are ignored, as the RFC requires.
    """
    for preference in _PREFERENCE.findall(prefer or ""):
        name, _, value = preference.partition(";")[0].partition("=")
        if name.strip().lower() == "wait":
            seconds = value.strip().strip('"')
            return min(int(seconds[:9]), MAX_WAIT_S) if re.fullmatch(r"[0-9]++", seconds) else None
    return None


def checked_key(key: str | None) -> str | None:
    """Returns the key. Raises `InvalidParametersError` where it is not 1 to 255 visible ASCII characters."""
    if key is not None and not re.fullmatch(KEY_PATTERN, key):
        msg = "An idempotency key is 1 to 255 visible ASCII characters"
        raise InvalidParametersError(msg, errors=[{"loc": ["header", "idempotency-key"], "msg": msg}])
    return key
