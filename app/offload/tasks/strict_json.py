"""Rejects ambiguous JSON: a repeated name, NaN, and numbers beyond the range of a float.

RFC 8259 leaves all three to the reader: pydantic takes the last of two names and reads 1e999 as infinity. A job's
parameters are stored and shown, so they must have one meaning.
"""

import json
from collections import Counter
from math import isinf
from typing import NoReturn

from pydantic import ValidationError


def reject_ambiguous(body: bytes, title: str) -> None:
    """Raise a `ValidationError` with this title for ambiguous JSON.

    pydantic has read `body` before: it is JSON, at most 200 levels deep, with integers of at most 4300 digits.
    """
    try:
        DECODER.decode(body.decode())
    except ValueError as error:
        raise ValidationError.from_exception_data(
            title, [{"type": "value_error", "input": None, "ctx": {"error": error}}]
        ) from None


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
        raise ValueError(f"Numbers are finite and fit a double; {text[:100]} does not")
    return number


def _constant(text: str) -> NoReturn:
    raise ValueError(f"JSON has no {text}")


DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=_number, parse_constant=_constant)
"""Decodes unambiguous JSON. Raises ValueError for other text, and RecursionError for JSON that is nested too deep."""
