"""RFC 3339 times, as clients read and write them. Inside the service, times are microseconds since the epoch, UTC."""

import re
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d++)?(Z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE)


def written(at: int) -> str:
    """Formats a time with six decimal places and `Z`."""
    return f"{(_EPOCH + timedelta(microseconds=at)).isoformat(timespec='microseconds')[:26]}Z"


def read(text: str) -> int:
    """Parses a time from a query string, where the `+` of an offset may arrive as a space. Raises ValueError."""
    if len(text) > len("2026-11-22") and text[10] in "Tt":
        text = text.replace(" ", "+")
    if not _RFC3339.fullmatch(text):
        raise ValueError("Input should be a time with its zone, such as 2026-11-22T09:00:00Z")
    return (datetime.fromisoformat(text.upper()) - _EPOCH) // timedelta(microseconds=1)
