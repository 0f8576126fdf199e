"""The installed command `offload`, run as by a user: with pipes, or in a terminal."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.support.server import COMMAND
from tests.support.waiting import NotInTimeError

Json = dict[str, Any]

ENDS_WITHIN_S = 60.0

CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
"""Control sequences of Rich for the cursor and for colours."""


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    stdout: bytes
    stderr: str

    @property
    def out(self) -> str:
        return self.stdout.decode()

    def lines(self, code: int = 0) -> list[str]:
        """Returns the lines of stdout. Stderr must be empty."""
        assert (self.code, self.stderr) == (code, ""), self
        return self.out.splitlines()

    def line(self) -> str:
        """Returns the line that it printed, which must be the only one."""
        (line,) = self.lines()
        return line

    def json(self) -> Json:
        """Returns the JSON object that it printed, which must be the only line."""
        value: Json = json.loads(self.line())
        return value


class Command:
    """Runs `offload` with a service's address in its environment."""

    def __init__(self, url: str) -> None:
        unwanted = ("OFFLOAD", "FORCE_COLOR", "PYTHONUNBUFFERED")
        clean = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
        self.environment: Mapping[str, str] = {**clean, "OFFLOAD_URL": url, "COLUMNS": "100"}

    def __call__(
        self,
        *arguments: str | bytes,
        stdin: bytes = b"",
        cwd: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Ended:
        """Runs it with pipes until it ends."""
        done = subprocess.run(
            [COMMAND, *arguments],
            input=stdin,
            capture_output=True,
            cwd=cwd,
            env={**self.environment, **(environment or {})},
            timeout=ENDS_WITHIN_S,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr.decode())

    def begin(self, *arguments: str, cwd: Path | None = None) -> subprocess.Popen[bytes]:
        """Starts it, with pipes."""
        return subprocess.Popen(
            [COMMAND, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env=self.environment,
        )

    def terminal(
        self, *arguments: str | bytes, cwd: Path | None = None, environment: Mapping[str, str] | None = None
    ) -> "Terminal":
        """Starts it in a terminal of 100 columns."""
        return self.shell(COMMAND, *arguments, cwd=cwd, environment=environment)

    def shell(
        self, *command: str | bytes | Path, cwd: Path | None = None, environment: Mapping[str, str] | None = None
    ) -> "Terminal":
        """Starts another program in such a terminal."""
        return Terminal(command, {**self.environment, "TERM": "xterm-256color", **(environment or {})}, cwd)


class Terminal:
    """A command in a terminal: stdin, stdout and stderr are one."""

    def __init__(self, command: Sequence[str | bytes | Path], environment: Mapping[str, str], cwd: Path | None) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
        self._process = subprocess.Popen(
            ["setsid", "--ctty", *command],  # as the session's own terminal, which shells ask for
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=cwd,
            env=environment,
        )
        os.close(theirs)
        self.raw = b""
        """All output."""

    @property
    def text(self) -> str:
        """All output, without control sequences for the cursor and for colours."""
        return CONTROL.sub("", self.raw.decode(errors="replace")).replace("\r\n", "\n")

    def until(self, text: str, within: float = ENDS_WITHIN_S) -> Self:
        """Reads until the output has this text. Raises `NotInTimeError`."""
        end = time.monotonic() + within
        while text not in self.text:
            if time.monotonic() > end or not self._read(end):
                raise NotInTimeError(repr(text), within, self.text)
        return self

    def press(self, keys: str) -> Self:
        """Presses these keys."""
        os.write(self._ours, keys.encode())
        return self

    def interrupt(self) -> None:
        """Sends SIGINT to the process group, as the terminal does at Ctrl-C."""
        os.killpg(self._process.pid, signal.SIGINT)

    def end(self, within: float = ENDS_WITHIN_S) -> int:
        """Waits until it ends, and returns the exit code."""
        end = time.monotonic() + within
        while self._read(end):
            pass
        return self._process.wait(max(0.1, end - time.monotonic()))

    def _read(self, end: float) -> bool:
        """Reads some output. Returns False at the end of the output, or of the time."""
        if not select.select([self._ours], [], [], max(0.0, end - time.monotonic()))[0]:
            return False
        try:
            portion = os.read(self._ours, 65536)
        except OSError:  # on Linux: the other side is closed
            return False
        self.raw += portion
        return bool(portion)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._ours)
