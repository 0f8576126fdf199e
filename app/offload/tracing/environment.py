"""Whether the standard variables of OpenTelemetry request traces."""

from collections.abc import Mapping
from urllib.parse import urlsplit

_SIGNAL, _GENERAL = "OTEL_EXPORTER_OTLP_TRACES_", "OTEL_EXPORTER_OTLP_"


def traces_requested(environ: Mapping[str, str]) -> bool:
    """Returns True if the variables name a collector and don't disable traces."""
    disabled = environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    return not disabled and _exporter(environ) != "none" and _set(environ, "ENDPOINT") is not None


def configuration_problem(environ: Mapping[str, str]) -> str | None:
    """Returns a sentence that says what to change if the requested traces can't be sent, else None."""
    name, endpoint = _set(environ, "ENDPOINT") or ("", "")
    if not _is_address(endpoint):
        return f"{name}={endpoint}: write an http or https address, e.g. http://localhost:4318."
    if (exporter := _exporter(environ)) != "otlp":
        return f"OTEL_TRACES_EXPORTER={exporter}: write otlp, or none for no traces."
    name, protocol = _set(environ, "PROTOCOL") or ("", "http/protobuf")
    if protocol != "http/protobuf":
        return f"{name}={protocol}: write http/protobuf, and set the collector's address for it (usually port 4318)."
    return None


def _is_address(endpoint: str) -> bool:
    try:
        url = urlsplit(endpoint)
    except ValueError:
        return False
    return url.scheme in {"http", "https"} and bool(url.hostname)


def _exporter(environ: Mapping[str, str]) -> str:
    return environ.get("OTEL_TRACES_EXPORTER", "").strip().lower() or "otlp"


def _set(environ: Mapping[str, str], suffix: str) -> tuple[str, str] | None:
    """Returns the name and value of the effective variable: the one for traces, else the general one."""
    names = (_SIGNAL + suffix, _GENERAL + suffix)
    return next(((name, value) for name in names if (value := environ.get(name, "").strip())), None)
