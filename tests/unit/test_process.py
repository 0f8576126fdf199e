"""Settings of the process that `offload serve` makes."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from offload.server.process import OPEN_FILES

RAISE = """
import resource, sys
from offload.server.process import raise_open_files_limit
allowed, most = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, most))
raise_open_files_limit()
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.mark.parametrize(("allowed", "most"), [(256, 300), (256, OPEN_FILES + 1), (OPEN_FILES + 1, OPEN_FILES + 2)])
def test_the_limit_of_open_files_is_raised_as_far_as_allowed(allowed: int, most: int) -> None:
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < most:
        pytest.skip("this machine lets nobody open so many files")
    said = subprocess.run(
        [sys.executable, "-c", RAISE, str(allowed), str(most)], check=True, capture_output=True, text=True
    ).stdout
    assert said.split() == [str(max(allowed, min(OPEN_FILES, most))), str(most)]


STOPPED = """
import signal, sys
from offload.server import serve

def run(*_):
    try:
        signal.raise_signal(signal.SIGTERM)
    except SystemExit as exit:  # as pydantic does while it builds a model
        raise ValueError("this can't be built") from exit

serve._run = run
sys.exit(serve.serve(["--port", "0", "--data-dir", sys.argv[1]]))
"""


def test_a_signal_during_the_start_ends_it_whatever_an_import_makes_of_that(tmp_path: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", STOPPED, tmp_path], check=False, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
