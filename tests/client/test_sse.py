"""The parser of server-sent events follows the HTML standard, however a stream is cut into portions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offload.client.sse import MOST_BYTES, Event, Parser


def message(data: str, last_id: str) -> Event:
    return Event("message", data, last_id)


def parsed(*portions: bytes) -> list[Event]:
    parser = Parser()
    return [event for portion in portions for event in parser.feed(portion)]


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        # the examples of the standard, 9.2.6
        (b"data: YHOO\ndata: +2\ndata: 10\n\n", [message("YHOO\n+2\n10", "")]),
        (
            b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
            [
                message("first event", "1"),
                message("second event", ""),
                message(" third event", ""),
            ],
        ),
        (b"data\n\ndata\ndata\n\ndata:", [message("", ""), message("\n", "")]),
        (b"data:test\n\ndata: test\n\n", [message("test", ""), message("test", "")]),
        # its rules
        (b"\xef\xbb\xbfdata: a\n\n", [message("a", "")]),
        (b"event: job\ndata: a\r\n\r\n", [Event("job", "a", "")]),
        (b"data: b\r\rdata: c\n\n", [message("b", ""), message("c", "")]),
        (b"id: 1\n\ndata: a\n\n", [message("a", "1")]),
        (b"id: 1\ndata: a\n\nid: 2\0\ndata: b\n\n", [message("a", "1"), message("b", "1")]),
        (b"event: job\n\ndata: a\n\n", [message("a", "")]),
        (b"retry: 5\nunknown: x\ndata: a\n\n", [message("a", "")]),
        ("data: \u2028\x0b\x1c\x85\n\n".encode(), [message("\u2028\x0b\x1c\x85", "")]),
        (b"data: not ended\n", []),
    ],
)
def test_a_stream_is_parsed_by_the_standard(stream: bytes, events: list[Event]) -> None:
    assert parsed(stream) == events
    assert parsed(*(stream[at : at + 1] for at in range(len(stream)))) == events


def test_an_empty_portion_within_a_line_end_has_no_effect() -> None:
    assert parsed(b"data: a\r", b"", b"\ndata: b\n\n") == [message("a\nb", "")]


TEXT = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]))
LINE = st.one_of(
    st.builds(lambda name, value: f"{name}: {value}", st.sampled_from(["data", "event", "id", "", "x"]), TEXT), TEXT
)
END = st.sampled_from(["\n", "\r\n", "\r"])
STREAM = st.lists(st.one_of(st.tuples(LINE, END), st.tuples(st.just(""), END))).map(
    lambda lines: "".join(line + end for line, end in lines).encode()
)


@given(STREAM, st.data())
def test_how_a_stream_is_cut_changes_nothing(stream: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)))))
    pieces = [stream[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert parsed(*pieces) == parsed(stream)


@given(st.lists(st.tuples(TEXT.filter(bool), st.lists(TEXT, min_size=1), TEXT)), END)
def test_what_is_written_is_parsed(written: list[tuple[str, list[str], str]], end: str) -> None:
    stream = "".join(
        end.join([f"event: {name}", *(f"data: {line}" for line in lines), f"id: {last}", "", ""])
        for name, lines, last in written
    )
    assert parsed(stream.encode()) == [Event(name, "\n".join(lines), last) for name, lines, last in written]


@given(st.binary())
def test_no_bytes_break_it(stream: bytes) -> None:
    parsed(stream)


def test_an_event_without_end_is_an_error() -> None:
    parser = Parser()
    longest = b"x" * MOST_BYTES
    assert not list(parser.feed(longest))
    with pytest.raises(ValueError, match="does not end"):
        list(parser.feed(b"x"))
