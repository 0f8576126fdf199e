"""From whatever a task raised to a `Fault`: bounded text that any JSON can carry."""

import traceback
from types import TracebackType

from offload.tasks.faults import TaskFaultError
from offload.wire.messages import Fault

NAME_BYTES = 200
MESSAGE_BYTES = 2000
TRACEBACK_BYTES = 8000

FRAMES = 200
"""Of a deeper stack only the last so many are read: a hundred thousand would take a second."""

OURS = "offload."


def fault(error: BaseException) -> Fault:
    """Tells what `error` is. Never raises, whatever its class does when it is looked at."""
    try:
        name = _name(type(error))
        if isinstance(error, MemoryError):
            message = str(error) or "an allocation failed"
            return Fault(
                "memory-exceeded", cut(f"The task ran out of memory: {message}.", MESSAGE_BYTES), name, told(error)
            )
        if isinstance(error, TaskFaultError):
            return Fault(error.kind, cut(str(error), MESSAGE_BYTES), name, told(error))
        return Fault("task-raised", cut(_sentence(error, name), MESSAGE_BYTES), name, told(error))
    except BaseException:  # its own code ran, and that may raise anything
        return Fault("task-raised", "The task raised an exception that can't be described.")


def told(error: BaseException) -> str | None:
    """The traceback as text, from the task's own first frame on; None where there is no making sense of it."""
    try:
        stack = _without_ours(error.__traceback__)
        report = traceback.TracebackException(type(error), error, stack, limit=-FRAMES, compact=True)
        return cut("".join(report.format()), TRACEBACK_BYTES)
    except Exception:  # an attribute that is not what it should be, or groups in groups without end
        return None


def cut(text: str, size: int) -> str:
    """At most `size` bytes of UTF-8: head and tail where the middle had to go, escapes for lone surrogates."""
    whole = len(text) <= size
    if not whole:  # before encoding, since it may be a gigabyte
        text = text[:size] + text[-size:]
    encoded = text.encode(errors="backslashreplace")
    if whole and len(encoded) <= size:
        return encoded.decode()
    gap = b"\n[...]\n"
    half = (size - len(gap)) // 2
    return (encoded[:half] + gap + encoded[-half:]).decode(errors="ignore")


def _sentence(error: BaseException, name: str) -> str:
    if isinstance(error, SystemExit):
        return f"The task called sys.exit({error.code!r}); a task ends by returning."
    try:
        message = str(error)
    except Exception:  # the task's own __str__
        message = "(its message can't be read)"
    return f"{name}: {message}" if message else name


def _name(kind: type[BaseException]) -> str:
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return cut(name, NAME_BYTES)


def _without_ours(stack: TracebackType | None) -> TracebackType | None:
    """Leaves out the frames through which we called the task; all of them stay where the task itself is ours."""
    inner = stack
    while inner is not None and str(inner.tb_frame.f_globals.get("__name__", "")).startswith(OURS):
        inner = inner.tb_next
    return inner or stack
