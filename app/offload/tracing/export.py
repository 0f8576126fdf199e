"""Sends spans from a process with the SDK, configured by its own variables except for the settings here."""

import logging
import os

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.environment_variables import OTEL_BSP_SCHEDULE_DELAY
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator

from offload import __version__

SEND_DELAY_MS = 1000
"""How long spans are collected before they are sent. A killed lane loses them, so it is less than the SDK's 5 s."""

EXPORTER_LOGGER = "opentelemetry.exporter"
"""The logger of exporters. It logs every failed attempt, several per minute while the collector is unreachable."""


class SpanSender(BatchSpanProcessor):
    """Sends spans from its own thread. The SDK limits the number of waiting spans."""

    def __init__(self, exporter: SpanExporter) -> None:
        super().__init__(
            exporter, schedule_delay_millis=None if os.environ.get(OTEL_BSP_SCHEDULE_DELAY) else SEND_DELAY_MS
        )
        self.closed = False

    def shutdown(self) -> None:
        self.closed = True
        super().shutdown()  # type: ignore[no-untyped-call]  # the SDK has no annotation


def create_provider(sender: SpanSender, ids: IdGenerator | None = None) -> TracerProvider:
    """Returns the tracer provider of this process. The caller must shut it down; Python's exit does not."""
    defaults = Resource({"service.name": "offload", "service.version": __version__, "process.pid": os.getpid()})
    # The environment takes precedence over the defaults.
    provider = TracerProvider(
        resource=Resource.create().merge(defaults).merge(OTELResourceDetector().detect()),
        id_generator=ids,
        shutdown_on_exit=False,
    )
    provider.add_span_processor(sender)
    return provider


def create_exporter() -> SpanExporter:
    """Returns the exporter to the collector. Raises the SDK's errors for invalid variables."""
    return OTLPSpanExporter()


def redirect_errors(handler: logging.Handler) -> None:
    """Makes exporters log to this handler only."""
    logger = logging.getLogger(EXPORTER_LOGGER)
    logger.handlers = [handler]
    logger.propagate = False
