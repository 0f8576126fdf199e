"""Whether traces are wanted: by the variables that OpenTelemetry has defined for all programs."""

from collections.abc import Mapping
from urllib.parse import urlsplit

_SIGNAL, _GENERAL = "OTEL_EXPORTER_OTLP_TRACES_", "OTEL_EXPORTER_OTLP_"


def wanted(environ: Mapping[str, str]) -> bool:
    """True where they name a collector, and say nothing to the contrary."""
    disabled = environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    return not disabled and _exporter(environ) != "none" and _set(environ, "ENDPOINT") is not None


def hindrance(environ: Mapping[str, str]) -> str | None:
    """Why traces can't be sent as they are wanted, if so: a sentence that says what to write."""
    name, endpoint = _set(environ, "ENDPOINT") or ("", "")
    if not _is_address(endpoint):
        return f"{name}={endpoint}: write an http or https address, e.g. http://localhost:4318."
    if (exporter := _exporter(environ)) != "otlp":
        return f"OTEL_TRACES_EXPORTER={exporter}: write otlp, or none for no traces."
    name, protocol = _set(environ, "PROTOCOL") or ("", "http/protobuf")
    if protocol != "http/protobuf":
        return (
            f"{name}={protocol}: write http/protobuf, and give the collector's address for it (as a rule, port 4318)."
        )
    return None


def _is_address(endpoint: str) -> bool:
    try:
        url = urlsplit(endpoint)
    except ValueError:
        return False
    return url.scheme in {"http", "https"} and bool(url.hostname)


def _exporter(environ: Mapping[str, str]) -> str:
    return environ.get("OTEL_TRACES_EXPORTER", "").strip().lower() or "otlp"


def _set(environ: Mapping[str, str], last: str) -> tuple[str, str] | None:
    """The variable that counts, the one for traces alone before the one for everything, and its value."""
    names = (_SIGNAL + last, _GENERAL + last)
    return next(((name, value) for name in names if (value := environ.get(name, "").strip())), None)
