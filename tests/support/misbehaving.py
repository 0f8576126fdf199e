"""Tasks that misbehave in every way that a program can. They run in lanes only."""

import _thread
import contextlib
import ctypes
import decimal
import faulthandler
import gc
import json
import locale
import os
import resource
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing import forkserver, resource_tracker
from pathlib import Path

import gmpy2

from offload.wire.messages import Reply


def echo(text: str) -> str:
    """Behaves well."""
    return text


def whoami() -> dict[str, object]:
    """Returns the state of the process at the start of an attempt."""
    umask = os.umask(0)
    os.umask(umask)
    return {
        "umask": umask,
        "pid": os.getpid(),
        "cwd": os.getcwd(),  # noqa: PTH109
        "nice": os.nice(0),
        "session": os.getsid(0),
        "threads": threading.active_count(),
        "all threads": _thread._count(),  # those of `_thread`, too
        "recursion": sys.getrecursionlimit(),
        "environ": {name: value for name, value in os.environ.items() if name != "_OFFLOAD_LANE"},
        "limits": {name: resource.getrlimit(getattr(resource, name)) for name in ("RLIMIT_NOFILE", "RLIMIT_FSIZE")},
        "handlers": [str(signal.getsignal(number)) for number in sorted(signal.valid_signals())],
        "mask": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
        "timers": [
            signal.getitimer(timer) for timer in (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF)
        ],
        "locale": locale.setlocale(locale.LC_ALL),
        "scheduling": (
            sorted(os.sched_getaffinity(0)),
            os.sched_getscheduler(0),
            Path("/proc/self/oom_score_adj").read_text(),
        ),
        "interpreter": (gc.isenabled(), gc.get_threshold(), sys.getswitchinterval(), sys.get_int_max_str_digits()),
        "decimal": decimal.getcontext().prec,
        "zone": time.tzname,
        "few descriptors": len(os.listdir("/proc/self/fd")) < 120,  # noqa: PTH208
        "standard streams": (os.readlink("/proc/self/fd/0"), os.get_blocking(2)),  # noqa: PTH115
        "traced": sys.gettrace() is not None or sys.getprofile() is not None,
        "main": getattr(sys.modules["__main__"], "__file__", None),
    }


def big(size: int) -> str:
    """A result of `size` bytes of JSON."""
    return "x" * (size - 2)


def waits_for(path: str) -> str:
    """Ends when the file exists."""
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
    """Raises when it is converted to text."""

    def __str__(self) -> str:
        raise RuntimeError("no str")

    __repr__ = __str__


def raises_evil() -> None:
    raise EvilError


class NotAnExceptionError(BaseException):
    """Is not caught by `except Exception`."""


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


class LengthyError(Exception):
    """Has a very long message, of a subclass of `str`."""

    def __str__(self) -> str:
        return Lengthy("begin" + "x" * 10_000_000 + "end")

    __repr__ = __str__


class Lengthy(str):
    """Text that can't be truncated, encoded or pickled as text."""

    __slots__ = ()

    def __getitem__(self, _: object) -> "Lengthy":
        return self

    def encode(self, *_: object, **__: object) -> bytes:
        return bytes(self, "utf-8") * 10

    def __reduce__(self) -> tuple[object, ...]:
        return os._exit, (9,)


def raises_at_great_length() -> None:
    raise LengthyError


def raises_in_a_circle() -> None:
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first
    raise first


def raises_with_many_causes(number: int) -> None:
    error: BaseException = ValueError("the first of all")
    for _ in range(number):
        error, cause = ValueError("because of another"), error
        error.__cause__ = cause
    raise error


def raises_many_at_once(number: int) -> None:
    raise ExceptionGroup("many", [ValueError(f"number {one}") for one in range(number)])


def raises_groups_of_groups(depth: int) -> None:
    error: Exception = ValueError("the innermost")
    for _ in range(depth):
        error = ExceptionGroup("outer", [error])
    raise error


def raises_what_no_traceback_can_tell() -> None:
    error = SyntaxError("odd")
    error.text, error.lineno, error.offset = EvilError(), EvilError(), EvilError()  # type: ignore[assignment]
    raise error


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
    """Holds the GIL the whole time."""
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
    """Uses memory like `multiprocessing.shared_memory`: neither anonymous nor of a file."""
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
    """Maps a whole file and reads it: the memory is resident but not held."""
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
    """Leaves a child, a grandchild in its own session, and a program. Writes their pids to a file."""
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
    """The child returns from the function as well."""
    os.fork()
    return 1


def changes_everything() -> None:
    os.chdir("/")
    os.umask(0o777)
    sys.setrecursionlimit(5000)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.setitimer(signal.ITIMER_REAL, 0.2)


def changes_what_is_inherited() -> None:
    """Changes process state that a library might change, and that the next job must not find."""
    os.environ["HOME"] = "/nowhere"
    os.environ["LEFT_BY_A_TASK"] = "yes"
    del os.environ["PATH"]
    locale.setlocale(locale.LC_ALL, "C" if locale.setlocale(locale.LC_ALL) != "C" else "C.UTF-8")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2, signal.SIGTERM})
    signal.setitimer(signal.ITIMER_VIRTUAL, 30)
    signal.setitimer(signal.ITIMER_PROF, 30)
    sys.settrace(lambda *_: None)
    sys.setprofile(lambda *_: None)


