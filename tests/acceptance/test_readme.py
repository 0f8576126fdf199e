"""The README's examples, run as they stand against a real service, and what it says of calls and tasks."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.server import Server

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()

CURL = (7, 84)
"""The first with `--json` and `%header{}`, as the README says."""

DIFFERS_EACH_TIME = (
    (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", "TIME"),
    (r'("(?:wall_s|cpu_s|peak_rss_bytes)": )[\d.]+', r"\1NUMBER"),
)


class Example(NamedTuple):
    """A command and what it prints, as shown."""

    command: str
    output: str


def curl() -> tuple[int, ...]:
    """The version of curl on this machine; zero where there is none."""
    if shutil.which("curl") is None:
        return (0,)
    version = subprocess.run(["curl", "--version"], check=True, capture_output=True, text=True).stdout.split()[1]
    return tuple(int(part) for part in version.split(".")[:2])


def blocks(language: str) -> list[str]:
    """The README's fenced blocks in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def examples(session: str) -> Iterator[Example]:
    """The commands of a console session, a line each after `$ `, and what follows them."""
    for part in re.split(r"^\$ ", session, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield Example(command, output)


def usual(output: str) -> str:
    """Output without what differs each time."""
    for pattern, word in DIFFERS_EACH_TIME:
        output = re.sub(pattern, word, output)
    return output


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service as `make serve` starts it, with the README's own module as a user's tasks."""
    directory = tmp_path_factory.mktemp("readme")
    (module,) = blocks("python")
    (entry,) = re.findall(r"^OFFLOAD_TASKS=(\S+) make serve$", README, re.MULTILINE)
    (directory / f"{entry.partition(':')[0]}.py").write_text(module)
    shutil.copytree(ROOT / "files", directory / "files")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PYTHONPATH", str(directory), prepend=os.pathsep)
        with Server(directory, tasks=entry) as running:
            yield running


SESSIONS = blocks("console")


@pytest.mark.skipif(curl() < CURL, reason="the examples need a newer curl")
@pytest.mark.parametrize("session", SESSIONS, ids=[session.splitlines()[0][:60] for session in SESSIONS])
def test_an_example_gives_what_it_shows(server: Server, session: str) -> None:
    shown = list(examples(session))
    script = "".join(f"{example.command}\nprintf '\\0'\n" for example in shown)
    script = script.replace("localhost:8000", server.api.http.base_url.netloc.decode())
    clone = server.files_dir.parent  # as far as the examples need one
    ran = subprocess.run(["bash", "-c", script], cwd=clone, check=True, capture_output=True, text=True, timeout=120)
    printed = ran.stdout.split("\0")[:-1]
    assert [usual(output) for output in printed] == [usual(example.output) for example in shown], ran.stderr


def test_every_call_in_the_table_exists(server: Server) -> None:
    calls = re.findall(r"^\| `([A-Z]+) (/\S+)` \|", README, re.MULTILINE)
    assert calls
    described = {
        (method.upper(), re.sub(r"\{\w+\}", "{}", path))
        for path, operations in server.api.get("/openapi.json")["paths"].items()
        for method in operations
    }
    described |= {(method, "/jobs/{}") for method, path in described if path == "/jobs/fibonacci"}
    assert [call for call in calls if (call[0], re.sub(r"\{\w+\}", "{}", call[1])) not in described] == []
