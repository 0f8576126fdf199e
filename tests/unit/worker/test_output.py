"""What tasks print and log is in the job's log and, up to a limit, on stderr. Changes to the streams do not last."""

import asyncio
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from offload.jobs.model import AttemptKey, LogLine
from offload.stores.logs import LogDirectory
from offload.wire.attempt_files import RESTARTED
from offload.worker.output.capture import ATTEMPT_BYTES, NOTICE
from offload.worker.output.log_writer import FILE_BYTES, LINE_CHARS, LogWriter

START = """
import logging, os, sys, threading, warnings
from pathlib import Path
from offload.worker.output.log_writer import LogWriter
from offload.worker.output.capture import OutputCapture
{imported}
output = OutputCapture(LogWriter(Path({logs!r})))
os.dup2(2, 1)
def begin(): output.begin("job", 1)
end = output.end
"""


@pytest.fixture
def said(tmp_path: Path) -> "Said":
    return Said(tmp_path)


class Said:
    """Runs the code of an attempt in its own process."""

    def __init__(self, logs: Path) -> None:
        self.logs = logs

    def __call__(self, body: str, *, imported: str = "", code: int = 0) -> tuple[str, str]:
        """Returns the process's stdout and stderr. `imported` is code of the task's module, which runs before."""
        script = START.format(logs=str(self.logs), imported=imported) + body
        command = [sys.executable, "-c", script]
        run = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, timeout=60)
        assert run.returncode == code, run.stderr
        return run.stdout, run.stderr

    def kept(self) -> Sequence[LogLine]:
        """Returns the log of attempt 1, oldest line first."""
        return asyncio.run(LogDirectory(self.logs).read(AttemptKey("job", 1)))

    def texts(self) -> list[str]:
        return [line.text for line in self.kept()]


def test_each_attempt_prints_up_to_the_limit(said: Said) -> None:
    out, err = said("for _ in range(2):\n begin()\n for _ in range(100_000): print('x' * 999)\n end()")
    assert out == ""
    assert err.count("x") + err.count("\n") <= 2 * (ATTEMPT_BYTES + len(NOTICE))
    assert err.count("x") > 2 * (ATTEMPT_BYTES - 1000)
    assert err.count("the rest is only in its log") == 2


@pytest.mark.parametrize(
    "deed",
    [
        "sys.stdout.close()",
        "sys.stdout.buffer.close()",
        "sys.stdout.buffer.raw.close()",
        "sys.stdout.detach()",
        "sys.stderr.close()",
        "os.close(1); os.close(2)",
        "sys.stdout = None",
        "os.close(2); open('/dev/null', 'w')",
        "os.closerange(3, 100)",
        "print('first'); os.closerange(3, 100)",
    ],
)
def test_changes_to_the_streams_do_not_last(said: Said, deed: str) -> None:
    _, err = said(f"begin()\n{deed}\nend()\nbegin()\nprint('heard')\nend()\nos.write(1, b'low')")
    if "closerange" not in deed:  # it closes the service's stderr permanently
        assert err == "heard\nlow"
    assert said.texts()[-1] == "heard"


def test_surrogates_can_be_printed(said: Said) -> None:
    assert said("begin()\nprint('\\ud800')\nend()")[1] == "\\ud800\n"
    assert said.texts() == ["\\ud800"]


def test_streams_and_loggers_are_distinguished_and_in_order(said: Said) -> None:
    said(
        "begin()\nprint('a\\nb')\nprint('c', file=sys.stderr)\nlogging.getLogger('mine').warning('d %s', 1)\n"
        "warnings.warn('e')\nprint('no end', end='')\nend()"
    )
    records = [(each.stream, each.level, each.logger, each.text.split("\n")[0]) for each in said.kept()]
    assert records[:4] == [
        ("stdout", None, None, "a"),
        ("stdout", None, None, "b"),
        ("stderr", None, None, "c"),
        (None, "warning", "mine", "d 1"),
    ]
    assert "e" in records[4][3]
    assert records[-1][3] == "no end"
    assert all(first.at <= second.at for first, second in zip(said.kept(), said.kept()[1:], strict=False))


