"""Reads `OFFLOAD_TASKS`, as in `thumbs.work:shrink, crack=security.audit:try_passwords`, and imports what it names."""

import importlib
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from offload.errors import BootError
from offload.tasks.context import is_uuid
from offload.tasks.declaration import innermost

_ENTRY = re.compile(r"(?:(?P<name>[^=:]*)=)?(?P<module>[^=:]+):(?P<attribute>[^=:]+)")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: a task's name and the function behind it."""

    text: str
    name: str
    module: str
    attribute: str
    function: Callable[..., Any]

    @property
    def renamed(self) -> str:
        """How to write it with a name of its own."""
        return f"my-task={self.module}:{self.attribute}"


def refusal(entry: str, message: str) -> BootError:
    """A `BootError` that names the entry."""
    return BootError(f'OFFLOAD_TASKS entry "{entry}": {message}')


def read_entries(text: str) -> Iterator[Entry]:
    """The entries, each imported; empty ones are passed over. Raises `BootError` for the first that is wrong."""
    entries = [entry.strip() for entry in text.split(",") if entry.strip()]
    if entries:
        _make_here_importable()
    return map(_read, entries)


def _make_here_importable() -> None:
    """Lets modules in the current directory be imported, which a console script (unlike `python -m`) does not.

    It goes last, not first as `python -m` has it: lanes inherit the path, and a folder called `app` here must not
    stand in for Offload's own package when a lane starts.
    """
    here = str(Path.cwd())
    if "" not in sys.path and here not in sys.path:
        sys.path.append(here)


def _read(text: str) -> Entry:
    match = _ENTRY.fullmatch(text)
    if match is None:
        package, dot, last = text.rpartition(".")
        meant = f" Write {package}:{last}" if dot and ":" not in text else ""
        raise refusal(text, f"it is not of the form module:function or name=module:function.{meant}")
    module, attribute = match["module"].strip(), match["attribute"].strip()
    function = _attribute(text, module, attribute)
    name = _name_of(function) if match["name"] is None else match["name"].strip()
    entry = Entry(text, name, module, attribute, function)
    if not _NAME.fullmatch(name):
        raise refusal(text, f'"{name}" is no name for a task: a-z, 0-9 and "-", at most 63. Write {entry.renamed}')
    if is_uuid(name):
        raise refusal(text, f"a task can't be named like a job's id. Write {entry.renamed}")
    return entry


def _attribute(text: str, module: str, attribute: str) -> Callable[..., Any]:
    try:
        found: Any = importlib.import_module(module)
    except (Exception, SystemExit) as error:  # importing runs the module, which may raise anything or leave
        raise refusal(
            text,
            f"importing {module} failed ({type(error).__name__}: {error}). "
            "Modules are looked for where Offload is installed and in the directory it is started from.",
        ) from error
    file = getattr(found, "__file__", None) or module
    for part in attribute.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            raise refusal(text, f"there is no {attribute} in {file}. Check the spelling.") from None
    if not callable(found) or isinstance(found, type):
        raise refusal(
            text, f"{attribute} is of type {type(found).__name__}, not a function. Name a function or a method."
        )
    function: Callable[..., Any] = found
    return function


def _name_of(function: Callable[..., Any]) -> str:
    function = innermost(function)
    name: str = getattr(function, "__name__", type(function).__name__)
    return name.replace("_", "-")
