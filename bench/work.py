"""The measured work: the same functions in the service, in the naive pool, in every peer and in bare processes.

`python -m bench.work burn ROUNDS TIMES` and `python -m bench.work digest MIB` do it in a bare process: it says that it
is ready, and begins at a line on its standard input.
"""

import hashlib
import sys
import time

MIB = 2**20


def noop() -> None:
    """Does nothing, so that only the cost of a job is measured."""


def burn(rounds: int) -> int:
    """Runs rounds of pure Python that hold the GIL: a fixed amount of work."""
    total = 0
    for number in range(rounds):
        total += number & 7
    return total


def hold(seconds: float) -> None:
    """Keeps a lane busy without CPU."""
    time.sleep(seconds)


def digest(mib: int) -> str:
    """Runs SHA-256 of hashlib over one cached MiB repeatedly: the speed of OpenSSL from Python."""
    block, digest = bytes(MIB), hashlib.sha256()
    for _ in range(mib):
        digest.update(block)
    return digest.hexdigest()


def rounds_of_a_millisecond() -> float:
    """Returns the rounds of `burn` in a millisecond of CPU: the best of 20 tries, since it is the least disturbed."""
    tries = []
    for _ in range(20):
        begin = time.thread_time()
        burn(100_000)
        tries.append(time.thread_time() - begin)
    return 100_000 / (min(tries) * 1000)


def main() -> None:
    what, *numbers = sys.argv[1:]
    amount, *times = map(int, numbers)
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(times[0] if times else 1):
        {"burn": burn, "digest": digest}[what](amount)


if __name__ == "__main__":
    main()
