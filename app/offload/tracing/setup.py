"""Starts and ends tracing in the server."""

import asyncio
from collections.abc import Callable, Mapping, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import structlog
from fastapi.telemetry import TelemetryConfig

from offload import clock
from offload.jobs.interfaces import Traces
from offload.threads import run_in_thread
from offload.tracing.environment import configuration_problem, traces_requested

OFF: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}
"""FastAPI's configuration without tracing."""

CLOSE_S = 0.5
"""How long the end of the service waits for the collector to accept the last spans."""

MISSING = "The OpenTelemetry SDK is not installed: run pip install '.[telemetry]' in the clone of Offload."

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Tracing:
    """Tracing in progress. `config` is for FastAPI, which traces requests."""

    config: TelemetryConfig
    traces: Traces
    _shut_down: Callable[[], None]
    _abort: Callable[[], None]

    async def close(self) -> None:
        """Sends the remaining spans, for at most `CLOSE_S` seconds."""
        with suppress(TimeoutError):
            await asyncio.wait_for(run_in_thread(self._shut_down), CLOSE_S)
        self._abort()


def start_tracing(environ: Mapping[str, str]) -> Tracing | None:
    """Starts tracing if these variables request it, else returns None.

    If the request can't be met, logs a warning and returns None. The variables are often set for all programs of a
    machine, so they must not prevent a start.
    """
    if not traces_requested(environ):
        return None
    why = configuration_problem(environ)
    if why is None:
        try:
            return _start()
        except ImportError:
            why = MISSING
        except Exception as error:  # the SDK raises various errors for wrong variables
            why = f"{error}"
    log.warning("traces are disabled", why=why)
    return None


def _start() -> Tracing:
    # These import the SDK, so only when it is used.
    from offload.tracing import export  # noqa: PLC0415
    from offload.tracing.collector_status import LastError, StatusExporter  # noqa: PLC0415
    from offload.tracing.job_spans import JobTraces, SpanIds  # noqa: PLC0415

    ids, last_error = SpanIds(), LastError()
    exporter = export.create_exporter()
    export.redirect_errors(last_error)
    provider = export.create_provider(export.SpanSender(StatusExporter(exporter, last_error)), ids)
    config: TelemetryConfig = {
        **OFF,
        "tracing": True,
        "tracer_provider": provider,
        "operation_spans": False,  # a fast route has no such steps, and those of others are not useful
        "auto_configure": False,  # it would take half a minute to stop while the collector is unreachable
        "exclude": _is_a_probe,
    }
    return Tracing(config, JobTraces(provider, ids, clock.now), provider.shutdown, exporter.shutdown)


def _is_a_probe(scope: MutableMapping[str, Any]) -> bool:  # FastAPI's type
    """Returns True for requests that monitoring sends every few seconds."""
    path: str = scope["path"].removeprefix(scope.get("root_path", ""))
    return path.startswith("/health/") or path == "/metrics"
