"""A short chaos run, with the same plan unless CHAOS_SEED is set. `make chaos` is the long one."""

import asyncio
import os
from pathlib import Path

from tests.chaos.plan import SERVICE_FAULTS, plan
from tests.chaos.report import table
from tests.chaos.run import run

SEED = int(os.environ.get("CHAOS_SEED", "31"))
FAULTS = 30


def test_random_faults_break_no_promise(tmp_path: Path) -> None:
    print(f"seed {SEED}")
    result = asyncio.run(run(plan(SEED, FAULTS), tmp_path, lanes=2, report=print))
    print(table(result))
    assert result.broken == []
    assert result.jobs > 50, "too few jobs to show anything"
    assert result.injector.injected.total() > FAULTS / 2
    assert any(result.injector.injected[fault] for fault in SERVICE_FAULTS)
