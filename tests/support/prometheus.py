"""A real Prometheus, from Debian. It reads the metrics, and evaluates the queries of dashboards and alerts."""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.support.waiting import until_sync

MONITORING = Path(__file__).parents[2] / "docs/monitoring"
RULES = MONITORING / "alerts.yml"

STARTS_WITHIN_S = 30.0


class NoPrometheusError(AssertionError):
    """These tests need Prometheus. On Debian: apt install prometheus"""


def found(command: str) -> str:
    """Returns the path of `prometheus` or `promtool`. Raises `NoPrometheusError`."""
    if (path := shutil.which(command)) is None:
        raise NoPrometheusError(NoPrometheusError.__doc__)
    return path


def promtool(*arguments: str | Path, text: str = "") -> str:
    """Returns the output of `promtool`. Raises `AssertionError` if it finds a fault."""
    command = [found("promtool"), *map(str, arguments)]
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


class Prometheus:
    """A running Prometheus."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, timeout=30, trust_env=False)

    def ask(self, expression: str) -> list[dict[str, Any]]:
        """Returns the present series of an expression. Raises `AssertionError` if Prometheus can't parse it."""
        answer = self._http.get("/api/v1/query", params={"query": expression})
        assert answer.status_code == 200, f"{expression}: {answer.text}"
        result: list[dict[str, Any]] = answer.json()["data"]["result"]
        return result

    def rules(self) -> dict[str, dict[str, Any]]:
        """Returns the alert rules by name."""
        groups = self._http.get("/api/v1/rules").json()["data"]["groups"]
        return {rule["name"]: rule for group in groups for rule in group["rules"]}

    def close(self) -> None:
        self._http.close()


@contextmanager
def prometheus(directory: Path, target: str) -> Iterator[Prometheus]:
    """Scrapes a service every second. Otherwise the configuration is that of the documentation."""
    config = (MONITORING / "prometheus.yml").read_text()
    for before, after in (
        ("127.0.0.1:8000", target.removeprefix("http://")),
        ("15s", "1s"),
        ("alerts.yml", str(RULES)),
    ):
        assert before in config
        config = config.replace(before, after)
    file = directory / "prometheus.yml"
    file.write_text(config)
    port = _free_port()
    process = subprocess.Popen(
        [
            found("prometheus"),
            f"--config.file={file}",
            f"--storage.tsdb.path={directory / 'tsdb'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    running = Prometheus(f"http://127.0.0.1:{port}")
    try:
        until_sync(lambda: _has_scraped(running), within=STARTS_WITHIN_S, what="Prometheus to read the service")
        yield running
    finally:
        running.close()
        process.terminate()
        process.wait(timeout=20)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def _has_scraped(running: Prometheus) -> bool:
    try:
        return running.ask('up{job="offload"} == 1') != []
    except (httpx.TransportError, AssertionError):  # it is still starting
        return False
