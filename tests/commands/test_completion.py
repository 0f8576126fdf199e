"""Shell completion, by Typer's protocol and in real shells."""

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest

from tests.support.caller import Caller
from tests.support.command import Command
from tests.support.server import COMMAND


def completed(offload: Command, line: str, **environment: str) -> set[str]:
    """Returns the completions that bash gets for the last word of a line."""
    words = line.split(" ")
    asked = {"_OFFLOAD_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    ended = offload(environment={**asked, **environment})
    assert (ended.code, ended.stderr) == (0, "")
    return set(ended.out.split())


def test_commands_and_options(offload: Command) -> None:
    assert {"serve", "submit", "digest", "show", "batch"} <= completed(offload, "offload ")
    assert completed(offload, "offload sub") == {"submit"}
    assert {"--wait", "--url", "--json"} <= completed(offload, "offload submit --")
    assert {"show", "wait", "cancel"} <= completed(offload, "offload batch ")
    assert completed(offload, "offload jobs --state c") == {"cancelled"}


def test_names_and_ids_of_the_service(offload: Command, api: Caller) -> None:
    job_id = api.succeeded(api.submit("fibonacci", {"n": 4})["id"])["id"]
    assert {"fibonacci", "file-digest", "greet"} <= completed(offload, "offload submit ")
    assert completed(offload, "offload submit fib") == {"fibonacci"}
    assert completed(offload, "offload submit fibonacci ") == {"n=", "algorithm=", "modulus=", "format="}
    assert job_id in completed(offload, "offload show ")
    assert completed(offload, f"offload cancel {job_id[:-1]}") == {job_id}


def test_no_completions_without_a_service(offload: Command) -> None:
    """Neither without a server nor with a server that never responds; both end soon."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"http://127.0.0.1:{mute.getsockname()[1]}"
        begun = time.monotonic()
        assert completed(offload, "offload show ", OFFLOAD_URL=url) == set()
        assert time.monotonic() - begun < 10  # a second, and the start of the command on a busy machine
    assert completed(offload, "offload show ", OFFLOAD_URL=url) == set()
    assert completed(offload, "offload show ", OFFLOAD_URL="nonsense") == set()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_in_a_real_shell(offload: Command, shell: str, tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    path = os.pathsep.join((str(COMMAND.parent), os.environ["PATH"]))
    at_home = {"HOME": str(tmp_path), "PATH": path, "SHELL": shell}
    clean = {name: value for name, value in offload.environment.items() if not name.startswith(("XDG_", "ZDOTDIR"))}
    installed = subprocess.run(
        [shell, "-c", "offload --install-completion && true"],  # the last command of a shell would take its place
        capture_output=True,
        env={**clean, **at_home},
        cwd=tmp_path,
        check=False,
    )
    assert (installed.returncode, installed.stderr) == (0, b""), installed
    tab = "\t\t" if shell == "zsh" else "\t"  # the first one of a zsh loads what Typer has written, and no more
    with offload.shell(shell, "-i", cwd=tmp_path, environment={**at_home, "PS1": "$ ", "PROMPT": "$ "}) as terminal:
        terminal.press(f"offload canc{tab}-h\r").until("Usage: offload cancel")
        terminal.press("offload submit greet na\t").until("name=")
