"""`make fuzz`: the long form of `tests/api/test_schemathesis.py`, from a seed that is printed."""

import argparse
import random
import tempfile
from pathlib import Path

from tests.conformance.run import run

HOURS_S = 3 * 3600.0


def main() -> int:
    """Runs without keys and with them; the exit code is the first that is not 0."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))  # noqa: S311  # not a secret
    parser.add_argument("--examples", type=int, default=200, help="for each operation and phase")
    asked = parser.parse_args()
    for keys in (False, True):
        print(f"seed {asked.seed}, {asked.examples} examples, {'with' if keys else 'without'} keys", flush=True)
        with tempfile.TemporaryDirectory(prefix="offload-fuzz-") as directory:
            said = run(Path(directory), seed=asked.seed, examples=asked.examples, keys=keys, within_s=HOURS_S)
        print(said.text, flush=True)
        if said.code:
            return said.code
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
