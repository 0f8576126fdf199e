"""Configures logging: structlog and the standard library's loggers write one stream on stderr, as text or JSON."""

import logging
import sys
import time
from typing import Literal

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

OPENTELEMETRY_LOGGERS = (
    "opentelemetry.trace.propagation.tracecontext",
    "opentelemetry.baggage.propagation",
    "opentelemetry.sdk._shared_internal",
)
"""They log a warning for each invalid header and for each span that the full queue of spans drops."""

REPEAT_INTERVAL_S = 10.0
"""Minimum time between two equal lines that clients can cause as often as they like."""


def configure(style: Literal["console", "json"], level: str, *, traced: bool = False) -> None:
    """Sends all log lines to stderr.

    Each has its time, level, logger and fields such as `job_id`; with `traced`, also the trace id of its request.
    """
    fields = _field_processors(traced=traced)
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=fields,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_renderers(style)],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    _configure_libraries(root.level)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *fields,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(root.level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def _field_processors(*, traced: bool) -> list[Processor]:
    processors: list[Processor] = [
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if traced:
        from offload.tracing.log_fields import add_trace_id  # noqa: PLC0415  # imports OpenTelemetry

        processors.append(add_trace_id)
    return processors


def _renderers(style: Literal["console", "json"]) -> list[Processor]:
    if style == "json":
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    return [
        structlog.processors.format_exc_info,
        escape_unprintable,
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback),
    ]


def _configure_libraries(level: int) -> None:
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers = []
        logging.getLogger(name).propagate = True
        logging.getLogger(name).setLevel(logging.NOTSET)  # the command `uvicorn` sets its own level
    logging.getLogger("uvicorn.error").setLevel(max(logging.WARNING, level))
    for name in ("uvicorn.error", "offload.api.transport.authentication", *OPENTELEMETRY_LOGGERS):
        logging.getLogger(name).filters = [RepeatFilter()]
    logging.getLogger("python_multipart").setLevel(logging.ERROR)  # it logs a warning for each malformed form


def escape_unprintable(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Escapes characters that would move a terminal's cursor, change its colours or start another line.

    The lines of a traceback are kept and indented. JSON does not need this.
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
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


class RepeatFilter(logging.Filter):
    """Passes one line of a kind per `REPEAT_INTERVAL_S`. The next one has the number of omitted lines as `left_out`.

    Lines with a traceback always pass, since they are faults of the service.
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
        if now - self._last.get(kind, -REPEAT_INTERVAL_S) < REPEAT_INTERVAL_S:
            self._left_out[kind] = self._left_out.get(kind, 0) + 1
            return False
        self._last[kind] = now
        if (left_out := self._left_out.pop(kind, 0)) and isinstance(record.msg, dict):
            record.msg["left_out"] = left_out
        return True
