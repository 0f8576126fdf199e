"""Measures the service, in the same run and in turn with a bare FastAPI app, the naive pool, and installed peers.

Each figure is the median of the repeats, with its range. `python -m bench.peers install all` installs the peers.
"""

import argparse
import asyncio
import os
import platform
import signal
import sqlite3
import sys
from collections.abc import Awaitable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import uvloop

from bench import pictures, table
from bench.contenders import WORKERS, Contender
from bench.figures import Results
from bench.metrics import METRICS
from bench.peers.catalogue import PEERS
from bench.peers.environments import CACHE
from bench.runner import Measured, run
from bench.stand import QUICK, Sizes, Stand


def main() -> int:
    """Measures, and prints the figures."""
    options = _options()
    if options.list:
        for metric in METRICS:
            print(f"{metric.name:10} {metric.what}")
        return 0
    peers, remarks = _peers(options.peers, options.cache)
    metrics = [metric for metric in METRICS if metric.name in (options.only or metric.name)]
    stand = Stand(_sizes(options), peers)
    machine = {**_machine(peers), "repeats": str(stand.sizes.repeats), "burst": f"{stand.sizes.burst:,}"}
    measured = uvloop.run(_until_sigterm(run(metrics, stand)))
    keeps = {each.name: each.keeps for each in stand.contenders}
    results = Results(machine, measured.figures, [*measured.remarks, *remarks], keeps)
    print("\n".join(table.lines(results)))
    if options.json:
        results.write(options.json)
    if options.pictures:
        pictures.draw(results, options.pictures)
    return 0


async def _until_sigterm(work: Awaitable[Measured]) -> Measured:
    """On the signal the run is cancelled, as by Ctrl-C, and ends the processes that it has started."""
    mine = asyncio.ensure_future(work)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, mine.cancel)
    return await mine


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    names = [metric.name for metric in METRICS]
    parser.add_argument("--list", action="store_true", help="say what can be measured")
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=names, help=f"some of {', '.join(names)}")
    parser.add_argument("--quick", action="store_true", help="little of everything: to see that it works")
    parser.add_argument("--repeats", type=int, help="how often each is measured")
    parser.add_argument(
        "--peers", nargs="*", metavar="NAME", choices=[peer.name for peer in PEERS], help="which (default: installed)"
    )
    parser.add_argument("--cache", type=Path, default=CACHE, help="where the peers are installed (%(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    parser.add_argument(
        "--pictures",
        type=Path,
        nargs="?",
        const=pictures.DIRECTORY,
        metavar="DIR",
        help=f"draw them there ({pictures.DIRECTORY})",
    )
    return parser.parse_args()


def _sizes(options: argparse.Namespace) -> Sizes:
    sizes = QUICK if options.quick else Sizes()
    return replace(sizes, repeats=options.repeats) if options.repeats else sizes


def _peers(wanted: Sequence[str] | None, cache: Path) -> tuple[tuple[Contender, ...], list[str]]:
    """Returns the installed peers among the wanted ones, and a sentence for each missing one."""
    found: list[Contender] = []
    missing = []
    for peer in PEERS:
        if wanted is not None and peer.name not in wanted:
            continue
        if peer.environment(cache).made:
            found += peer.contenders(cache)
        else:
            missing.append(f"{peer.title} is not installed: python -m bench.peers install {peer.name}")
    return tuple(found), missing


def _machine(peers: Sequence[Contender]) -> dict[str, str]:
    return {
        "at": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "load before": f"{os.getloadavg()[0]:.1f}",
        "CPUs": str(len(os.sched_getaffinity(0))),
        "workers": str(WORKERS),
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
        "FastAPI": version("fastapi"),
        "kernel": platform.release(),
        **{peer.title: peer.version for peer in PEERS if peer.title in {each.name for each in peers}},
    }


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(130)