def test_info_is_logged_and_debug_only_when_the_task_enables_it_for_this_attempt(said: Said) -> None:
    said(
        "begin()\nlogging.info('1')\nlogging.debug('2')\nlogging.getLogger().setLevel(logging.DEBUG)\n"
        "logging.debug('3')\nend()\nbegin()\nlogging.debug('4')\nlogging.info('5')\nend()"
    )
    assert said.texts() == ["1", "3", "5"]


@pytest.mark.parametrize(
    "deed",
    [
        "logging.basicConfig()",
        "logging.basicConfig(force=True, stream=sys.stdout)",
        "logging.getLogger().handlers.clear()",
        "logging.getLogger().addHandler(logging.StreamHandler())",
        "logging.disable(logging.CRITICAL)",
        "logging.getLogger().setLevel(logging.CRITICAL)",
        "logging.config.dictConfig({'version': 1})",
    ],
)
def test_changes_to_logging_do_not_last(said: Said, deed: str) -> None:
    said(f"import logging.config\nbegin()\n{deed}\nend()\nbegin()\nlogging.info('heard')\nend()")
    assert said.texts() == ["heard"]


def test_loggers_that_an_attempt_disables_work_in_the_next(said: Said) -> None:
    said(
        "import logging.config\nbegin()\nlater = logging.getLogger('later')\n"
        "logging.config.dictConfig({'version': 1, 'loggers': {'third': {'propagate': False}}})\n"
        "mine.info('not heard')\nend()\n"
        "begin()\nfor name in ('mine', 'later', 'third'): logging.getLogger(name).info('heard')\nend()",
        imported="mine = logging.getLogger('mine')",
    )
    assert said.texts() == ["heard"] * 3


def test_handlers_of_an_attempt_are_removed(said: Said, tmp_path: Path) -> None:
    own = tmp_path / "own.log"
    said(
        "def attempt():\n begin()\n mine.addHandler(logging.StreamHandler())\n"
        f" mine.addHandler(logging.FileHandler({str(own)!r}))\n mine.info('once'); end()\n"
        "for _ in range(4): attempt()",
        imported="mine = logging.getLogger('mine')",
    )
    assert [(line.stream, line.text) for line in said.kept()] == [("stderr", "once"), (None, "once")] * 4
    assert own.read_text() == "once\n" * 4


def test_the_logging_setup_of_a_tasks_module_lasts(said: Said, tmp_path: Path) -> None:
    """Except for a handler on stderr: every line would appear twice."""
    own = tmp_path / "own.log"
    _, err = said(
        "for _ in range(2):\n begin(); logging.debug('all'); mine.debug('mine')\n"
        " logging.basicConfig(force=True); end()",
        imported=f"logging.basicConfig(level=logging.DEBUG)\n"
        f"logging.getLogger().addHandler(logging.FileHandler({str(own)!r}))\n"
        f"mine = logging.getLogger('mine')\nmine.addHandler(logging.FileHandler({str(own)!r}))",
    )
    assert said.texts() == ["all", "mine"] * 2
    assert sorted(own.read_text().split()) == ["all"] * 2 + ["mine"] * 4
    assert err.count("all") == 2


def test_an_exception_is_logged_with_its_traceback_in_one_record(said: Said) -> None:
    said("begin()\ntry: 1 / 0\nexcept Exception: logging.exception('no')\nend()")
    (text,) = said.texts()
    assert text.startswith("no\nTraceback")
    assert text.endswith("ZeroDivisionError: division by zero")


def test_a_record_that_can_not_be_formatted_is_reported_on_stderr(said: Said) -> None:
    said("begin()\nlogging.info('%d', 'x')\nprint('on')\nend()")
    assert "--- Logging error ---" in said.texts()
    assert said.texts()[-1] == "on"


def test_the_log_is_complete_after_a_kill(said: Said) -> None:
    said("begin()\nprint('last words')\nos.kill(os.getpid(), 9)", code=-9)
    assert said.texts() == ["last words"]


def test_an_unfinished_line_is_in_the_log_after_a_kill(said: Said) -> None:
    said("begin()\nprint('now for', end=' ', flush=True)\nos.kill(os.getpid(), 9)", code=-9)
    assert said.texts() == ["now for "]


