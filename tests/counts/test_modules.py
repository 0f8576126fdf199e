"""The modules that each process of the service has loaded when it is ready. They cost time and memory at each start.

A new package here must be intended. Packages of a developer's environment that others load if present are ignored.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

SERVER = """
import json, os, signal, sys
from offload.commands import main as cli
from offload.server import serve as serving

def ready(*_, **__):
    print(json.dumps(list(sys.modules)))
    os.kill(os.getpid(), signal.SIGTERM)

serving.print = ready
sys.exit(cli.main(["serve", "--port", "0"]))
"""

FORKSERVER = """
import json, multiprocessing.forkserver, sys
import offload.worker.ignore_signals, offload.stores.manager, offload.worker.preload
print(json.dumps(list(sys.modules)))
"""

TASKS = {"blake3", "gmpy2", "xxhash"}

LANE = {"offload", "annotated_types", "pydantic", "pydantic_core", "typing_extensions", "typing_inspection", *TASKS}

WEB = {
    *("annotated_doc", "anyio", "click", "dotenv", "fastapi", "h11", "httptools", "opentelemetry", "pydantic_settings"),
    *("python_multipart", "starlette", "structlog", "uvicorn", "uvloop", "cython_runtime", "watchfiles"),
}

DEVELOPERS = {"editables", "greenlet", "sniffio"}


def loaded(program: str, data: Path) -> list[str]:
    """The modules that a new process prints."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OFFLOAD", "_OFFLOAD"))}
    process = subprocess.run(
        [sys.executable, "-c", program],
        env={**environment, "OFFLOAD_DATA_DIR": str(data)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    modules: list[str] = json.loads(process.stdout)
    return [name for name in modules if name.partition(".")[0] not in DEVELOPERS]


def others(modules: list[str]) -> set[str]:
    """The packages among them that neither Python brings along nor an extension module for its own use."""
    return {top for top in (name.partition(".")[0] for name in modules) if top[0] != "_"} - sys.stdlib_module_names


def test_the_server(tmp_path: Path) -> None:
    """722 modules; the bound is a tenth above, since each Python brings along others."""
    modules = loaded(SERVER, tmp_path)
    assert others(modules) <= (LANE - TASKS) | WEB
    assert not TASKS & set(modules), "only lanes compute"
    assert not [name for name in modules if name.startswith("opentelemetry.sdk")], "traces are off"
    assert len(modules) <= 800


def test_lanes_and_the_manager(tmp_path: Path) -> None:
    """The forkserver, as both are forked from it: 304 modules, and the same room above."""
    modules = loaded(FORKSERVER, tmp_path)
    assert others(modules) <= LANE
    assert len(modules) <= 335
