"""What the forkserver loads for all lanes: the registry that lanes then find ready, whatever users' modules do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from offload.tasks.registry import RegistrySpec
from offload.worker.registry import VARIABLE, announce

SHOW = """
import gc, os, sys
import offload.worker.preload
from offload.tasks.registry import RegistrySpec
from offload.worker.registry import registry
made = registry.cache_info().currsize
print(made, "gmpy2" in sys.modules, "OFFLOAD_PRELOAD" in os.environ, gc.get_freeze_count() > 10_000)
"""


def shown(directory: Path, tasks: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """How many registries are ready, whether gmpy2 is, whether the word is still there, and whether all is frozen."""
    monkeypatch.setenv(VARIABLE, "")  # so that it goes again
    announce(RegistrySpec(tasks=tasks, fibonacci_max_n=5))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path.cwd()), str(directory)])}
    process = subprocess.run([sys.executable, "-c", SHOW], env=environment, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    return process.stdout.split()


def test_lanes_find_their_tasks_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ready.py").write_text("def f() -> None: ...\n")
    assert shown(tmp_path, "ready:f", monkeypatch) == ["1", "True", "False", "True"]


@pytest.mark.parametrize("fault", ["import nowhere", "1 / 0", "raise SystemExit", "raise KeyboardInterrupt", "("])
def test_a_module_that_can_not_be_imported_is_for_others_to_tell(
    tmp_path: Path, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken.py").write_text(fault)
    assert shown(tmp_path, "broken:f", monkeypatch) == ["0", "True", "False", "True"]