def test_a_line_that_is_flushed_in_parts_is_one_line(said: Said) -> None:
    said(
        "begin()\nprint('a', end='', flush=True)\nprint('error', file=sys.stderr)\n"
        "for part in 'bc': print(part, end='', flush=True)\nprint('d')\nprint('e')\nend()"
    )
    assert said.texts() == ["error", "abcd", "e"]


@pytest.mark.parametrize("shape", ["'\\r' + bar", "bar + '\\r'"])
def test_the_newest_state_of_a_progress_bar_is_logged(said: Said, shape: str) -> None:
    said(
        "begin()\nfor n in range(1000):\n bar = f'{n:4} of 1000'\n"
        f" print({shape}, end='', file=sys.stderr, flush=True)\nprint(file=sys.stderr)\nprint('crlf\\r')\nend()"
    )
    assert said.texts() == [" 999 of 1000", "crlf"]
    assert sum(file.stat().st_size for file in said.logs.iterdir()) < 1000


def test_half_a_million_characters_each_flushed_are_few_records(said: Said) -> None:
    said("begin()\nfor n in range(500_000): sys.stdout.write('x'); sys.stdout.flush()\nend()")
    assert len("".join(said.texts())) > FILE_BYTES // 2
    assert len(said.texts()) < 100


def test_characters_whose_bytes_are_written_separately(said: Said) -> None:
    said("begin()\nfor n in range(5000): sys.stdout.buffer.raw.write('€'.encode()[n % 3 : n % 3 + 1])\nend()")
    assert "".join(said.texts()) == "€" * 1666 + "\\xe2\\x82"


def test_a_huge_line_takes_little_memory(said: Said) -> None:
    _, err = said(
        "import resource\nbegin()\nhuge = b'x' * 100_000_000\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\nsys.stdout.buffer.write(huge)\n"
        "grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before\nend()\n"
        "print(grown, file=sys.__stderr__)"
    )
    assert int(err.splitlines()[-1]) < 20_000
    assert max(map(len, said.texts())) == LINE_CHARS


def test_the_newest_lines_are_kept_up_to_a_limit(said: Said) -> None:
    said("begin()\nfor n in range(20_000): print(n)\nend()")
    texts = said.texts()
    assert texts[-1] == "19999"
    assert texts == [str(n) for n in range(20_000 - len(texts), 20_000)]
    size = sum(file.stat().st_size for file in said.logs.iterdir())
    assert FILE_BYTES < size <= 2 * FILE_BYTES + 200
    assert len(list(said.logs.iterdir())) == 2


def test_an_endless_line_is_split_into_several(said: Said) -> None:
    said("begin()\nsys.stdout.write('x' * 100_000)\nend()")
    assert "".join(said.texts()) == "x" * 100_000
    assert max(map(len, said.texts())) <= LINE_CHARS


def test_an_attempt_without_output_has_no_file_and_output_between_attempts_is_dropped(said: Said) -> None:
    said("begin()\nend()\nprint('nobody')\nlogging.info('nobody')")
    assert list(said.logs.iterdir()) == []


def test_lines_of_threads_and_forked_children_are_logged(said: Said) -> None:
    said(
        "begin()\n"
        "def speak(who): [print(f'{who} {n}', flush=True) for n in range(50)]\n"
        "threads = [threading.Thread(target=speak, args=(who,)) for who in 'ab']\n"
        "[thread.start() for thread in threads]; [thread.join() for thread in threads]\n"
        "child = os.fork()\nspeak('child' if child == 0 else 'parent')\n"
        "if child == 0: os._exit(0)\nos.waitpid(child, 0)\nend()"
    )
    for who in ("a", "b", "child", "parent"):
        assert [text for text in said.texts() if text.split()[0] == who] == [f"{who} {n}" for n in range(50)]


def test_a_child_that_rotates_the_file_loses_no_line_of_its_parent(said: Said) -> None:
    said(
        "from offload.worker.output import log_writer\nlog_writer.FILE_BYTES = 200\n"
        "begin()\nfor n in range(3): print(n)\n"
        "if (child := os.fork()) == 0: print('child'), os._exit(0)\n"
        "os.waitpid(child, 0)\nprint('parent')\nend()"
    )
    assert said.texts() == ["0", "1", "2", "child", "parent"]


