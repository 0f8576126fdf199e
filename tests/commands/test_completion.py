"""What a shell completes, by Typer's own protocol and in a real shell."""

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
    """What bash is offered for the last word of a line."""
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


def test_what_the_service_knows(offload: Command, api: Caller) -> None:
    job_id = api.succeeded(api.submit("fibonacci", {"n": 4})["id"])["id"]
    assert {"fibonacci", "file-digest", "greet"} <= completed(offload, "offload submit ")
    assert completed(offload, "offload submit fib") == {"fibonacci"}
    assert completed(offload, "offload submit fibonacci ") == {"n=", "algorithm=", "modulus=", "format="}
    assert job_id in completed(offload, "offload show ")
    assert completed(offload, f"offload cancel {job_id[:-1]}") == {job_id}


def test_silent_where_nobody_answers(offload: Command) -> None:
    """Neither where nobody listens, nor where somebody listens and says nothing; then it is soon over."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"http://127.0.0.1:{mute.getsockname()[1]}"
        begun = time.monotonic()
        assert completed(offload, "offload show ", OFFLOAD_URL=url) == set()
        assert time.monotonic() - begun < 10  # a second, and the start of the command on a busy machine
    assert completed(offload, "offload show ", OFFLOAD_URL=url) == set()
    assert completed(offload, "offload show ", OFFLOAD_URL="nonsense") == set()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_a_script(offload: Command, shell: str, tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    by_name = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}  # else it is that of the shell around the tests
    script = offload("--show-completion", shell, environment=by_name).out
    assert {"bash": "COMPREPLY", "zsh": "#compdef", "fish": "complete --command"}[shell] in script
    done = subprocess.run([shell, "-n", "-c", script], capture_output=True, cwd=tmp_path, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    if shell == "bash":
        ask = f"{script}\nCOMP_WORDS=(offload sub); COMP_CWORD=1; _offload_completion offload; echo ${{COMPREPLY[@]}}"
        path = os.pathsep.join((str(COMMAND.parent), os.environ["PATH"]))
        said = subprocess.run(
            ["bash", "-c", ask], capture_output=True, env={**offload.environment, "PATH": path}, check=True
        )
        assert said.stdout.split() == [b"submit"]
