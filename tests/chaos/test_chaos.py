"""A short chaos run, always by the same plan unless CHAOS_SEED says otherwise. `make chaos` is the long one."""

import asyncio
import os
from pathlib import Path

from tests.chaos.plan import OF_THE_SERVICE, plan
from tests.chaos.report import table
from tests.chaos.run import run

SEED = int(os.environ.get("CHAOS_SEED", "3"))
FAULTS = 30


def test_faults_at_random_moments_break_no_promise(tmp_path: Path) -> None:
    print(f"seed {SEED}")
    it = asyncio.run(run(plan(SEED, FAULTS), tmp_path, lanes=2, tell=print))
    print(table(it))
    assert it.broken == []
    assert it.jobs > 50, "too few to show anything"
    assert it.attacker.struck.total() > FAULTS / 2
    assert any(it.attacker.struck[fault] for fault in OF_THE_SERVICE)