def lowers_its_limits() -> None:
    """Lowers the hard limits too, which an ordinary user can't raise again."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_DATA, (200 << 20, 200 << 20))


def leaves_timers(seconds: float) -> None:
    """Sets two timers, each of which ends the process."""
    signal.setitimer(signal.ITIMER_REAL, seconds)
    faulthandler.dump_traceback_later(seconds, exit=True)


def replaces_json() -> None:
    """Replaces `json.dumps` globally, by a function that returns another type."""

    def dumps(*_: object, **__: object) -> bytes:
        return b"other"

    json.dumps = dumps  # type: ignore[assignment]


def changes_how_it_is_scheduled() -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    Path("/proc/self/oom_score_adj").write_text("900")


def changes_the_interpreter() -> None:
    gc.disable()
    gc.set_threshold(1)
    sys.setswitchinterval(1)
    sys.set_int_max_str_digits(1000)
    decimal.getcontext().prec = 3
    signal.set_wakeup_fd(signal.set_wakeup_fd(-1))
    os.environ["TZ"] = "Asia/Tokyo"
    time.tzset()
    for number in (signal.SIGWINCH, signal.SIGXFSZ, signal.SIGRTMIN):
        signal.signal(number, lambda *_: None)


def changes_standard_streams() -> None:
    os.close(0)
    os.open("/etc/hostname", os.O_RDONLY)
    os.set_blocking(2, False)


_left_open: list[int] = []


def leaves_files_open(number: int) -> None:
    _left_open.extend(os.open(os.devnull, os.O_RDONLY) for _ in range(number))


def opens_all_descriptors(size: int) -> str:
    """Leaves as many files open as are allowed. Then prints, and returns a result of `size` bytes."""
    with contextlib.suppress(OSError):
        while True:
            _left_open.append(os.open(os.devnull, os.O_RDONLY))
    print("none is left")
    return "x" * (size - 2)


def becomes_nicer() -> None:
    os.nice(3)


def closes_all_descriptors() -> None:
    """Closes all descriptors, as daemons do."""
    os.closerange(0, 1000)


def closes_all_but_pipes() -> None:
    for descriptor in range(1000):
        try:
            if not stat.S_ISFIFO(os.fstat(descriptor).st_mode):
                os.close(descriptor)
        except OSError:
            pass


def writes_garbage_to_its_pipes(garbage: str = "7fffffff20626162626c65") -> None:
    """Writes data that is no message to the pipes that it shares with the server."""
    excluded = {forkserver._forkserver._forkserver_alive_fd, resource_tracker.getfd()}  # type: ignore[attr-defined]
    for descriptor in range(3, 1000):
        try:
            if descriptor not in excluded and stat.S_ISFIFO(os.fstat(descriptor).st_mode):
                os.set_blocking(descriptor, False)
                os.write(descriptor, bytes.fromhex(garbage))
        except OSError:
            pass


def writes_garbage_to_the_executor() -> None:
    """Writes data that is no message to the executor's pipes: a lane has both ends of these only."""
    pipes: dict[int, int] = {}
    for descriptor in range(3, 100):
        try:
            status = os.fstat(descriptor)
        except OSError:
            continue
        if stat.S_ISFIFO(status.st_mode):
            if status.st_ino in pipes:
                os.write(descriptor, b"hello world\n")
            pipes[status.st_ino] = descriptor


def loses_its_descriptors() -> None:
    """Replaces all descriptors by /dev/null, as some daemons do."""
    for descriptor in range(3, 100):
        os.dup2(0, descriptor)


def hops(seconds: float) -> int:
    """Leaves a process that keeps forking into a new session, for this time."""
    end = time.monotonic() + seconds
    if os.fork() == 0:
        while time.monotonic() < end:
            os.setsid()
            if os.fork():
                os._exit(0)
        os._exit(0)
    return os.getpid()


def dawdles_after_its_reply(seconds: float) -> str:
    """Pauses just after its reply was sent, as when the kernel suspends a lane at this moment."""
    from offload.worker.lane_pipe import LanePipe  # noqa: PLC0415

    send_reply = LanePipe.reply

    def reply_and_dawdle(self: LanePipe, reply: Reply) -> None:
        LanePipe.reply = send_reply  # type: ignore[method-assign]
        send_reply(self, reply)
        time.sleep(seconds)

    LanePipe.reply = reply_and_dawdle  # type: ignore[method-assign]
    time.sleep(seconds)
    return "dawdling"


def starts_a_raw_thread() -> None:
    """Returns when the thread runs: Python counts it from then on."""
    before = _thread._count()
    _thread.start_new_thread(time.sleep, (600,))
    while _thread._count() == before:
        time.sleep(0.001)


def starts_a_thread() -> None:
    threading.Thread(target=time.sleep, args=(600,), daemon=True).start()


def counts(to: int, progress: Callable[[int, int], None]) -> int:
    """Reports progress. When `to` is 0, it runs until it is stopped."""
    for done in range(to or 10**12):
        progress(done, to or 10**12)
        time.sleep(0.005)
    return to
