"""When the variables of OpenTelemetry request traces, and which requests can't be met."""

from collections.abc import Mapping

import pytest

from offload.tracing.environment import configuration_problem, traces_requested

GENERAL, TRACES = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
URL = "http://localhost:4318"


@pytest.mark.parametrize("name", [GENERAL, TRACES])
def test_an_endpoint_requests_traces(name: str) -> None:
    assert traces_requested({name: URL})
    assert configuration_problem({name: URL}) is None


@pytest.mark.parametrize(
    "more",
    [
        {GENERAL: ""},
        {GENERAL: " "},
        {GENERAL: URL, "OTEL_SDK_DISABLED": "TRUE"},
        {GENERAL: URL, "OTEL_TRACES_EXPORTER": "none"},
        {"OTEL_SERVICE_NAME": "offload"},
    ],
)
def test_traces_are_not_requested_without_endpoint_or_if_disabled(more: Mapping[str, str]) -> None:
    assert not traces_requested(more)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({GENERAL: "localhost:4318"}, f"{GENERAL}=localhost:4318: write an http or https address"),
        ({TRACES: "grpc://x", GENERAL: URL}, f"{TRACES}=grpc://x: write an http"),
        ({GENERAL: "http://[::1"}, f"{GENERAL}=http://[::1: write an http"),
        ({GENERAL: URL, "OTEL_TRACES_EXPORTER": "console"}, "OTEL_TRACES_EXPORTER=console: write otlp"),
        (
            {GENERAL: URL, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            "OTEL_EXPORTER_OTLP_PROTOCOL=grpc: write http/protobuf",
        ),
    ],
)
def test_a_configuration_problem_says_what_to_write(more: Mapping[str, str], why: str) -> None:
    assert traces_requested(more)
    assert (configuration_problem(more) or "").startswith(why)


def test_the_variable_for_traces_takes_precedence() -> None:
    both = {GENERAL: URL, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf"}
    assert configuration_problem(both) is None
