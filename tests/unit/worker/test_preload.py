"""The forkserver loads the registry for all lanes, whatever users' modules do."""

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from offload.tasks.registry import RegistrySpec
from offload.wire.messages import PRELOAD_VARIABLE

SHOW = """
import gc, os, sys
import offload.worker.preload
from offload.tasks.registry import RegistrySpec
from offload.worker.entry_points import registry
made = registry.cache_info().currsize
print(made, "gmpy2" in sys.modules, "_OFFLOAD_PRELOAD" in os.environ, gc.get_freeze_count() > 10_000)
"""


def shown(directory: Path, tasks: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Cached registries, whether gmpy2 is loaded, whether the variable is set, whether objects are frozen."""
    setup = {
        "spec": asdict(RegistrySpec(tasks=tasks, fibonacci_max_n=5)),
        "sys_path": [*sys.path, str(directory)],
        "safe_path": None,
    }
    monkeypatch.setenv(PRELOAD_VARIABLE, json.dumps(setup))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path.cwd()), str(directory)])}
    process = subprocess.run([sys.executable, "-c", SHOW], env=environment, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    return process.stdout.split()


def test_lanes_find_their_tasks_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ready.py").write_text("def f() -> None: ...\n")
    assert shown(tmp_path, "ready:f", monkeypatch) == ["1", "True", "False", "True"]


@pytest.mark.parametrize("fault", ["import nowhere", "1 / 0", "raise SystemExit", "raise KeyboardInterrupt", "("])
def test_a_module_that_can_not_be_imported_is_ignored(
    tmp_path: Path, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken.py").write_text(fault)
    assert shown(tmp_path, "broken:f", monkeypatch) == ["0", "True", "False", "True"]
