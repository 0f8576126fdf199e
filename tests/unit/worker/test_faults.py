"""Whatever was raised becomes bounded text that JSON carries."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offload.tasks.faults import FileChangedError, ResultNotSerializableError
from offload.worker.faults import MESSAGE_BYTES, TRACEBACK_BYTES, cut, fault


def raised(error: BaseException) -> BaseException:
    try:
        raise error  # noqa: TRY301  # to be caught here
    except BaseException as caught:
        return caught


@given(st.text(), st.integers(min_value=20, max_value=500))
def test_cut_text_fits_and_is_unicode(text: str, size: int) -> None:
    short = cut(text, size)
    assert len(short.encode()) <= size
    if len(text.encode(errors="backslashreplace")) <= size:
        assert short == text.encode(errors="backslashreplace").decode()


def test_what_is_cut_keeps_its_head_and_tail() -> None:
    short = cut("head" + "é" * 10_000 + "tail", 100)
    assert short.startswith("head")
    assert short.endswith("tail")
    assert "[...]" in short


def test_lone_surrogates_and_control_characters() -> None:
    detail = fault(raised(ValueError("\ud800\x00\x1b"))).detail
    assert detail == "ValueError: \\ud800\x00\x1b"
    assert json.loads(json.dumps(detail).encode()) == detail


def test_named_faults_keep_their_kind() -> None:
    assert fault(raised(FileChangedError("it grew"))).kind == "file-changed"
    assert fault(raised(FileChangedError("it grew"))).detail == "it grew"
    assert fault(raised(ResultNotSerializableError("bytes"))).kind == "result-not-serializable"
    assert fault(raised(MemoryError())).kind == "memory-exceeded"


def test_a_users_kind_means_nothing() -> None:
    class ImpostorError(Exception):
        kind = "timed-out"

    assert fault(raised(ImpostorError())).kind == "task-raised"


def test_a_class_that_raises_when_it_is_named() -> None:
    class Evil(type):
        def __getattribute__(cls, name: str) -> object:
            raise RuntimeError(name)

    class EvilError(Exception, metaclass=Evil):
        pass

    assert fault(raised(EvilError())).kind == "task-raised"


def test_deep_and_long_tracebacks_are_cut_in_the_middle() -> None:
    source = (
        "\n".join(f"def f{i}():\n    f{i + 1}()" for i in range(300)) + "\ndef f300():\n    raise KeyError('x' * 9000)"
    )
    space: dict[str, object] = {}
    exec(source, space)  # noqa: S102  # our own
    with pytest.raises(KeyError) as caught:
        space["f0"]()  # type: ignore[operator]  # a function by then
    told = fault(caught.value)
    assert told.traceback is not None
    assert len(told.traceback.encode()) <= TRACEBACK_BYTES
    assert len(told.detail.encode()) <= MESSAGE_BYTES
    assert told.traceback.startswith("Traceback")
