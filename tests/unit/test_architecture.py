"""The rooms and their directions: who may import whom, read from the source of every module.

api → jobs → nothing of engines, stores, fastapi, multiprocessing
engines, stores → the records and interfaces of jobs, and what crosses the process line
worker → wire → tasks → errors
client → nothing of the service: it knows the API
server → everything
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "app" / "offload"

ROOMS = {
    "errors": set(),
    "backoff": set(),
    "clock": set(),
    "options": set(),
    "threads": set(),
    "supervision": {"backoff"},
    "tasks": {"errors", "options", "digests.task"},
    "digests": {"errors", "options", "tasks", "jobs"},
    "wire": {"tasks"},
    "worker": {"errors", "tasks", "tracing.export", "wire"},
    "jobs": {"errors", "options", "supervision"},
    "engines": {"errors", "backoff", "supervision", "threads", "tasks", "wire", "jobs.model", "jobs.interfaces"},
    "stores": {
        "errors",
        "options",
        "clock",
        "backoff",
        "supervision",
        "tasks",
        "wire",
        "jobs.model",
        "jobs.interfaces",
    },
    "tracing": {"clock", "threads", "jobs.model", "jobs.interfaces"},
    "api": {"errors", "options", "tasks", "digests", "jobs", "server.settings", "server.keyring"},
    "client": {"options"},
    "commands": {"options", "client", "digests", "server.serve"},
}
"""What each room may import besides itself. `server` is not here: it builds the service and knows everything."""

EXCEPTIONS = {
    "engines.local.spawn": {"worker.entry_points"},
    "engines.local.worker_process": {"worker.entry_points"},
}
"""What these modules alone may import: the executor is given the functions that it calls in a lane."""

FOREIGN = {
    "errors": {"fastapi", "starlette", "pydantic", "structlog"},
    "options": {"fastapi", "starlette", "typer", "structlog"},
    "client": {
        "fastapi",
        "starlette",
        "uvicorn",
        "sqlite3",
        "structlog",
        "multiprocessing",
        "anyio",
        "pydantic_settings",
    },
    "tasks": {"fastapi", "starlette", "uvicorn", "sqlite3", "structlog", "multiprocessing"},
    "worker": {"fastapi", "starlette", "uvicorn", "sqlite3", "structlog"},
    "jobs": {
        "fastapi",
        "starlette",
        "uvicorn",
        "sqlite3",
        "multiprocessing",
        "concurrent",
        "signal",
        "subprocess",
        "opentelemetry",
    },
    "engines": {"fastapi", "starlette", "uvicorn", "sqlite3", "opentelemetry"},
    "stores": {"fastapi", "starlette", "uvicorn", "opentelemetry"},
    "api": {"sqlite3", "multiprocessing", "concurrent", "signal", "subprocess"},
}
"""What a room must not know of the world outside the service."""

NO_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "base"}


def modules() -> dict[str, Path]:
    """Every module, named without the leading `offload`: `jobs.model`, and `jobs` for the package itself."""
    names = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return names


MODULES = modules()


def imported(path: Path) -> Iterator[str]:
    """The full name of all that a module imports, wherever in it: at the top, in a function, for types only."""
    for node in ast.walk(ast.parse(path.read_text(), path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the direction"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def of_ours(path: Path) -> Iterator[str]:
    """The modules of the service among what a module imports; `offload` itself (its version) is nobody's room."""
    for name in imported(path):
        parts = name.split(".")
        if parts[0] == "offload" and len(parts) > 1:
            known = [".".join(parts[1:end]) for end in range(len(parts), 1, -1)]
            module = next((each for each in known if each in MODULES), None)
            if module is not None:
                yield module


def inside(name: str, places: set[str]) -> bool:
    """Whether a module is one of these, or in one of them."""
    return any(name == place or name.startswith(f"{place}.") for place in places)


@pytest.mark.parametrize(
    "module", [name for name in MODULES if name not in {"", "__main__"} and name.partition(".")[0] != "server"]
)
def test_a_room_imports_only_what_its_direction_allows(module: str) -> None:
    room = module.partition(".")[0]
    assert room in ROOMS, f"a new room: say in ROOMS what {room} may import"
    wrong = {
        name
        for name in of_ours(MODULES[module])
        if not inside(name, ROOMS[room] | EXCEPTIONS.get(module, set()) | {room})
    }
    assert not wrong, f"offload.{module} must not import {sorted(wrong)}"


@pytest.mark.parametrize("module", [name for name in MODULES if name.partition(".")[0] in FOREIGN])
def test_a_room_knows_nothing_of_a_world_that_is_not_its_own(module: str) -> None:
    wrong = {name for name in imported(MODULES[module]) if inside(name, FOREIGN[module.partition(".")[0]])}
    assert not wrong, f"offload.{module} must not import {sorted(wrong)}"


def test_no_module_is_named_for_nothing() -> None:
    assert not {name for name in MODULES if name.rpartition(".")[2] in NO_NAMES}


LANE = sorted(name for name in MODULES if name.partition(".")[0] in {"worker", "wire", "tasks"})
WEB = {
    "fastapi",
    "starlette",
    "uvicorn",
    "sqlite3",
    "structlog",
    "pydantic_settings",
    "offload.api",
    "offload.jobs",
    "offload.stores",
}


@pytest.mark.parametrize(
    ("process", "loads", "without"),
    [
        ("a lane", LANE, WEB | {"offload.engines", "offload.server"}),
        (
            "the Manager",
            ["stores.manager"],
            (WEB - {"offload.stores"}) | {"pydantic", "gmpy2", "asyncio", "offload.tasks"},
        ),
    ],
)
def test_a_child_stays_light(process: str, loads: list[str], without: set[str]) -> None:
    """What the modules of a child process really load, not only by their own import lines."""
    code = "".join(f"import offload.{name}\n" for name in loads) + "import sys\nprint('\\n'.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    heavy = {name for name in loaded.stdout.split() if inside(name, without)}
    assert not heavy, f"{process} loads {sorted(heavy)}"
