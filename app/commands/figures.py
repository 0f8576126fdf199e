"""Times and sizes as people read them."""

from datetime import UTC, datetime

UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def duration(seconds: float | None) -> str:
    """Two figures at least, never more than two units."""
    if seconds is None:
        return ""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = int(seconds) // 60
    if minutes < 60:
        return f"{minutes} min {int(seconds) % 60} s"
    hours = minutes // 60
    return f"{hours} h {minutes % 60} min" if hours < 48 else f"{hours // 24} days"


def ago(at: datetime) -> str:
    """How long since a moment of the service's clock, by the one here."""
    seconds = max(0.0, (datetime.now(UTC) - at).total_seconds())
    return "now" if seconds < 1 else f"{duration(int(seconds))} ago"


def size(count: float | None) -> str:
    """Bytes, in the unit that leaves no more than four figures."""
    if count is None:
        return ""
    units = iter(UNITS)
    unit = next(units)
    while count >= 1024 and (larger := next(units, None)):
        count, unit = count / 1024, larger
    return f"{count:.0f} {unit}" if unit == "B" or count >= 10 else f"{count:.1f} {unit}"
