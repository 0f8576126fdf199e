"""The form reader: whatever the pieces in which a form arrives, its parts are the same."""

from collections.abc import AsyncIterator

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from offload.api.files.multipart import FormPart, is_multipart, read_parts

names = st.text(
    st.characters(exclude_characters='"\\\r\n\x00', exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8
)
contents = st.binary(max_size=60) | st.lists(st.sampled_from([b"\r\n", b"--", b"--bound", b"\r", b"x"])).map(b"".join)
parts = st.lists(st.tuples(names, st.none() | names, contents), max_size=4)


@given(parts=parts, cuts=st.lists(st.integers(1, 20), min_size=1, max_size=10))
def test_pieces_do_not_matter(parts: list[tuple[str, str | None, bytes]], cuts: list[int]) -> None:
    body = b"".join(_part(*part) for part in parts) + b"--boundary--\r\n"

    async def pieces() -> AsyncIterator[bytes]:
        at, turn = 0, 0
        while at < len(body):
            size = cuts[turn % len(cuts)]
            yield body[at : at + size]
            at, turn = at + size, turn + 1

    async def read() -> list[tuple[str, str | None, bytes]]:
        found: list[tuple[str, str | None, bytes]] = []
        async for event in read_parts(pieces(), "multipart/form-data; boundary=boundary"):
            if isinstance(event, FormPart):
                found.append((event.name, event.filename, b""))
            else:
                name, filename, content = found[-1]
                found[-1] = (name, filename, content + event)
        return found

    assert anyio.run(read) == parts


def _part(name: str, filename: str | None, content: bytes) -> bytes:
    file = "" if filename is None else f'; filename="{filename}"'
    return (
        f'--boundary\r\nContent-Disposition: form-data; name="{name}"{file}\r\n'.encode()
        + b"Content-Type: text/plain\r\n\r\n"
        + content
        + b"\r\n"
    )


@pytest.mark.parametrize(
    ("content_type", "form"),
    [
        ("multipart/form-data; boundary=x", True),
        ("Multipart/Form-Data;boundary=x", True),
        ("multipart/mixed; boundary=x", False),
        ("application/json", False),
        ("", False),
    ],
)
def test_what_is_a_form(content_type: str, form: bool) -> None:
    assert is_multipart(content_type) is form
