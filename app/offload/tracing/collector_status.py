"""What the log says of a collector that takes no spans: once that it is so, and once that it is so no longer."""

import logging
from collections.abc import Sequence

import structlog
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

log = structlog.get_logger()


class Why(logging.Handler):
    """Remembers what the exporter said last."""

    def __init__(self) -> None:
        super().__init__()
        self.last = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.last = record.getMessage()


class Telling(SpanExporter):
    """Tells of the success of another exporter, which `why` listens to."""

    def __init__(self, exporter: SpanExporter, why: Why) -> None:
        self._exporter = exporter
        self._why = why
        self._lost = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._exporter.export(spans)
        if result is SpanExportResult.SUCCESS:
            if self._lost:
                log.info("traces are taken again", lost_spans=self._lost)
            self._lost = 0
        else:
            if not self._lost:
                log.warning("traces are not taken; jobs go on without", why=self._why.last)
            self._lost += len(spans)
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()
