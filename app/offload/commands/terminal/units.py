"""Formats durations, ages and sizes."""

from datetime import UTC, datetime

UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def duration(seconds: float | None) -> str:
    """Formats seconds with at least two digits and at most two units."""
    if seconds is None:
        return ""
    if seconds < 0.01:
        return f"{seconds * 1000:.1f} ms"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, left = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {left} s" if left else f"{minutes} min"
    hours, left = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {left} min" if left else f"{hours} h"
    return f"{hours // 24} days"


def ago(at: datetime) -> str:
    """Formats the age of a time in one unit: `3 min ago`."""
    seconds = max(0, int((datetime.now(UTC) - at).total_seconds()))
    for unit, length in (("days", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        if seconds >= length * (2 if unit == "days" else 1):
            return f"{seconds // length} {unit} ago"
    return "now"


def size(count: float | None) -> str:
    """Formats bytes in the largest unit below four digits."""
    if count is None:
        return ""
    units = iter(UNITS)
    unit = next(units)
    while count >= 1024 and (larger := next(units, None)):
        count, unit = count / 1024, larger
    return f"{count:.0f} {unit}" if unit == "B" or count >= 10 else f"{count:.1f} {unit}"
