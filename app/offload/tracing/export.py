"""The way of spans out of a process: the SDK's own, set by its own variables, but for what is said here."""

import logging
import os

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.environment_variables import OTEL_BSP_SCHEDULE_DELAY
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator

from offload import __version__

SOON_MS = 1000
"""How long a span waits for others to be sent with. The SDK's 5 s would be lost with each lane that is killed."""

EXPORTER = "opentelemetry.exporter"
"""The loggers of exporters. Each failing try is a line, several a minute for as long as the collector is gone."""


class Outbox(BatchSpanProcessor):
    """Sends spans from a thread of its own; what waits is bounded by the SDK."""

    def __init__(self, exporter: SpanExporter) -> None:
        super().__init__(exporter, schedule_delay_millis=None if os.environ.get(OTEL_BSP_SCHEDULE_DELAY) else SOON_MS)
        self.closed = False

    def shutdown(self) -> None:
        self.closed = True
        super().shutdown()  # type: ignore[no-untyped-call]  # the SDK's own


def provider(outbox: Outbox, ids: IdGenerator | None = None) -> TracerProvider:
    """Makes the tracers of this process. It is for its owner to shut down, not for Python's exit."""
    ours = Resource({"service.name": "offload", "service.version": __version__, "process.pid": os.getpid()})
    # What the environment says of the service counts for more than what is said here.
    made = TracerProvider(
        resource=Resource.create().merge(ours).merge(OTELResourceDetector().detect()),
        id_generator=ids,
        shutdown_on_exit=False,
    )
    made.add_span_processor(outbox)
    return made


def exporter() -> SpanExporter:
    """Sends to the collector. Raises whatever the SDK raises at variables that make no sense."""
    return OTLPSpanExporter()


def hush(listener: logging.Handler) -> None:
    """Has the exporter speak to this listener alone."""
    logger = logging.getLogger(EXPORTER)
    logger.handlers = [listener]
    logger.propagate = False
