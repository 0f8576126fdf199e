"""A program that only calls a service loads nothing of the server."""

import subprocess
import sys

import pytest

SERVER = [
    *("blake3", "fastapi", "gmpy2", "multipart", "multiprocessing", "opentelemetry", "prometheus_client"),
    *("pydantic_settings", "python_multipart", "sqlite3", "starlette", "structlog", "typer", "uvicorn", "xxhash"),
]
"""What only the server, a lane or the command line needs."""


def run(code: str) -> str:
    """Return what a program prints."""
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("name", ["Client", "AsyncClient", "RemoteExecutor"])
def test_no_dependency_of_the_server_is_loaded(name: str) -> None:
    loaded = run(f"import sys; from offload.client import {name}; print(*sys.modules)").split()
    assert not set(SERVER) & {module.partition(".")[0] for module in loaded}
    ours = {module for module in loaded if module.startswith("offload.")}
    assert {module for module in ours if not module.startswith("offload.client")} <= {"offload.options"}


def test_it_works_without_them() -> None:
    code = f"import sys\nfor name in {SERVER}: sys.modules[name] = None\n"
    run(code + "from offload.client import *\nClient().close()\nRemoteExecutor().shutdown()\n")


def test_the_client_for_threads_loads_no_asyncio() -> None:
    loaded = run("import sys; from offload.client import Client; Client().close(); print(*sys.modules)").split()
    assert not {"asyncio", "concurrent.futures", "offload.client._async", "offload.client.executor"} & set(loaded)
