"""Logging: structlog and the standard library's loggers in one stream on stderr, for people or as JSON lines."""

import logging
import sys
import time
from typing import Literal

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

OF_TRACES = (
    "opentelemetry.trace.propagation.tracecontext",
    "opentelemetry.baggage.propagation",
    "opentelemetry.sdk._shared_internal",
)
"""They warn of each header that makes no sense, and of each span that finds no room."""

SELDOM_S = 10.0
"""Between two lines of what any client can cause as often as it likes."""


def configure(style: Literal["console", "json"], level: str, *, traced: bool = False) -> None:
    """Sends every log line to stderr, each with time, level, logger's name and its own facts (`job_id`, …); where
    requests are traced, with the trace's id.
    """
    shared: list[Processor] = [
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if traced:
        from offload.tracing.log_fields import add_trace_id  # noqa: PLC0415  # only where it is used

        shared.append(add_trace_id)
    last: list[Processor]
    if style == "json":
        last = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    else:
        colors = sys.stderr.isatty()
        last = [
            structlog.processors.format_exc_info,
            printable,
            structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=structlog.dev.plain_traceback),
        ]
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last]
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers = []
        logging.getLogger(name).propagate = True
        logging.getLogger(name).setLevel(logging.NOTSET)  # the command `uvicorn` sets one of its own
    logging.getLogger("uvicorn.error").setLevel(max(logging.WARNING, root.level))
    for name in ("uvicorn.error", "offload.api.transport.authentication", *OF_TRACES):
        logging.getLogger(name).filters = [Seldom()]
    logging.getLogger("python_multipart").setLevel(logging.ERROR)  # it warns of each form that a client breaks
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(root.level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def printable(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Escapes, in all that is shown to people, what would move a terminal's cursor, colour it or begin another line.

    A traceback keeps its lines, set off from the events. JSON has no need of this.
    """
    for name, value in event.items():
        if name == "exception":
            event[name] = "\n".join(f"    {_escaped(line)}" for line in str(value).split("\n"))
        elif isinstance(value, str):
            event[name] = _escaped(value)
    return event


def _escaped(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in text)


class Seldom(logging.Filter):
    """Lets through one line of a kind in `SELDOM_S`, and says how many like it were left out since the last one.

    A traceback is a fault of ours and always let through.
    """

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[str, float] = {}
        self._left_out: dict[str, int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info:
            return True
        kind = str(record.msg["event"]) if isinstance(record.msg, dict) else str(record.msg)
        now = time.monotonic()
        if now - self._last.get(kind, -SELDOM_S) < SELDOM_S:
            self._left_out[kind] = self._left_out.get(kind, 0) + 1
            return False
        self._last[kind] = now
        if (left_out := self._left_out.pop(kind, 0)) and isinstance(record.msg, dict):
            record.msg["left_out"] = left_out
        return True
