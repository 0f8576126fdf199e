"""A real `offload serve` process with its own directory. Each test checks that it leaves nothing behind."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import uuid
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from tests.support import traces
from tests.support.caller import Caller
from tests.support.waiting import NotInTimeError, until_sync

STARTS_WITHIN_S = 15.0
ENDS_WITHIN_S = 20.0
GOES_WITHIN_S = 5.0
"""How long the processes of a service may outlive it on a busy machine. The kernel needs milliseconds."""

COMMAND = Path(sys.executable).with_name("offload")
SAMPLES = Path(__file__).with_name("sample_tasks.py")
SAMPLE_TASKS = "greet hold count climb blob refuse leave crash spin grind eat chatter beget talk"
READY = re.compile(r'\A(?:{.*")?Offload ready on (http://127\.0\.0\.1:\d+) with (\d+) lanes(?:".*})?\n\Z')
"""One line, which is JSON with `log_format=json`."""


class DidNotStartError(AssertionError):
    """The service ended, or did not report that it is ready within its time."""

    def __init__(self, code: int | None, stderr: str) -> None:
        super().__init__(f"exit code {code}; stderr:\n{stderr}")
        self.code = code
        self.stderr = stderr


class Server:
    """One service at a time; `start` again on the same directory after `kill` or `stop`.

    Settings are named as the variables are, without OFFLOAD_: `Server(tmp_path, queue_limit=20)`. Unless other
    `tasks` are given, it has the functions of `sample_tasks.py`, which is in its working directory.
    """

    def __init__(self, directory: Path, *, lanes: int = 2, **settings: str | float) -> None:
        self.data_dir = directory / "data"
        self.files_dir = directory / "files"
        self.files_dir.mkdir(parents=True, exist_ok=True)
        self.settings: dict[str, str | float] = {
            "port": 0,
            "data_dir": str(self.data_dir),
            "files_dir": str(self.files_dir),
            "lanes": lanes,
            "tasks": ", ".join(f"{SAMPLES.stem}:{name}" for name in SAMPLE_TASKS.split()),
            **settings,
        }
        self.environment: dict[str, str] = {}
        """Variables that the service gets besides its settings."""
        self.command = COMMAND
        self.working_directory = SAMPLES.parent
        self._directory = directory
        self._marker = uuid.uuid4().hex
        self._process: subprocess.Popen[bytes] | None = None
        self._api: Caller | None = None
        self._others: list[Caller] = []
        self._semaphores: set[str] = set()

    def start(self, **settings: str | float) -> Self:
        """Starts the service, with other settings if wanted, until it is ready. Raises `DidNotStartError`."""
        self.settings |= settings
        self.launch()
        with contextlib.suppress(NotInTimeError):
            until_sync(self._spoke_or_ended, within=STARTS_WITHIN_S)
        if (ready := READY.match(self.stdout)) is None:
            code = self.process.poll()
            self.kill()
            until_sync(lambda: not self.family(), within=GOES_WITHIN_S, what="the processes of a failed start to end")
            raise DidNotStartError(code, self.stderr)
        assert int(ready[2]) == self.settings["lanes"]
        self._hang_up()
        self._api = Caller(ready[1])
        self.note_semaphores()
        return self

    def launch(self) -> None:
        """Starts the service process, and does not wait until it is ready."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("OFFLOAD")}
        ours = {f"OFFLOAD_{name.upper()}": str(value) for name, value in self.settings.items()}
        with self._stdout.open("wb") as stdout, self._stderr.open("ab") as stderr:
            self._process = subprocess.Popen(
                [self.command, "serve"],
                cwd=self.working_directory,
                env={**clean, **ours, **self.environment, traces.MARKER: self._marker},
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,  # a group of its own, for Ctrl-C
            )

    def _spoke_or_ended(self) -> bool:
        return self.stdout.endswith("\n") or self.process.poll() is not None

    @property
    def api(self) -> Caller:
        """A client of the present service."""
        assert self._api is not None, "the server has not been started"
        return self._api

    @property
    def url(self) -> str:
        """The address of the present service."""
        return str(self.api.http.base_url).rstrip("/")

    def api_with(self, key: str) -> Caller:
        """Returns a client of the present service with a key."""
        caller = Caller(str(self.api.http.base_url), key)
        self._others.append(caller)
        return caller

    def _hang_up(self) -> None:
        for caller in (*self._others, self._api):
            if caller is not None:
                caller.close()

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "the server has not been started"
        return self._process

    @property
    def _stdout(self) -> Path:
        return self._directory / "stdout.txt"

    @property
    def _stderr(self) -> Path:
        return self._directory / "stderr.txt"

    @property
    def stdout(self) -> str:
        """The stdout of the present service."""
        return self._stdout.read_text(errors="replace")

    @property
    def stderr(self) -> str:
        """The stderr of all services in this directory."""
        return self._stderr.read_text(errors="replace") if self._stderr.exists() else ""

    def note_semaphores(self) -> None:
        """Records the semaphores of this server, since other servers run beside it. To be called before each kill."""
        self._semaphores |= traces.semaphores(self.family())

    def terminate(self) -> None:
        """Sends SIGTERM, as an init system does."""
        self.note_semaphores()
        self.process.terminate()

    def terminate_all(self) -> None:
        """Sends SIGTERM to every process of the service, as systemd does."""
        for process in self.family():
            process.terminate()

    def interrupt(self) -> None:
        """Sends SIGINT to the whole process group, as a terminal does at Ctrl-C."""
        os.killpg(self.process.pid, signal.SIGINT)

    def close_terminal(self) -> None:
        """Sends SIGHUP to the whole process group, as a terminal does when it is closed."""
        os.killpg(self.process.pid, signal.SIGHUP)

    def wait(self, within: float = ENDS_WITHIN_S) -> int:
        """Waits until the service ends, and returns its exit code. Raises `subprocess.TimeoutExpired`."""
        return self.process.wait(within)

    def kill(self) -> None:
        """Kills only the server process, as the kernel does when memory runs out."""
        self.note_semaphores()
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """Ends the service in order."""
        self.terminate()
        assert self.wait() == 0, self.stderr

    def family(self) -> list[psutil.Process]:
        """Returns every live process of this server's services, the servers included."""
        return traces.processes(self._marker)

    def forkserver(self) -> psutil.Process:
        """Returns the process that lanes and the Manager are forked from."""
        session = os.getsid(self.process.pid)  # each process that is forked from it starts its own session
        return next(forked for forked in self.forked() if os.getsid(forked.pid) == session)

    def manager(self) -> psutil.Process:
        """Returns the process of the board. To be called while no lane is opening."""
        others = {self.forkserver().pid, *(lane["pid"] for lane in self.api.lanes())}
        (manager,) = (forked for forked in self.forked() if forked.pid not in others)
        return manager

    def forked(self) -> list[psutil.Process]:
        """Returns the forkserver and the processes forked from it. A fork keeps the command line."""
        found = []
        for process in self.family():
            with contextlib.suppress(psutil.NoSuchProcess):  # it has ended meanwhile
                found += [process] if "multiprocessing.forkserver" in "".join(process.cmdline()) else []
        return found

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Ends the service if it runs. Fails if anything of any service in this directory is left."""
        print(self.stderr[-20_000:])  # pytest shows it with a failure
        self._hang_up()
        if self._process is None:
            return
        try:
            if self._process.poll() is None:
                self.stop()
            self._expect_nothing_left()
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Kills every process that is left, and checks nothing."""
        for process in self.family():
            with contextlib.suppress(psutil.NoSuchProcess):
                if "resource_tracker" not in "".join(process.cmdline()):  # it ends last, and removes semaphores then
                    process.kill()
        self.process.wait()

    def _expect_nothing_left(self) -> None:
        with contextlib.suppress(NotInTimeError):
            until_sync(lambda: not self.family() and not self.semaphores_left(), within=GOES_WITHIN_S)
        assert "Traceback" not in self.stderr
        assert not (family := self.family()), family
        assert not (semaphores := self.semaphores_left()), semaphores
        assert not (parts := list(self.data_dir.rglob("*.part"))), parts
        assert not (sockets := [path for path in self.data_dir.rglob("*") if path.is_socket()]), sockets

    def semaphores_left(self) -> list[str]:
        return [name for name in self._semaphores if Path(name).exists()]
