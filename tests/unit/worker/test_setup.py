"""The server is killed: the kernel ends every lane with it, at once, children and C code included."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.support.waiting import until_sync

SERVER = """
import asyncio, pathlib, sys
from offload.engines.local.engine import LocalEngine
from tests.support.engine_rig import NoBoard, Rig, local_setup

async def main(home, task):
    engine = LocalEngine(local_setup(home, NoBoard.address, NoBoard.authkey), lanes=2, board=NoBoard())
    rig = Rig(engine, home)
    await engine.open(lambda: None)
    await rig.all_free()
    if task == "forks":
        running = rig.assign("forks", pidfile=str(home / "pids"), then="loop")
    else:
        running = rig.assign(task, memory_mb=8192)
    rig.begin(running)
    await rig.running(running)
    print(*[lane.pid for lane in engine.lanes()], flush=True)
    await asyncio.sleep(60)

asyncio.run(main(pathlib.Path(sys.argv[1]), sys.argv[2]))
"""


@pytest.mark.parametrize("task", ["loops-in-c", "sleeps-long", "forks"])
def test_lanes_end_with_the_server(tmp_path: Path, task: str) -> None:
    server = subprocess.Popen([sys.executable, "-c", SERVER, tmp_path, task], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        lanes = [int(pid) for pid in server.stdout.readline().split()]
        assert len(lanes) == 2
        below = psutil.Process(server.pid).children(recursive=True)
        group = [one for one in below if os.getsid(one.pid) in lanes]
        assert len(group) >= len(lanes)
    finally:
        server.kill()
        server.wait()
        if server.stdout is not None:
            server.stdout.close()
    until_sync(lambda: not any(_runs(one) for one in group), within=1, what=f"{group} to end")
    # What a task has put into a session of its own is for the next start's sweep, see `leftovers`.
    for one in below:
        if _runs(one) and one not in group and os.getsid(one.pid) != os.getsid(0):
            one.kill()
    until_sync(lambda: not any(_runs(one) for one in below), within=5, what=f"{below} to end")


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
