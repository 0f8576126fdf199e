"""Refuses JSON that is read in more than one way: a name given twice, NaN, and numbers past a float's range.

RFC 8259 leaves all three to the reader, so pydantic takes the last of two names and makes infinity of 1e999. A job's
parameters are stored and shown; they must mean one thing.
"""

import json
from collections import Counter
from math import isinf
from typing import NoReturn

from pydantic import ValidationError


def refuse_ambiguous(body: bytes, title: str) -> None:
    """Raises a `ValidationError` titled `title` for what is said above.

    `body` has been read by pydantic before: it is JSON, at most 200 levels deep, with integers of at most 4300 digits.
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
"""Reads JSON that means one thing; raises ValueError for any other, and RecursionError for what is too deep."""
