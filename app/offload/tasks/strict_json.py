"""Rejects ambiguous JSON: a repeated name, NaN, and numbers beyond the range of a float. Writes JSON compactly.

RFC 8259 leaves all three to the reader: pydantic takes the last of two names, and reads 1e999 and, for a float, an
integer of 400 digits as infinity, which it then writes as null. A job's
parameters are stored and shown, so they must have one meaning.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from math import isfinite, isinf
from typing import Any, NoReturn

from pydantic import BaseModel, ValidationError
from pydantic_core import InitErrorDetails

_QUOTE = ord('"')

_ZEROS = bytes.maketrans(b"123456789", b"000000000")

_TOO_LONG = b"0" * 309
"""Integers of fewer digits are in the range of a float."""

_BLANKS = b" \t\n\r"

_TEXT_OR_BLANKS = re.compile(rb'"(?:[^"\\]++|\\.)*+"?+|[ \t\n\r]++')

_write_text = json.JSONEncoder(ensure_ascii=False).encode

Place = tuple[str | int, ...]


def compact(body: bytes) -> bytes:
    """Return JSON without whitespace between its values, and with text that is escaped only where it must be.

    Everything else is kept: the order of names, and the digits of each number. `body` is valid JSON.
    """
    if b"\\" in body:
        return _TEXT_OR_BLANKS.sub(_compact, body)
    parts = body.split(b'"')
    parts[::2] = [part.translate(None, _BLANKS) for part in parts[::2]]  # the others are text
    return b'"'.join(parts)


def _compact(found: re.Match[bytes]) -> bytes:
    token = found[0]
    if token[0] != _QUOTE:
        return b""
    # A lone surrogate stays an escape.
    return _write_text(json.loads(token)).encode(errors="backslashreplace") if b"\\" in token else token


def reject_ambiguous(body: bytes, read: BaseModel) -> None:
    """Raise a `ValidationError` for ambiguous JSON, and for an integer that was read as an infinite float.

    pydantic has read `body` as `read`: it is JSON, at most 200 levels deep, with integers of at most 4300 digits.
    """
    try:
        DECODER.decode(body.decode())
    except NotFiniteError as error:
        raise _invalid(read, error, _infinite(read) or ()) from None
    except ValueError as error:
        raise _invalid(read, error, ()) from None
    if _TOO_LONG in body.translate(_ZEROS) and (place := _infinite(read)) is not None:
        raise _invalid(read, NotFiniteError("Numbers are finite and fit a double; this integer does not"), place)


def _invalid(read: BaseModel, error: ValueError, place: Place) -> ValidationError:
    details = InitErrorDetails(type="value_error", loc=place, input=None, ctx={"error": error})
    return ValidationError.from_exception_data(type(read).__name__, [details])


def _infinite(value: object) -> Place | None:
    """Return the place of the first float in a validated value that is not finite, by the names in JSON."""
    if isinstance(value, float):
        return None if isfinite(value) else ()
    for name, member in _members(value):
        if (place := _infinite(member)) is not None:
            return (name, *place)
    return None


def _members(value: Any) -> Iterable[tuple[str | int, object]]:  # Any: a parameter may be of any type
    """Yield what a value consists of. Defaults are left out: they are not in the JSON, and may be infinite."""
    if isinstance(value, BaseModel):
        declared = type(value).model_fields
        for name in value.model_fields_set:
            yield (declared[name].alias or name if name in declared else name), getattr(value, name)
    elif isinstance(value, dict):
        for key, member in value.items():
            yield str(key), key
            yield str(key), member
    elif isinstance(value, list | tuple | set | frozenset):
        yield from enumerate(value)
    elif is_dataclass(value):
        for field in fields(value):
            if (member := getattr(value, field.name)) != field.default:
                yield field.name, member


class NotFiniteError(ValueError):
    """A number in JSON is beyond the range of a float, or NaN."""


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = next(name for name, count in counts.items() if count > 1)
        raise ValueError(f"Each name may be given once; {json.dumps(twice[:100])} is given twice")
    return members


def _number(text: str) -> float:
    number = float(text)
    if isinf(number):
        raise NotFiniteError(f"Numbers are finite and fit a double; {text[:100]} does not")
    return number


def _constant(text: str) -> NoReturn:
    raise NotFiniteError(f"JSON has no {text}")


DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=_number, parse_constant=_constant)
"""Decodes unambiguous JSON. Raises ValueError for other text, and RecursionError for JSON that is nested too deep."""
