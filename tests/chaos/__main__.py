"""The long run. Exits with 1 if a check fails, and prints which one and the command that repeats the run."""

import argparse
import asyncio
import os
import sys
import tempfile
from pathlib import Path

from tests.chaos.plan import plan
from tests.chaos.queued import ready_with
from tests.chaos.report import table
from tests.chaos.run import run


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=100, help="how many faults in all (default: 100)")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4)), help="default: a random one")
    parser.add_argument("--lanes", type=int, default=2)
    parser.add_argument("--queued", type=int, default=0, help="also measure a start with so many queued jobs")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="offload-chaos-") as directory:
        result = asyncio.run(run(plan(options.seed, options.kills), _made(directory, "run"), options.lanes, _print))
        print(table(result))
        if options.queued:
            seconds = ready_with(options.queued, _made(directory, "queued"), options.lanes)
            print(f"ready after SIGKILL with {options.queued} queued jobs: {seconds:.2f} s")
    for sentence in result.broken:
        print(f"BROKEN: {sentence}", file=sys.stderr)
    if result.broken:
        again = f"--kills {options.kills} --seed {options.seed} --lanes {options.lanes}"
        print(f"to repeat: python -m tests.chaos {again}", file=sys.stderr)
    return 1 if result.broken else 0


def _made(directory: str, name: str) -> Path:
    made = Path(directory, name)
    made.mkdir()
    return made


def _print(line: str) -> None:
    print(line, flush=True)


sys.exit(main())
