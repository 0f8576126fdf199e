"""Runs every command and snippet of the README and of docs/, unchanged, in the order of the page.

    console   commands after `$ `, in one shell for each page, with a real service; the output is compared
    sh        commands that start or set up something: they run too, except `offload serve` and similar ones
    python    is written into the file that the text names, otherwise run; a `text` block after it is its output
    others    are parsed

A block that can't run here has a comment above it with the reason.
"""

import configparser
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from tests.docs.pages import PAGES, ROOT, Block, blocks, named
from tests.support.server import COMMAND, Server

CURL = (7, 84)
"""The first with `--json` and `%header{}`, as the README says."""

MOST_NOT_RUN = 5

READ_ONLY = {"text", "mermaid", "promql"}
"""Blocks that are only shown. The drawings have their own tests."""

STARTS_A_SERVICE = re.compile(
    r"^(?:\w+=(?:\"[^\"]*\"|\S)+ )*(?:make (?:serve|dev)|docker compose up|offload serve)\b.*$"
)
"""Such a line is not run. The test has already started a service with the tasks that the line names."""

DIFFERS_EACH_TIME = (
    (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME"),
    (r'("(?:wall_s|cpu_s|peak_rss_bytes)": ?)[\d.]+', r"\1NUMBER"),
    (r"127\.0\.0\.1:\d+|localhost:\d+", "SERVICE"),
)


class Example(NamedTuple):
    """A command and its output on the page."""

    command: str
    output: str


def curl() -> tuple[int, ...]:
    """Returns the version of curl on this machine, or zero if there is none."""
    if shutil.which("curl") is None:
        return (0,)
    version = subprocess.run(["curl", "--version"], check=True, capture_output=True, text=True).stdout.split()[1]
    return tuple(int(part) for part in version.split(".")[:2])


def examples(session: str) -> Iterator[Example]:
    """Yields the commands of a console session, each on a line after `$ `, with their output."""
    for part in re.split(r"^\$ ", session, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield Example(command, output)


def usual(output: str) -> str:
    """Replaces the parts of an output that differ each time."""
    for pattern, word in DIFFERS_EACH_TIME:
        output = re.sub(pattern, word, output)
    return output


class Session:
    """A reader's directory and shell, with the running service that the page describes."""

    def __init__(self, directory: Path, server: Server) -> None:
        self._directory = directory
        self._place = server.api.http.base_url.netloc.decode()
        path = os.pathsep.join((str(COMMAND.parent), os.environ["PATH"]))
        self._environment = {**os.environ, "PATH": path, "OFFLOAD_URL": str(server.api.http.base_url)}
        self._environment["PYTHONPATH"] = os.pathsep.join((str(directory), os.environ.get("PYTHONPATH", str(ROOT))))
        self._state = directory.parent / "session.sh"
        self._state.touch()

    def here(self, text: str) -> str:
        """With the address of this service."""
        return text.replace("localhost:8000", self._place).replace("127.0.0.1:8000", self._place)

    def console(self, block: str) -> list[str]:
        """Returns the output of each command. Variables and functions are kept for the next console block."""
        commands = [example.command for example in examples(block)]
        script = "".join(f"{command}\nprintf '\\0'\n" for command in map(self.here, commands))
        return self._session(f"exec 2>&1\n{script}").split("\0")[:-1]

    def sh(self, text: str) -> None:
        """Runs commands, except those that start a service."""
        lines = [line for line in text.splitlines() if not STARTS_A_SERVICE.match(line)]
        self._session("set -e\n" + self.here("\n".join(lines)) + "\n")

    def python(self, text: str) -> str:
        """Returns the output of a program."""
        return self._run([sys.executable, "-c", self.here(text)])

    def _session(self, script: str) -> str:
        """What a script prints, with the variables and functions of the sessions before."""
        state = shlex.quote(str(self._state))
        names = re.findall(r"^(?:declare -- )?(\w+)=", f"{self._state.read_text()}\n{script}", re.MULTILINE)
        keep = f"{{ declare -p {' '.join(names)}; declare -f; }} >{state} 2>/dev/null || true\n"
        return self._run(["bash", "-c", f". {state}\n{script}{keep}"])

    def _run(self, command: list[str]) -> str:
        ran = subprocess.run(
            command,
            cwd=self._directory,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert ran.returncode == 0, f"{ran.stdout}\n{ran.stderr}"
        return ran.stdout


def tasks_of(found: Sequence[Block]) -> str:
    """Returns the tasks of all services that the page starts."""
    run = "".join(block.text for block in found if block.language == "sh" and block.not_run is None)
    entries = ",".join(re.findall(r"OFFLOAD_TASKS=\"?([\w.:=,-]+)\"?", run)).split(",")
    return ", ".join(dict.fromkeys(entries))


@pytest.mark.skipif(curl() < CURL, reason="the examples need a newer curl")
@pytest.mark.parametrize("page", [page for page in PAGES if "```" in page.read_text()], ids=named)
def test_examples_print_what_the_page_shows(page: Path, tmp_path: Path) -> None:
    found = blocks(page)
    clone = tmp_path / "clone"
    shutil.copytree(ROOT / "files", clone / "files")
    for block in found:  # modules of tasks first: the service that is to have them is started before
        if block.file and block.language == "python":
            (clone / block.file).write_text(block.text)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PYTHONPATH", str(clone), prepend=os.pathsep)
        with Server(
            tmp_path / "service", tasks=tasks_of(found), data_dir=str(clone / "data"), files_dir=str(clone / "files")
        ) as server:
            session = Session(clone, server)
            for place, block in enumerate(found):
                if block.not_run is None:
                    behind = found[place + 1] if place + 1 < len(found) else None
                    _check(session, block, behind)


def _check(session: Session, block: Block, behind: Block | None) -> None:
    where = f"line {block.line}"
    match block.language:
        case "console":
            shown = list(examples(block.text))
            printed = session.console(block.text)
            for example, output in zip(shown, printed, strict=True):
                assert usual(output) == usual(example.output), f"{where}: {example.command}"
        case "sh":
            session.sh(block.text)
        case "python" if block.file is None:
            printed_text = session.python(block.text)
            if behind is not None and behind.language == "text":
                assert usual(printed_text) == usual(behind.text), where
        case "python":
            compile(block.text, block.file or where, "exec")
        case "json":
            json.loads(block.text)
        case "yaml":
            assert yaml.safe_load(block.text), where
        case "ini":
            configparser.ConfigParser(interpolation=None, strict=False).read_string(block.text)
        case language:
            assert language in READ_ONLY or block.file, f"{where}: nothing reads {language!r}"


def test_few_blocks_are_not_run_and_each_has_a_reason() -> None:
    not_run = [
        f"{named(page)}:{block.line}: {block.not_run}" for page in PAGES for block in blocks(page) if block.not_run
    ]
    print("\n".join(not_run))
    assert len(not_run) <= MOST_NOT_RUN