def test_a_child_that_was_forked_while_a_thread_was_logging_can_log(said: Said) -> None:
    said(
        "import signal\nwarnings.simplefilter('ignore', DeprecationWarning)  # 3.12: of such forks\n"
        "begin()\nwrite, held, go = os.write, threading.Event(), threading.Event()\n"
        "def slow(descriptor, data):\n"
        "    if b'\"thread\"' in data: held.set(), go.wait(60)\n"
        "    return write(descriptor, data)\n"
        "os.write = slow\nthread = threading.Thread(target=print, args=['thread'])\nthread.start()\nheld.wait(60)\n"
        "if (child := os.fork()) == 0: signal.alarm(10), print('child', file=sys.stderr), os._exit(0)\n"
        "_, status = os.waitpid(child, 0)\ngo.set()\nthread.join()\nend()\nassert status == 0"
    )
    assert said.texts() == ["child", "thread"]


def test_a_task_that_reuses_the_descriptor_gets_no_line_into_its_file(said: Said, tmp_path: Path) -> None:
    own = tmp_path / "own"
    said(
        "begin()\nprint('one')\nnumbers = [int(each) for each in os.listdir('/proc/self/fd')]\n"
        "(ours,) = [each for each in numbers if os.path.realpath(f'/proc/self/fd/{each}').endswith('.log')]\n"
        f"os.dup2(os.open({str(own)!r}, os.O_RDWR | os.O_CREAT), ours)\n"
        "print('two')\nend()\nos.fstat(ours)"
    )
    assert (own.read_text(), said.texts()) == ("", ["one", "two"])


def test_names_of_levels_and_loggers_are_truncated(said: Said) -> None:
    said("begin()\nlogging.addLevelName(25, 'L' * 9999)\nlogging.getLogger('n' * 9999).log(25, 'text')\nend()")
    (line,) = said.kept()
    assert (line.level, line.logger, line.text) == ("l" * 20, "n" * 200, "text")


def test_no_line_continues_across_a_restart(said: Said) -> None:
    log = LogWriter(said.logs)
    log.begin("job", 1)
    log.write("half", stream="stdout", unfinished=True)
    log.write(RESTARTED, level="info", logger="offload")
    log.write("new", stream="stdout")
    log.end()
    assert said.texts() == ["half", RESTARTED, "new"]


def test_a_line_that_can_not_be_written_is_lost_and_the_task_continues(said: Said) -> None:
    said.logs.rmdir()
    _, err = said("begin()\nprint('on')\nlogging.info('and on')\nend()")
    assert err == "on\nINFO:root:and on\n"
    said.logs.mkdir()


ROTATED_WHILE_WRITING = """
from offload.worker.output import log_writer
log_writer.FILE_BYTES = 0  # each line rotates the files
begin()
write, close, about_to_write, opened = os.write, os.close, threading.Event(), threading.Event()

def slow_write(descriptor, data):
    if b"a thread" in data and b"stream" in data:
        about_to_write.set()
        opened.wait(1)
    return write(descriptor, data)

def close_and_open(descriptor):
    close(descriptor)
    if about_to_write.is_set():
        os.open({own!r}, os.O_RDWR | os.O_CREAT)
        opened.set()

os.write, os.close = slow_write, close_and_open
thread = threading.Thread(target=print, args=["a thread"])
thread.start()
about_to_write.wait(60)
print("another", file=sys.stderr)
thread.join()
end()
"""


def test_no_line_of_a_thread_gets_into_a_file_of_the_task(said: Said, tmp_path: Path) -> None:
    """One thread closes a full file, and the task reuses the number of its descriptor before another thread writes."""
    own = tmp_path / "own"
    said(ROTATED_WHILE_WRITING.format(own=str(own)))
    assert own.read_text() == ""


def test_a_line_that_a_full_disk_has_cut_short_spoils_no_other(said: Said) -> None:
    said(
        "import resource\nlimit = lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, -1))\n"
        "begin()\nprint('one')\nlimit(120)\nprint('two')\nlimit(-1)\nprint('three')\nprint('four')\nend()"
    )
    assert said.texts() == ["one", "three", "four"]
