"""When the server is killed, the kernel kills every lane immediately, with its children, even in C code."""

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
from tests.support.waiting import until

async def main(home, task):
    engine = LocalEngine(local_setup(home, NoBoard.address, NoBoard.authkey), lanes=2, board=NoBoard())
    rig = Rig(engine, home)
    await engine.open(lambda: None)
    await rig.all_free()
    pids = home / "pids"
    if task == "forks":
        running = rig.assign("forks", pidfile=str(pids), then="loop")
    else:
        running = rig.assign(task, memory_mb=8192)
    rig.begin(running)
    await rig.running(running)
    if task == "forks":
        await until(lambda: pids.exists() and len(pids.read_text().split()) == 3, what="the task's processes")
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
    # A process of a task in its own session is killed by the service's next start, see `leftovers`.
    for one in below:
        if _runs(one) and one not in group and os.getsid(one.pid) != os.getsid(0):
            one.kill()
    until_sync(lambda: not any(_runs(one) for one in below), within=5, what=f"{below} to end")


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
