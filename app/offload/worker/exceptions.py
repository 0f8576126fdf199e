"""Converts what a task raised to a `Fault`: text of limited length that fits in any JSON."""

import traceback
from types import TracebackType

from offload.tasks.faults import TaskFaultError
from offload.wire.messages import Fault

NAME_BYTES = 200
MESSAGE_BYTES = 2000
TRACEBACK_BYTES = 8000

FRAMES = 200
"""How many frames of a stack are read, the last ones. A hundred thousand would take a second."""

OUR_PACKAGE = "offload."


def to_fault(error: BaseException) -> Fault:
    """Describe an exception. Raise nothing, whatever the exception's own methods do."""
    try:
        name = _name(type(error))
        if isinstance(error, MemoryError):
            kind, detail = "memory-exceeded", f"The task ran out of memory: {str(error) or 'an allocation failed'}."
        elif isinstance(error, TaskFaultError):
            kind, detail = error.kind, str(error)
        else:
            kind, detail = "task-raised", _detail(error, name)
        return Fault(kind, truncate(detail, MESSAGE_BYTES), name, format_traceback(error))
    except BaseException:  # the exception's own methods may raise anything
        return Fault("task-raised", "The task raised an exception that can't be described.")


def format_traceback(error: BaseException) -> str | None:
    """Return the traceback as text, from the task's own first frame on; None when it can't be formatted."""
    try:
        stack = _without_ours(error.__traceback__)
        report = traceback.TracebackException(type(error), error, stack, limit=-FRAMES, compact=True)
        return truncate("".join(report.format()), TRACEBACK_BYTES)
    except Exception:  # an attribute of the wrong type, or exception groups nested too deeply
        return None


def truncate(text: str, size: int) -> str:
    """Return at most `size` bytes of UTF-8. A longer text loses its middle; lone surrogates are escaped."""
    whole = len(text) <= size
    if not whole:  # before encoding: the text may be a gigabyte
        text = text[:size] + text[-size:]
    encoded = text.encode(errors="backslashreplace")
    if whole and len(encoded) <= size:
        return encoded.decode()
    gap = b"\n[...]\n"
    half = (size - len(gap)) // 2
    return (encoded[:half] + gap + encoded[-half:]).decode(errors="ignore")


def _detail(error: BaseException, name: str) -> str:
    if isinstance(error, SystemExit):
        return f"The task called sys.exit({error.code!r}). A task ends by returning."
    try:
        message = str(error)
    except Exception:  # from the exception's own __str__
        message = "(its message can't be read)"
    return f"{name}: {message}" if message else name


def _name(kind: type[BaseException]) -> str:
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return truncate(name, NAME_BYTES)


def _without_ours(stack: TracebackType | None) -> TracebackType | None:
    """Skip the frames that lead to the task. Keep all of them when the task itself is ours."""
    inner = stack
    while inner is not None and str(inner.tb_frame.f_globals.get("__name__", "")).startswith(OUR_PACKAGE):
        inner = inner.tb_next
    return inner or stack
