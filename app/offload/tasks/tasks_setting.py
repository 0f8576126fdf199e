"""Reads `OFFLOAD_TASKS` and imports the functions: `thumbs.work:shrink, crack=security.audit:try_passwords`."""

import importlib
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from offload.errors import BootError, ExitBySignal
from offload.tasks.context import is_uuid
from offload.tasks.decorator import innermost

_ENTRY = re.compile(r"(?:(?P<name>[^=:]*)=)?(?P<module>[^=:]+):(?P<attribute>[^=:]+)")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


@dataclass(frozen=True, slots=True)
class TaskEntry:
    """One entry: a task's name and its function."""

    text: str
    name: str
    module: str
    attribute: str
    function: Callable[..., Any]

    @property
    def renamed(self) -> str:
        """Return the entry with a name to be chosen, for error messages."""
        return f"my-task={self.module}:{self.attribute}"


def entry_error(entry: str, message: str) -> BootError:
    """Return a `BootError` that names the entry."""
    return BootError(f'OFFLOAD_TASKS entry "{entry}": {message}')


def read_entries(text: str) -> Iterator[TaskEntry]:
    """Import the entries, skipping empty ones. Raise `BootError` for the first wrong entry."""
    entries = [entry.strip() for entry in text.split(",") if entry.strip()]
    if entries:
        _make_current_directory_importable()
    return map(_read, entries)


def _make_current_directory_importable() -> None:
    """Make modules in the current directory importable. `python -m` does this, but a console script does not.

    The directory is added last, not first as with `python -m`: lanes inherit the path, and a folder called `offload`
    here must not hide Offload's own package when a lane starts.
    """
    here = str(Path.cwd())
    if "" not in sys.path and here not in sys.path:
        sys.path.append(here)


def _read(text: str) -> TaskEntry:
    match = _ENTRY.fullmatch(text)
    if match is None:
        package, dot, last = text.rpartition(".")
        meant = f" Write {package}:{last}" if dot and ":" not in text else ""
        raise entry_error(text, f"it is not of the form module:function or name=module:function.{meant}")
    module, attribute = match["module"].strip(), match["attribute"].strip()
    function = _attribute(text, module, attribute)
    name = _name_of(function) if match["name"] is None else match["name"].strip()
    entry = TaskEntry(text, name, module, attribute, function)
    if not _NAME.fullmatch(name):
        raise entry_error(
            text, f'"{name}" is not a valid task name: a-z, 0-9 and "-", at most 63. Write {entry.renamed}'
        )
    if is_uuid(name):
        raise entry_error(text, f"a task can't have a name that looks like a job's id. Write {entry.renamed}")
    return entry


def _attribute(text: str, module: str, attribute: str) -> Callable[..., Any]:
    try:
        found: Any = importlib.import_module(module)
    except ExitBySignal:
        raise
    except (Exception, SystemExit) as error:  # importing runs the module, which may raise anything or exit
        raise entry_error(
            text,
            f"importing {module} failed ({type(error).__name__}: {error}). "
            "Modules are searched where Offload is installed and in the directory in which it is started.",
        ) from error
    file = getattr(found, "__file__", None) or module
    for part in attribute.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            raise entry_error(text, f"there is no {attribute} in {file}. Check the spelling.") from None
    if not callable(found) or isinstance(found, type):
        raise entry_error(
            text, f"{attribute} is of type {type(found).__name__}, not a function. Name a function or a method."
        )
    function: Callable[..., Any] = found
    return function


def _name_of(function: Callable[..., Any]) -> str:
    function = innermost(function)
    name: str = getattr(function, "__name__", type(function).__name__)
    return name.replace("_", "-")
