"""The zoo: tasks that do to a lane whatever a program can do to its process. They run in lanes only."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import gmpy2


def echo(text: str) -> str:
    """The one that behaves."""
    return text


def whoami() -> dict[str, object]:
    """What the process is like when an attempt begins."""
    umask = os.umask(0)
    os.umask(umask)
    return {
        "umask": umask,
        "pid": os.getpid(),
        "cwd": os.getcwd(),  # noqa: PTH109
        "nice": os.nice(0),
        "session": os.getsid(0),
        "threads": threading.active_count(),
        "recursion": sys.getrecursionlimit(),
        "main": getattr(sys.modules["__main__"], "__file__", None),
    }


def big(size: int) -> str:
    """A result of `size` bytes of JSON."""
    return "x" * (size - 2)


def waits_for(path: str) -> str:
    """Ends when the file is there."""
    while not os.path.exists(path):  # noqa: PTH110
        time.sleep(0.005)
    return "it came"


def raises(message: str) -> None:
    raise ValueError(message)


class TwoArgumentsError(Exception):
    """Can be pickled, but not unpickled."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(f"{one} and {two}")


def raises_two_arguments() -> None:
    raise TwoArgumentsError("one", "two")


class EvilError(Exception):
    """Raises again when it is looked at."""

    def __str__(self) -> str:
        raise RuntimeError("no str")

    __repr__ = __str__


def raises_evil() -> None:
    raise EvilError


class NotAnExceptionError(BaseException):
    """Passes every `except Exception`."""


def raises_base() -> None:
    raise NotAnExceptionError("beneath")


def raises_interrupt() -> None:
    raise KeyboardInterrupt


def raises_generator_exit() -> None:
    raise GeneratorExit


def raises_group() -> None:
    raise BaseExceptionGroup("several", [ValueError("first"), KeyboardInterrupt()])


def raises_surrogates() -> None:
    raise ValueError("a lone \ud800 and a \x00 and \x1b[31m red")


def raises_at_length() -> None:
    raise ValueError("begin" + "é" * 1_000_000 + "end")


def recurses(depth: int) -> int:
    return recurses(depth + 1) + 1


def exits(code: int) -> None:
    sys.exit(code)


def unpicklable() -> object:
    return lambda: None


def dies(code: int) -> None:
    os._exit(code)


def segfaults() -> None:
    ctypes.string_at(0)


def aborts() -> None:
    os.abort()


def kills_itself() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def loops() -> None:
    while True:
        pass


def ignores_sigterm() -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    loops()


def loops_in_c() -> None:
    """Holds the GIL all the while."""
    gmpy2.fib(4_000_000_000)


def sleeps(seconds: float) -> None:
    time.sleep(seconds)


def sleeps_long() -> None:
    time.sleep(600)


def hogs_slowly() -> None:
    held = []
    while True:
        held.append(bytearray(os.urandom(1024) * 1024))  # 1 MiB each
        time.sleep(0.001)


def hogs_at_once(mib: int) -> int:
    return len(bytearray(mib << 20))


def hogs_in_c() -> None:
    """GMP aborts the process when an allocation fails."""
    number = gmpy2.mpz(3)
    while True:
        number *= number


def hogs_shared_memory() -> None:
    """As `multiprocessing.shared_memory` does: neither anonymous nor a file's."""
    import mmap  # noqa: PLC0415

    with mmap.mmap(-1, 256 << 20) as shared:
        shared.write(b"x" * len(shared))
        time.sleep(600)


def hogs_in_a_child_of_a_thread() -> None:
    program = "import time; held = b'x' * (150 << 20); time.sleep(600)"
    thread = threading.Thread(target=subprocess.run, args=([sys.executable, "-c", program],))
    thread.start()
    thread.join()


def maps_a_file(path: str) -> int:
    """Reads a whole file by a map: resident, but not held."""
    import mmap  # noqa: PLC0415

    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:  # noqa: PTH123
        return sum(mapped[place] for place in range(0, len(mapped), 4096))


_leak: list[bytearray] = []


def leaks(mib: int) -> None:
    _leak.append(bytearray(b"x") * (mib << 20))


def prints(lines: int) -> None:
    line = "x" * 999
    for _ in range(lines):
        print(line)


def closes_stdout() -> None:
    sys.stdout.close()
    sys.stderr.close()
    os.close(1)
    os.close(2)


def forks(pidfile: str, then: str) -> str:
    """Leaves a child, a grandchild in a session of its own, and a program, whose pids it writes down."""
    pids = []
    for detached in (False, True):
        reader, writer = os.pipe()
        if os.fork() == 0:
            if detached:
                os.setsid()
                if os.fork():
                    os._exit(0)
            os.write(writer, b"%d" % os.getpid())
            os.close(writer)
            os.close(reader)
            time.sleep(600)
            os._exit(0)
        os.close(writer)
        pids.append(os.read(reader, 20).decode())
        os.close(reader)
    pids.append(str(subprocess.Popen(["sleep", "600"], start_new_session=True).pid))
    with open(pidfile, "w") as file:  # noqa: PTH123
        file.write(" ".join(pids))
    if then == "die":
        os._exit(1)
    if then == "loop":
        loops()
    return "left them"


def forks_and_returns_twice() -> int:
    """The child comes back from the function as well."""
    os.fork()
    return 1


def changes_everything() -> None:
    os.chdir("/")
    os.umask(0o777)
    sys.setrecursionlimit(5000)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.setitimer(signal.ITIMER_REAL, 0.2)


def starts_a_thread() -> None:
    threading.Thread(target=time.sleep, args=(600,), daemon=True).start()


def counts(to: int, progress: Callable[[int, int], None]) -> int:
    """Reports, and goes on until it is stopped where `to` is 0."""
    for done in range(to or 10**12):
        progress(done, to or 10**12)
        time.sleep(0.005)
    return to
