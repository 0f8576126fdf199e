"""Logs once when the collector starts to reject spans, and once when it accepts them again."""

import logging
from collections.abc import Sequence

import structlog
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

log = structlog.get_logger()


class LastError(logging.Handler):
    """Keeps the last message that the exporter has logged."""

    def __init__(self) -> None:
        super().__init__()
        self.message = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.message = record.getMessage()


class StatusExporter(SpanExporter):
    """Wraps an exporter and logs changes of its success. `last_error` handles the exporter's log."""

    def __init__(self, exporter: SpanExporter, last_error: LastError) -> None:
        self._exporter = exporter
        self._last_error = last_error
        self._lost = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._exporter.export(spans)
        if result is SpanExportResult.SUCCESS:
            if self._lost:
                log.info("the collector accepts traces again", lost_spans=self._lost)
            self._lost = 0
        else:
            if not self._lost:
                log.warning("the collector does not accept traces; jobs are not affected", why=self._last_error.message)
            self._lost += len(spans)
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()
