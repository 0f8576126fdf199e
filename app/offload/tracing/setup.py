"""Tracing at the front desk, from what the environment says to the last span that is sent."""

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
from offload.tracing.environment import hindrance, wanted

OFF: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}
"""For FastAPI, where nothing is traced."""

CLOSE_S = 0.5
"""How long the end of the service waits for the collector to take the last spans."""

MISSING = "What sends them is not installed: pip install '.[telemetry]', in the clone of Offload."

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Tracing:
    """Traces are wanted, and can be sent. `config` is for FastAPI, which traces requests."""

    config: TelemetryConfig
    traces: Traces
    _shut_down: Callable[[], None]
    _give_up: Callable[[], None]

    async def close(self) -> None:
        """Sends what there is, for `CLOSE_S` at most."""
        with suppress(TimeoutError):
            await asyncio.wait_for(run_in_thread(self._shut_down), CLOSE_S)
        self._give_up()


def start_tracing(environ: Mapping[str, str]) -> Tracing | None:
    """As these variables want it; None for none.

    Where they want what can't be done, that is a warning: they are often set for all programs of a machine, and for
    the sake of traces no service should stay away.
    """
    if not wanted(environ):
        return None
    why = hindrance(environ)
    if why is None:
        try:
            return _begin()
        except ImportError:
            why = MISSING
        except Exception as error:  # the SDK judges its own variables, each in its own way
            why = f"{error}"
    log.warning("nothing is traced", why=why)
    return None


def _begin() -> Tracing:
    # The SDK: imported only where it is used.
    from offload.tracing import export  # noqa: PLC0415
    from offload.tracing.collector_status import Telling, Why  # noqa: PLC0415
    from offload.tracing.job_spans import Ids, JobTraces  # noqa: PLC0415

    ids, why = Ids(), Why()
    exporter = export.exporter()
    export.hush(why)
    provider = export.provider(export.Outbox(Telling(exporter, why)), ids)
    config: TelemetryConfig = {
        **OFF,
        "tracing": True,
        "tracer_provider": provider,
        "operation_spans": False,  # a lean route has no steps, and others' are of no interest
        "auto_configure": False,  # it would take half a minute to stop where the collector is gone
        "exclude": _is_a_probe,
    }
    return Tracing(config, JobTraces(provider, ids, clock.now), provider.shutdown, exporter.shutdown)


def _is_a_probe(scope: MutableMapping[str, Any]) -> bool:  # as FastAPI has it
    """What is asked every few seconds, by nobody who wants to see it."""
    path: str = scope["path"]
    return path.startswith("/health/") or path == "/metrics"
