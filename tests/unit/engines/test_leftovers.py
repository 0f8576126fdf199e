import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from offload.engines.local.leftovers import kill_leftovers, kill_own_leftovers, mark_descendants
from offload.engines.local.shared_memory import remove_semaphores_of_earlier_services
from offload.wire.process_mark import VARIABLE, Mark, read_marks
from tests.support.waiting import until_sync

SLEEP = "import time; time.sleep(60)"

DETACH = f"""
import os, sys
if os.fork():
    os._exit(0)
os.setsid()
if os.fork():
    os._exit(0)
print(os.getpid(), flush=True)
{SLEEP}
"""
"""Forks twice, with a new session in between: only its environment shows where it comes from."""

FORKS_WITHOUT_END = """
import os, sys, time
print(os.getpid(), flush=True)
born = time.monotonic()
while time.monotonic() < born + 30:
    time.sleep(0.05)
    if os.fork():
        os._exit(0)
"""
"""Forks into a new process every 50 ms, for half a minute at most."""

HOLDS_A_SEMAPHORE = """
import multiprocessing, pathlib, signal, subprocess, sys
from multiprocessing import resource_tracker
from offload.wire.process_mark import Mark
from offload.wire.semaphores import name_semaphores_of_server
name_semaphores_of_server(Mark.from_text("{mark}"))
lock = multiprocessing.get_context("forkserver").Lock()
pipe = resource_tracker._resource_tracker._fd
held = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], pass_fds=[pipe])
new = pathlib.Path("{note}.new")
new.write_text("/dev/shm/sem." + lock._semlock.name.removeprefix("/"))
new.rename("{note}")
signal.raise_signal(9)
"""
"""A killed service, and one of its processes that has the resource tracker's pipe, as each lane has."""

Start = Callable[..., int]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts Python code in a process with this mark. Returns the pid that it prints, else its own."""
    pids, started = [], []
    before = psutil.Process().children()

    def begin(code: str, marked: object = None, *, start_new_session: bool = False) -> int:
        environment = {name: value for name, value in os.environ.items() if name != VARIABLE}
        if marked is not None:
            environment[VARIABLE] = str(marked)
        process = subprocess.Popen(
            [sys.executable, "-c", f"import os; print(os.getpid(), flush=True)\n{code}"],
            stdout=subprocess.PIPE,
            env=environment,
            start_new_session=start_new_session,
        )
        started.append(process)
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        if "getpid" in code:
            pid = int(process.stdout.readline())
        pids.append(pid)
        return pid

    yield begin
    for pid in pids:
        if alive(pid):
            os.kill(pid, 9)
    for process in started:
        with process:
            process.kill()
    for child in psutil.Process().children():  # when an earlier test has made this process adopt orphans
        if child not in before and child.status() == psutil.STATUS_ZOMBIE:
            os.waitpid(child.pid, 0)


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def earlier(data_dir: Path) -> Mark:
    return Mark(Mark.of_this_service(data_dir).directory, 4711)


def test_processes_of_an_earlier_service_are_killed(tmp_path: Path, start: Start) -> None:
    plain = start(SLEEP, earlier(tmp_path))
    detached = start(DETACH, earlier(tmp_path))
    assert set(kill_leftovers(tmp_path)) == {plain, detached}
    assert not alive(plain)
    assert not alive(detached)


def test_a_leftover_that_is_stopped_or_ignores_sigterm_is_killed(tmp_path: Path, start: Start) -> None:
    deaf = start(f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEP}", earlier(tmp_path))
    stopped = start(SLEEP, earlier(tmp_path))
    os.kill(stopped, 19)
    assert set(kill_leftovers(tmp_path)) == {deaf, stopped}


def test_a_leftover_that_keeps_forking_is_killed(tmp_path: Path, start: Start) -> None:
    start(FORKS_WITHOUT_END, earlier(tmp_path))
    kill_leftovers(tmp_path)
    assert kill_leftovers(tmp_path) == []


def test_semaphores_are_removed_even_when_the_resource_tracker_does_not(
    tmp_path: Path, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """multiprocessing's resource tracker removes them after all other processes, if it has time for it."""
    monkeypatch.setattr("offload.wire.marked_processes.TRACKER_S", 0.0)
    start(HOLDS_A_SEMAPHORE.format(note=tmp_path / "note", mark=earlier(tmp_path)), earlier(tmp_path))
    until_sync((tmp_path / "note").exists, what="a note")
    semaphore = Path((tmp_path / "note").read_text())
    assert semaphore.exists()
    assert len(kill_leftovers(tmp_path)) >= 2
    remove_semaphores_of_earlier_services(tmp_path)
    assert not semaphore.exists()
    assert kill_leftovers(tmp_path) == []


