"""What the clients submit: jobs of all kinds, each with an outcome that is known beforehand."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

import gmpy2

from tests.chaos.load.tasks import HOARDED
from tests.support.caller import Json

BUILT_IN = {"fibonacci", "file-digest"}
"""The tasks of the service itself. They record no beginnings."""

FILES = {f"{size}.bin": size for size in (0, 1_000, 70_000, 3_000_000, 12_000_000)}
"""The files to digest, and their sizes. The content depends only on the size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One submission, and its expected end. A cancellation or a fault in the last attempt may change the end."""

    task: str
    params: Json
    options: Json = field(default_factory=dict)
    upload: bool = False
    """The file to digest is uploaded with the submission."""
    fails: str | None = None
    """The kind of failure; None: it succeeds."""
    cancelled: bool = False
    """A client cancels it, since it never ends by itself."""

    @property
    def counted(self) -> bool:
        """Whether the task records its beginnings. It has the parameter `mark` then."""
        return self.task not in BUILT_IN

    def params_for(self, label: str) -> Json:
        """Returns the parameters of the submission with this label."""
        return {**self.params, "mark": label} if self.counted else self.params

    def is_result(self, result: bytes) -> bool:
        """Returns True if these bytes are exactly the task's result."""
        return result == json.dumps(self._result(), separators=(",", ":")).encode()

    def _result(self) -> object:
        given = self.params
        match self.task:
            case "greet":
                return {"lines": [f"Hello, {given['name']}!"] * int(given["times"])}
            case "fibonacci":
                value = str(gmpy2.fib(given["n"]))
                return {"n": given["n"], "value": value, "digits": len(value)}
            case "blob":
                size = int(given["size"])
                return Random(given["seed"]).randbytes((size + 1) // 2).hex()[:size]  # noqa: S311  # as the task does
            case "climb":
                return given["steps"]
            case "busy":
                return given["ms"]
            case "hoard":
                return HOARDED
            case "desert":
                return "left"
            case "murder":  # a wrong end: it has begun too often
                return "spared"
            case "file-digest":
                content = file_content(FILES[given["path"]])
                digests = {name: hashlib.new(name, content).hexdigest() for name in given["algorithms"]}
                return {"name": given["path"], "size": len(content), "digests": digests, "verified": None}
            case other:
                raise LookupError(f"{other} has no result")


def file_content(size: int) -> bytes:
    return Random(size).randbytes(size)  # noqa: S311  # not a secret


def write_files(files_dir: Path) -> None:
    """Makes the files for `file-digest`."""
    for name, size in FILES.items():
        (files_dir / name).write_bytes(file_content(size))


def random_work(chance: Random) -> Work:
    """Returns a random submission."""
    options: Json = {"max_attempts": chance.choice([1, 1, 2, 3]), "priority": chance.choice([0, 0, 0, -5, 5])}

    def of(task: str, **params: object) -> Work:
        return Work(task=task, params=params, options=options)

    kinds: list[tuple[int, Callable[[], Work]]] = [
        (14, lambda: of("greet", name=str(chance.randrange(10**6)), times=chance.randint(1, 3))),
        (22, lambda: of("busy", ms=chance.randint(0, 45))),
        (6, lambda: of("busy", ms=chance.randint(45, 500))),
        (3, lambda: of("fibonacci", n=chance.randint(14, 25), algorithm="recursive")),
        (5, lambda: of("fibonacci", n=chance.randint(0, 200_000))),
        (26, lambda: of("blob", size=round(10 ** chance.uniform(3, 7)), seed=chance.randrange(1 << 30))),
        (8, lambda: of("file-digest", path=chance.choice([*FILES]), algorithms=["sha256", "md5"])),
        (
            4,
            lambda: replace(of("file-digest", path=chance.choice([*FILES]), algorithms=["sha256", "md5"]), upload=True),
        ),
        (8, lambda: of("climb", steps=chance.randint(1, 120))),
        (2, lambda: Work(task="crash", params={}, options=options, fails="worker-died")),
        (1, lambda: Work(task="leave", params={"code": chance.randint(0, 9)}, options=options, fails="worker-died")),
        (2, lambda: Work(task="refuse", params={"text": "this"}, options=options, fails="task-raised")),
        (1, lambda: Work(task="spin", params={}, options={**options, "timeout_s": 0.7}, fails="timed-out")),
        (
            2,
            lambda: Work(
                task=chance.choice(["spin", "grind"]), params={}, options={**options, "timeout_s": 100}, cancelled=True
            ),
        ),
    ]
    weights, makers = zip(*kinds, strict=True)
    make: Callable[[], Work] = chance.choices(makers, weights)[0]
    return make()
