"""A program for a process pool has the same output after one line is changed to use the service."""

import subprocess
import sys
from pathlib import Path

from tests.support.server import Server

TASKS = '''
"""Work for processes."""


def count_primes(below: int, start: int = 2) -> int:
    """Count the primes from `start` to below a number."""
    return sum(all(n % d for d in range(2, int(n**0.5) + 1)) for n in range(max(2, start), below))


def reverse(text: str) -> str:
    """The other way round."""
    return text[::-1]
'''

PROGRAM = """
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial

from primes import count_primes, reverse


def main() -> None:
    with ProcessPoolExecutor() as executor:
        print(list(executor.map(count_primes, [10, 100, 1000, 5000], chunksize=2)))
        print(list(executor.map(count_primes, [100, 1000], [50, 500])))
        print(list(executor.map(partial(count_primes, start=90), [100, 1000])))
        futures = {executor.submit(count_primes, below=n): n for n in range(10, 200, 10)}
        print(sorted((futures[future], future.result()) for future in as_completed(futures)))
        print(executor.submit(reverse, "offload").result(timeout=60))
        try:
            executor.submit(reverse, 5).result()
        except Exception as error:
            print("an error, as there should be")


if __name__ == "__main__":
    main()
"""

ROOT = Path(__file__).parents[2]

OLD, NEW = "with ProcessPoolExecutor() as executor:", "with RemoteExecutor() as executor:"
IMPORT = "from offload.client import RemoteExecutor\n"


def run(program: Path, **environment: str) -> str:
    """Return what a program prints."""
    ended = subprocess.run(
        [sys.executable, "-W", "error", program],
        env={"PYTHONPATH": f"{ROOT}:{program.parent}", **environment},
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


def test_one_line_moves_a_program_to_the_service(tmp_path: Path) -> None:
    (tmp_path / "primes.py").write_text(TASKS)
    before, after = tmp_path / "before.py", tmp_path / "after.py"
    before.write_text(PROGRAM)
    assert PROGRAM.count(OLD) == 1
    after.write_text(IMPORT + PROGRAM.replace(OLD, NEW))
    server = Server(tmp_path, tasks="primes:count_primes, primes:reverse")
    server.environment["PYTHONPATH"] = f"{ROOT}:{tmp_path}"
    with server:
        output = run(after, OFFLOAD_URL=server.url)
        assert output == run(before)
        assert "(190, 42)" in output
        assert len(server.api.get("/jobs")["jobs"]) == 28
