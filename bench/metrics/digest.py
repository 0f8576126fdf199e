"""SHA-256 of a large cached file, in all lanes at the same time, compared with hashlib in as many processes."""

import json
import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from bench import bare_processes
from bench.contenders import OFFLOAD, WORKERS
from bench.load import load, post
from bench.runner import Metric, Turn
from bench.shown import has_ended
from bench.stand import Stand
from bench.work import MIB

_FILE = "large.bin"


def turns(stand: Stand) -> list[Turn]:
    return [
        Turn(OFFLOAD.name, partial(_offload, stand)),
        Turn("hashlib in a loop", partial(_hashlib, stand.sizes.file_mib)),
    ]


async def _offload(stand: Stand) -> Mapping[str, float]:
    server, mib = await stand.server(OFFLOAD), stand.sizes.file_mib
    assert server.files is not None
    _make(server.files / _FILE, mib)
    figures = {}
    for algorithm in ("sha256", "blake3"):
        job = post(
            "/jobs/file-digest", json.dumps({"path": _FILE, "algorithms": [algorithm]}).encode(), Prefer="wait=60"
        )
        digested = await load(server.port, [job] * WORKERS, connections=WORKERS)
        if not all(has_ended(answer) for answer in digested.answers):
            raise RuntimeError("a digest took more than a minute")
        figures[f"{algorithm} MiB/s"] = WORKERS * mib / digested.seconds
    return figures


def _make(path: Path, mib: int) -> None:
    """Writes the file if it is missing. After that it is in the page cache."""
    if not path.exists():
        block = os.urandom(MIB)
        with path.open("wb") as file:
            for _ in range(mib):
                file.write(block)


async def _hashlib(mib: int) -> Mapping[str, float]:
    return {"sha256 MiB/s": WORKERS * mib / await bare_processes.together("digest", mib)}


METRIC = Metric("digest", "SHA-256 of a cached large file in all lanes, against hashlib in a loop", turns)
