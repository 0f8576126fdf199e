"""Writes the client for threads, `offload.client._sync`, from the one for asyncio, `offload.client._async`.

    python -m tests.client.generate_sync

It removes `async` and `await` and replaces some names. The standard library's tokenizer is enough for that: unasync
does the same, has had no release since 2024, and imports setuptools.
"""

import io
import subprocess
import sys
import tokenize
from itertools import pairwise
from pathlib import Path

CLIENT = Path(__file__).parents[2] / "app/offload/client"
SOURCE, TARGET = CLIENT / "_async", CLIENT / "_sync"

NAMES = {
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "_async": "_sync",
    "aclose": "close",
    "aclosing": "closing",
    "aiter_bytes": "iter_bytes",
    "aread": "read",
    "asynccontextmanager": "contextmanager",
    "asyncio": "time",  # of which only `sleep` is used
}
"""What else is replaced. Every name that begins with `Async`, such as `AsyncClient`, loses that."""

HEADER = "# Generated from offload/client/_async/{name} by `make sync-client`. Edit that file instead.\n\n"

PACKAGE = '"""The client for threads."""\n'


def sync_source(source: str) -> str:
    """Return the code without `async` and `await`, and with the names replaced."""
    lines = source.splitlines(keepends=True)
    tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    for token, following in reversed(list(pairwise(tokens))):
        if token.type != tokenize.NAME:
            continue
        (row, start), (_, end) = token.start, token.end
        if token.string in ("async", "await"):
            end, name = following.start[1], ""
        else:
            name = sync_name(token.string)
        lines[row - 1] = lines[row - 1][:start] + name + lines[row - 1][end:]
    return "".join(lines)


def sync_name(name: str) -> str:
    """Return the name that stands for this one in the client for threads."""
    if name.startswith("Async") and name[5:6].isupper():
        return name.removeprefix("Async")
    return NAMES.get(name, name)


def formatted(source: str, path: Path) -> str:
    """Return the code in ruff's format, with sorted imports, and with `yield from` for loops that only yield."""
    fix = ["check", "--quiet", "--select", "I,UP028", "--fix", "--unsafe-fixes"]
    for command in (fix, ["format", "--quiet"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--stdin-filename", str(path), "-"]
        source = subprocess.run(ruff, input=source, capture_output=True, text=True, check=True).stdout
    return source


def generated() -> dict[Path, str]:
    """Return the modules of the client for threads, by their paths."""
    modules = {}
    for path in sorted(SOURCE.glob("*.py")):
        target = TARGET / path.name
        source = PACKAGE if path.name == "__init__.py" else sync_source(path.read_text())
        modules[target] = formatted(HEADER.format(name=path.name) + source, target)
    return modules


def main() -> None:
    """Write the modules, and remove those that have no source any more."""
    modules = generated()
    TARGET.mkdir(exist_ok=True)
    for path in TARGET.glob("*.py"):
        if path not in modules:
            path.unlink()
    for path, source in modules.items():
        path.write_text(source)


if __name__ == "__main__":
    main()