def test_semaphores_of_other_services_are_not_removed(tmp_path: Path) -> None:
    this = Mark.of_this_service(tmp_path)
    others = [f"offload-{this.directory ^ 1:x}-{this.server:x}-abc", f"offload-{this}-abc", f"offload-{this}.4711-abc"]
    files = [Path(f"/dev/shm/sem.{name}") for name in (*others, f"offload-{earlier(tmp_path)}.4711-abc")]
    try:
        for file in files:
            file.touch()
        remove_semaphores_of_earlier_services(tmp_path)
        assert [file.exists() for file in files] == [True, True, True, False]
    finally:
        for file in files:
            file.unlink(missing_ok=True)


def test_a_service_of_another_directory_and_unmarked_processes_are_not_killed(tmp_path: Path, start: Start) -> None:
    (tmp_path / "other").mkdir()
    other = start(SLEEP, earlier(tmp_path / "other"))
    unmarked = start(SLEEP)
    strange = start(SLEEP, "strange")
    assert kill_leftovers(tmp_path) == []
    assert all(map(alive, (other, unmarked, strange)))


def test_this_services_own_processes_are_not_killed_at_boot(tmp_path: Path, start: Start) -> None:
    own = start(SLEEP, Mark.of_this_service(tmp_path), start_new_session=True)
    assert kill_leftovers(tmp_path) == []
    assert alive(own)


def test_the_same_directory_by_another_path_is_the_same(tmp_path: Path, start: Start) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    left = start(SLEEP, earlier(tmp_path / "link"))
    assert kill_leftovers(tmp_path) == [left]


def test_another_directory_at_the_same_path_is_another(tmp_path: Path, start: Start) -> None:
    """Such as the one that a container mounts there. The leftovers go with the directory."""
    data_dir, moved = tmp_path / "data", tmp_path / "moved"
    data_dir.mkdir()
    left = start(SLEEP, earlier(data_dir))
    data_dir.rename(moved)
    data_dir.mkdir()
    assert kill_leftovers(data_dir) == []
    assert kill_leftovers(moved) == [left]


def test_a_lane_that_started_this_service_is_not_killed(tmp_path: Path) -> None:
    """A task of the earlier service starts a service on the same directory. It must not kill its own ancestors."""
    code = f"""
import os, subprocess, sys
sweep = '''
import sys
from pathlib import Path
from offload.engines.local.leftovers import kill_leftovers
print(kill_leftovers(Path(sys.argv[1])))
'''
print(subprocess.run([sys.executable, "-c", sweep, {str(tmp_path)!r}], capture_output=True, text=True).stdout)
"""
    environment = {**os.environ, VARIABLE: str(earlier(tmp_path))}
    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_at_its_end_a_service_ends_what_detached_itself_from_a_lane(tmp_path: Path, start: Start) -> None:
    this = Mark.of_this_service(tmp_path)
    detached = start(DETACH, this)
    forkserver = start(SLEEP, this)
    assert kill_own_leftovers(tmp_path) == [detached]
    assert alive(forkserver)


def test_a_mark_is_inherited_by_processes_that_are_started_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    mark_descendants(tmp_path)
    assert os.environ[VARIABLE] == str(Mark.of_this_service(tmp_path))
    with subprocess.Popen([sys.executable, "-c", SLEEP], start_new_session=True) as child:
        until_sync(lambda: read_marks(child.pid), what="the program started")
        assert read_marks(child.pid) == {Mark.of_this_service(tmp_path)}
        assert Mark.of_this_service(tmp_path) not in read_marks(os.getpid())
        assert kill_own_leftovers(tmp_path) == [child.pid]
