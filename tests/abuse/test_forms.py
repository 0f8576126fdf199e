"""Forms with more of everything than an honest one has, and names that are meant for a terminal or a path."""

import pytest

from tests.support.caller import Caller, answer
from tests.support.server import Server

FORM = {"Content-Type": "multipart/form-data; boundary=b"}
FILE = b'--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n'
END = b"\r\n--b--\r\n"


def field(name: str, value: bytes = b"") -> bytes:
    return f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode() + value + b"\r\n"


@pytest.mark.parametrize(
    ("form", "status"),
    [
        (field("algorithms", b"md5") * 5000 + FILE + b"\r\nx" + END, 400),
        (FILE + b"\r\nx\r\n" + FILE + b"\r\nx" + END, 422),
        (FILE + b"X-A: 1\r\n" * 1000 + b"\r\nx" + END, 400),
        (FILE + b"X-A: " + b"a" * 1_000_000 + b"\r\n\r\nx" + END, 400),
        (FILE + b"X" * 1_000_000 + END, 400),
        (b'--b\r\nContent-Disposition: form-data; name="' + b"a" * 1_000_000 + b'"\r\n\r\nx' + END, 400),
        (field("algorithms", b"m" * 100_000) + FILE + b"\r\nx" + END, 413),
        (b"".join(field("expected", b"m" * 60_000) for _ in range(30)), 400),
        (b"--b\r\n\r\nx" + END, 400),
        (b"--b\r\nContent-Disposition: form-data\r\n\r\nx" + END, 400),
        (b"--c\r\n" + FILE + END, 400),
        (FILE + b"\r\nx", 400),
        (FILE + b"\r\nx\r\n--b", 400),
        (FILE + b"\r\nx\r\n--bb--\r\n", 400),
        (b"", 400),
        (b"\r\n" * 100_000, 400),
        (FILE + b"Content-Transfer-Encoding: base64\r\n\r\neA==" + END, 201),
        (FILE + b"\r\nx" + END + b"\r\n" * 1000, 201),
        (FILE + b"\r\n" + b"\r\n--" * 500_000 + END, 201),
        (FILE + b"\r\n" + b"\r" * 2_000_000 + END, 201),
    ],
    ids=[
        "fields",
        "files",
        "headers of a part",
        "a header of a part",
        "no header of a part",
        "a name",
        "a field",
        "large fields",
        "no header",
        "no name",
        "another boundary",
        "no end",
        "half an end",
        "an end of another",
        "nothing",
        "blank lines",
        "a coding",
        "an epilogue",
        "nearly boundaries",
        "nearly lines",
    ],
)
def test_forms_with_too_much_or_too_little(api: Caller, form: bytes, status: int) -> None:
    answer(api.http.post("/uploads", content=form, headers=FORM), status)


@pytest.mark.parametrize("boundary", ["", "a" * 100_000, '"', "b; boundary=c", "b\tx", "'", "=?utf-8?q?b?="])
def test_boundaries_of_every_kind(api: Caller, boundary: str) -> None:
    headers = {b"Content-Type": f"multipart/form-data; boundary={boundary}".encode()}
    response = api.http.post("/uploads", content=FILE + b"\r\nx" + END, headers=headers)
    assert response.status_code in {201, 400, 431}, response.text


@pytest.mark.parametrize(
    "name",
    ["a\r\nb", "\x1b[2Ja", "a\u202eb", "../../etc/passwd", "C:\\a\\b", "<script>", "a" * 5000, "\x00", "..", "é\udcff"],
)
def test_a_name_is_only_shown_and_only_as_text(server: Server, api: Caller, name: str) -> None:
    raw = name.encode(errors="surrogateescape").replace(b"\r\n", b"\n")
    form = b'--b\r\nContent-Disposition: form-data; name="file"; filename="' + raw + b'"\r\n\r\nx' + END
    response = api.http.post("/uploads", content=form, headers=FORM)
    assert response.status_code in {201, 400}, response.text
    if response.status_code == 201:
        shown = response.json()["name"]
        assert shown.isprintable()
        assert "/" not in shown
        assert len(shown) <= 255
        found = [path.name for path in (server.data_dir / "uploads").iterdir() if path.name == response.json()["id"]]
        assert found, "its file has a name of the service's own"
