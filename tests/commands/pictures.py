"""The pictures of the command line, of a real service at work: `python -m tests.commands.pictures`.

Only times, ids and pids differ from one run to the next.
"""

import io
import re
import shlex
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from tests.support.caller import Caller
from tests.support.command import Command, Terminal
from tests.support.server import Server

HERE = Path(__file__).parents[2]
PICTURES = HERE / "docs" / "pictures"
TASKS = "render train transcode thumbnail"

COLUMNS = 100

FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
"""Rich's pictures ask another host for a font; a viewer's own does as well."""

SHOWN = (
    ["submit", "fibonacci", "n=300", "--wait"],
    ["digest", "one.jpg", "two.jpg"],
    ["submit", "transcode", "film=harbour.lost", "--label", "archive", "--wait"],
    ["jobs", "--limit", "6"],
)


def main() -> None:
    """Writes every picture."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        for file in ("one.jpg", "two.jpg"):
            (directory / file).write_text(file)
        tasks = ", ".join(f"tests.page.studio_tasks:{name}" for name in TASKS.split())
        server = Server(directory / "service", lanes=3, tasks=tasks, shutdown_grace_s=0)
        server.environment["PYTHONPATH"] = str(HERE)
        with server:
            offload = Command(str(server.api.http.base_url))
            make_busy(server.api)
            draw("cli", [part for arguments in SHOWN for part in said(offload, arguments, directory)])
            draw("cli-watch", watched(offload))


def make_busy(api: Caller) -> None:
    """Keeps two lanes busy; the third runs the jobs of the pictures."""
    for params in {"scene": "harbour at dawn"}, {"scene": "lighthouse", "frames": 480}:
        api.lane_of(api.submit("render", params, label="night", priority=10)["id"])


def said(offload: Command, arguments: Sequence[str], directory: Path) -> Sequence[str]:
    """Returns a command line and its output."""
    with offload.terminal(*arguments, cwd=directory) as terminal:
        terminal.end()
    return [prompt(arguments), lasting(terminal), ""]


def watched(offload: Command) -> Sequence[str]:
    """Returns the last frame of `offload watch`."""
    with offload.terminal("watch") as terminal:
        terminal.until("Ctrl-C")
        terminal.interrupt()
        terminal.end()
    frame = terminal.raw.decode().rpartition("\x1b[H")[2].partition("Ctrl-C")[0]
    return [prompt(["watch"]), frame.replace("\r\n", "\n").rstrip()]


def prompt(arguments: Sequence[str]) -> str:
    return f"\x1b[1;32m$\x1b[0m \x1b[1moffload {shlex.join(arguments)}\x1b[0m"


def lasting(terminal: Terminal) -> str:
    """Returns what remains on the terminal after progress bars have been erased."""
    return terminal.raw.decode().rpartition("\x1b[1A\x1b[2K")[2].replace("\r\n", "\n").rstrip("\n")


def draw(name: str, parts: Sequence[str]) -> None:
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, highlight=False)
    text = Text.from_ansi("\n".join(parts))
    text.rstrip()
    console.print(text, soft_wrap=True)
    svg = console.export_svg(title="offload", theme=MONOKAI, unique_id=name)
    (PICTURES / f"{name}.svg").write_text(FONTS.sub("", svg))


if __name__ == "__main__":
    main()
