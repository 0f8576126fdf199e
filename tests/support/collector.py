"""A collector of traces: OTLP over HTTP, decoded by the protocol's own package."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from tests.support.waiting import until_sync

Value = str | int | float | bool


@dataclass(frozen=True)
class Span:
    """A span that was sent."""

    name: str
    trace: str
    id: str
    parent: str
    begin: int
    end: int
    facts: dict[str, Value]
    error: str | None
    """The description of the status, if it is an error."""
    links: Sequence[str]
    resource: dict[str, Value]
    """The resource attributes of the process that sent it."""


class Collector:
    """Receives spans at its own port. With `stuck`, it accepts requests and responds only when it is closed."""

    def __init__(self, *, stuck: bool = False) -> None:
        self.spans: list[Span] = []
        self.requests = 0
        self._free = threading.Event()
        if not stuck:
            self._free.set()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # the name that the base class calls
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.requests += 1
                collector._free.wait()
                if self.path == "/v1/traces":
                    collector.spans += spans_of(body)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name in the base class
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=[0.05], daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._free.set()
        self._server.shutdown()
        self._server.server_close()

    def sent(self, *names: str) -> None:
        """Waits for spans of these names."""
        until_sync(lambda: set(names) <= {span.name for span in self.spans}, within=20, what=f"spans {names}")

    def trace_of(self, job_id: str, *names: str) -> list[Span]:
        """Waits for spans of these names. Returns all spans of the job's trace in order of their start."""

        def whole() -> list[Span] | None:
            traces = {span.trace for span in self.spans if span.facts.get("offload.job.id") == job_id}
            found = sorted((span for span in self.spans if span.trace in traces), key=lambda span: span.begin)
            there = [span.name for span in found]
            return found if all(there.count(name) >= names.count(name) for name in names) else None

        return until_sync(whole, within=20, what=f"spans {names} of {job_id}, of {[span.name for span in self.spans]}")


def spans_of(body: bytes) -> list[Span]:
    return [
        Span(
            name=span.name,
            trace=span.trace_id.hex(),
            id=span.span_id.hex(),
            parent=span.parent_span_id.hex(),
            begin=span.start_time_unix_nano,
            end=span.end_time_unix_nano,
            facts=facts(span.attributes),
            error=span.status.message if span.status.code == Status.STATUS_CODE_ERROR else None,
            links=[link.span_id.hex() for link in span.links],
            resource=facts(resource.resource.attributes),
        )
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def facts(attributes: Sequence[KeyValue]) -> dict[str, Value]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value") or "string_value") for each in attributes}
