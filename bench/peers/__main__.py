"""Makes the environments of peers, or lists them.

python -m bench.peers install celery taskiq    (or `all`)
python -m bench.peers list
"""

import argparse
import subprocess
from pathlib import Path

from bench.peers.catalogue import PEERS
from bench.peers.environments import CACHE


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench.peers", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cache", type=Path, default=CACHE, help="where the environments are (%(default)s)")
    calls = parser.add_subparsers(dest="call", required=True)
    calls.add_parser("list", help="say which there are")
    install = calls.add_parser("install", help="make environments")
    install.add_argument("names", nargs="+", choices=[*(peer.name for peer in PEERS), "all"], metavar="NAME")
    options = parser.parse_args()
    failed = 0
    for peer in PEERS:
        environment = peer.environment(options.cache)
        if options.call == "install" and {peer.name, "all"} & {*options.names}:
            try:
                environment.make()
            except subprocess.CalledProcessError as error:
                print(f"{peer.name}: {error}")
                failed += 1
        print(f"{peer.name:14} {'installed' if environment.made else 'missing':10} {' '.join(peer.packages)}")
    return min(failed, 1)


if __name__ == "__main__":
    raise SystemExit(main())
