"""Every exception of a task becomes text of limited length that fits in JSON."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offload.tasks.faults import FileChangedError, ResultNotSerializableError
from offload.worker.exceptions import MESSAGE_BYTES, TRACEBACK_BYTES, to_fault, truncate


def raised(error: BaseException) -> BaseException:
    try:
        raise error  # noqa: TRY301  # to be caught here
    except BaseException as caught:
        return caught


@given(st.text(), st.integers(min_value=20, max_value=500))
def test_truncated_text_fits_and_is_unicode(text: str, size: int) -> None:
    short = truncate(text, size)
    assert len(short.encode()) <= size
    if len(text.encode(errors="backslashreplace")) <= size:
        assert short == text.encode(errors="backslashreplace").decode()


def test_truncated_text_keeps_its_beginning_and_end() -> None:
    short = truncate("head" + "é" * 10_000 + "tail", 100)
    assert short.startswith("head")
    assert short.endswith("tail")
    assert "[...]" in short


def test_lone_surrogates_and_control_characters() -> None:
    detail = to_fault(raised(ValueError("\ud800\x00\x1b"))).detail
    assert detail == "ValueError: \\ud800\x00\x1b"
    assert json.loads(json.dumps(detail).encode()) == detail


def test_exceptions_of_our_own_tasks_have_their_kind() -> None:
    assert to_fault(raised(FileChangedError("it grew"))).kind == "file-changed"
    assert to_fault(raised(FileChangedError("it grew"))).detail == "it grew"
    assert to_fault(raised(ResultNotSerializableError("bytes"))).kind == "result-not-serializable"
    assert to_fault(raised(MemoryError())).kind == "memory-exceeded"


def test_a_kind_of_a_users_exception_is_ignored() -> None:
    class ImpostorError(Exception):
        kind = "timed-out"

    assert to_fault(raised(ImpostorError())).kind == "task-raised"


def test_a_class_that_raises_when_its_name_is_read() -> None:
    class Evil(type):
        def __getattribute__(cls, name: str) -> object:
            raise RuntimeError(name)

    class EvilError(Exception, metaclass=Evil):
        pass

    assert to_fault(raised(EvilError())).kind == "task-raised"


def test_deep_and_long_tracebacks_lose_their_middle() -> None:
    source = (
        "\n".join(f"def f{i}():\n    f{i + 1}()" for i in range(300)) + "\ndef f300():\n    raise KeyError('x' * 9000)"
    )
    space: dict[str, object] = {}
    exec(source, space)  # noqa: S102  # our own
    with pytest.raises(KeyError) as caught:
        space["f0"]()  # type: ignore[operator]  # a function by then
    described = to_fault(caught.value)
    assert described.traceback is not None
    assert len(described.traceback.encode()) <= TRACEBACK_BYTES
    assert len(described.detail.encode()) <= MESSAGE_BYTES
    assert described.traceback.startswith("Traceback")
