"""A user's own module of tasks, good and bad: plain functions that know nothing of Offload.

A task that takes a `gate` goes on until a file of that name exists, so that a test decides when it ends.
"""

import logging
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, NoReturn

import gmpy2
from pydantic import BaseModel, Field


class Greeting(BaseModel):
    """The result of `greet`."""

    lines: list[str]


def greet(name: str, times: Annotated[int, Field(gt=0, le=10)] = 1) -> Greeting:
    """Greet somebody.

    As often as asked for.
    """
    return Greeting(lines=[f"Hello, {name}!"] * times)


def hold(gate: str) -> int:
    """Wait for the gate to open. Return the id of the process that waited."""
    while not Path(gate).exists():
        time.sleep(0.005)
    return os.getpid()


def count(gate: str, progress: Callable[[int, int], None]) -> int:
    """Count steps of nothing until the gate opens, and report each."""
    done = 0
    while not Path(gate).exists():
        done += 1
        progress(done, 1_000_000)
        time.sleep(0.005)
    return done


def climb(steps: int, progress: Callable[[int, int], None]) -> int:
    """Climb some steps at a walking pace, and report each."""
    for done in range(steps):
        progress(done, steps)
        time.sleep(0.01)
    return steps


def blob(size: int, seed: int) -> str:
    """Make `size` characters that depend only on `seed`."""
    return random.Random(seed).randbytes((size + 1) // 2).hex()[:size]  # noqa: S311  # not a secret


def refuse(text: str) -> None:
    """Raise."""
    raise ValueError(f"I refuse {text}")


def leave(code: int) -> NoReturn:
    """End the process as a library that gives up does."""
    os._exit(code)


def crash() -> None:
    """End the process as a fault in C code does."""
    os.kill(os.getpid(), signal.SIGSEGV)


def spin() -> NoReturn:
    """Never end, in Python."""
    while True:
        pass


def grind() -> int:
    """Stay for minutes in one C call that holds the GIL."""
    modulus = gmpy2.mpz(2) ** 20_011 - 1
    return int(gmpy2.powmod(3, gmpy2.mpz(2) ** 2**25, modulus) % 1000)


def eat() -> int:
    """Allocate memory without end."""
    eaten = []
    while True:
        eaten.append(bytearray(os.urandom(1 << 20)))


def chatter(lines: int) -> int:
    """Print a lot."""
    for number in range(lines):
        print(f"line {number} of what a task has to say")
    return lines


def mutter(times: int, width: int = 0) -> int:
    """Print lines of a width every now and then."""
    for number in range(times):
        print(f"{number} of {times}".ljust(width, "."))
        time.sleep(0.4)
    return times


def beget(gate: str | None = None) -> int:
    """Leave a process behind that outlives its task, in a session of its own. Return its pid."""
    child = subprocess.Popen(["sleep", "600"], start_new_session=True)
    if gate is not None:
        hold(gate)
    return child.pid


def loaded(package: str) -> list[str]:
    """List the modules of a package that the lane has loaded."""
    return [name for name in sys.modules if name.partition(".")[0] == package]


def talk(gate: str, words: str = "I go <b>on</b>.", end: str = "\n") -> None:
    """Print a line, and another one when a file exists."""
    print("I wait.", end=end, flush=True)
    while not Path(gate).exists():
        time.sleep(0.01)
    logging.getLogger("talks").warning(words)
    print("I am done.", file=sys.stderr)
