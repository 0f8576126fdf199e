"""A user's project whose modules have the names that a web project likes to use."""

from pathlib import Path

NAMES = ("app", "main", "tasks", "worker", "client", "server", "jobs", "config")

PROBE = '''
"""Notes where each of the names leads in the process that imports this module."""

import importlib
import json
import os
from pathlib import Path

NAMES = {names!r}


def origins() -> dict[str, str | None]:
    """Return the file of each of the names in this process, or None for a name that can't be imported."""
    found: dict[str, str | None] = {{}}
    for name in NAMES:
        try:
            found[name] = importlib.import_module(name).__file__
        except ImportError:
            found[name] = None
    return found


def note() -> None:
    """Write the origins into a file of this process, in the working directory."""
    Path(f"origins-{{os.getpid()}}.json").write_text(json.dumps(origins()))
'''

MODULE = '''
def run() -> str:
    """Return the file that this function is in."""
    return __file__
'''

REPORTS = '''
import probe

probe.note()


def make_report(month: int) -> dict[str, object]:
    """Make the report of a month."""
    return {"month": month, "origins": probe.origins()}
'''

MAIN = """
from fastapi import FastAPI

app = FastAPI(title="Ours")
"""


def write_project(directory: Path, *, packages: bool) -> dict[str, Path]:
    """Writes the project. Returns the file of each of its top-level names.

    `app` is a package in any case. The other names are packages or modules.
    """
    files = {}
    for name in NAMES:
        package = packages or name == "app"
        files[name] = directory / (f"{name}/__init__.py" if package else f"{name}.py")
        files[name].parent.mkdir(parents=True, exist_ok=True)
        files[name].write_text(MODULE)
    services = directory / "app/services"
    services.mkdir()
    (services / "__init__.py").touch()
    (services / "reports.py").write_text(REPORTS)
    (directory / "app/main.py").write_text(MAIN)
    write_probe(directory)
    return files


def write_probe(directory: Path) -> None:
    """Writes the module `probe`, alone: a project that has none of the names."""
    (directory / "probe.py").write_text(PROBE.format(names=NAMES))
