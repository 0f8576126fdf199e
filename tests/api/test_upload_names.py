"""The names of uploads, as clients write them in `Content-Disposition`: of the request, and of a part of a form."""

import re

import pytest

from offload.api.contract.header_parameters import header_parameters
from tests.support.api_server import ApiServer

pytestmark = pytest.mark.anyio

EVERYWHERE = [
    ('filename="a b.bin"', "a b.bin"),
    ("filename=a.bin", "a.bin"),
    ("filename = a.bin ; size=3", "a.bin"),
    ('FileName="a.bin"', "a.bin"),
    ('filename="a;b=c.txt"', "a;b=c.txt"),
    (r'filename="a\"b.txt"', 'a"b.txt'),
    (r'filename="a\\b.txt"', "b.txt"),
    (r'filename="C:\docs\a.txt"', "a.txt"),
    ('filename="100%.txt"', "100%.txt"),
    ('filename="a%41%25.txt"', "a%41%25.txt"),
    ('filename="naïve.txt"', "naïve.txt"),
    ("filename*=UTF-8''na%C3%AFve.txt", "naïve.txt"),
    ("filename*=utf-8'en'%e2%82%ac%20rates", "€ rates"),
    ("filename*=ISO-8859-1''%A3%20rates", "£ rates"),
    ("filename=plain.txt; filename*=UTF-8''na%C3%AFve.txt", "naïve.txt"),
    ("filename*=UTF-8''na%C3%AFve.txt; filename=plain.txt", "naïve.txt"),
    ("filename*=UTF-8''..%2F..%2Fetc%2Fpasswd", "passwd"),
    ("filename*=UTF-8''a%0D%0A%00b.txt", "ab.txt"),
    ('filename="unclosed.txt', "unclosed.txt"),
    ('filename="a.txt"; filename="b.txt"', "a.txt"),
    ('x="; filename=wrong.txt"; filename=a.txt', "a.txt"),
]

MALFORMED = [
    "idna'en'" + "a" * 2000,
    "undefined'en'41",
    "unknown''a",
    "punycode''a-%FF",
    "utf-16''a",
    "rot13''a",
    "hex''41",
    "\x00''a",
    "UTF-8''%ff",
    "UTF-8'a",
    "UTF-8",
    "''a",
    "",
    '"',
]

ABSENT = [
    "filename",
    'filename=""',
    "filename*0=a; filename*1=b",
    "filename*0*=UTF-8''a",
    "filename*" + "9" * 3000 + "*=x",
    "filename*-1=x",
    "filename*²*=x",
    "nonsense",
    "",
    *[f"filename*={value}" for value in MALFORMED],
]


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        *EVERYWHERE,
        ('filename="a%22b.txt"', "a%22b.txt"),
        *[(f"filename*={value}; filename=plain.txt", "plain.txt") for value in MALFORMED if value != '"'],
        *[(each, "upload") for each in ABSENT],
    ],
)
async def test_a_request_may_name_its_file(server: ApiServer, parameters: str, name: str) -> None:
    headers = {b"content-disposition": b"attachment; " + parameters.encode()}
    answer = await server.client.post("/uploads", content=b"x", headers=headers)
    assert answer.status_code == 201, answer.text
    assert answer.json()["name"] == name


async def test_a_name_in_iso_8859_1_is_read(server: ApiServer) -> None:
    headers = {b"content-disposition": 'attachment; filename="naïve.txt"'.encode("latin-1")}
    answer = await server.client.post("/uploads", content=b"x", headers=headers)
    assert answer.json()["name"] == "naïve.txt"


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        *EVERYWHERE,
        ('filename="a%22b.txt"', 'a"b.txt'),
        ('filename="a%0D%0Ab%0Ac.txt"', "abc.txt"),
        *[
            (f"filename*={value}; filename=plain.txt", "plain.txt")
            for value in MALFORMED
            if value not in {'"', "\x00''a"}
        ],
    ],
)
async def test_a_part_of_a_form_names_its_file(server: ApiServer, parameters: str, name: str) -> None:
    answer = await server.client.post("/uploads", content=form(f'name="file"; {parameters}'), headers=FORM)
    assert answer.status_code == 201, answer.text
    assert answer.json()["name"] == name


@pytest.mark.parametrize("value", ["filename*" + "9" * 3000 + "*=x", *[f"filename*={value}" for value in MALFORMED]])
async def test_a_part_without_a_valid_name_is_an_upload(server: ApiServer, value: str) -> None:
    answer = await server.client.post("/uploads", content=form(f'name="file"; {value}'), headers=FORM)
    assert answer.json()["name"] == "upload"


@pytest.mark.parametrize("name", ['"file"', "file", r'"f\ile"', '"fi%6Ce"'])
async def test_a_field_has_the_name_that_was_sent(server: ApiServer, name: str) -> None:
    answer = await server.client.post("/uploads", content=form(f"name={name}; filename=a"), headers=FORM)
    assert answer.status_code == (201 if re.fullmatch('"?file"?', name) else 422), answer.text


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data; boundary=b",
        'multipart/form-data; charset=utf-8; boundary="b"',
        "multipart/form-data;BOUNDARY=b",
    ],
)
async def test_a_boundary_may_be_quoted(server: ApiServer, content_type: str) -> None:
    answer = await server.client.post("/uploads", content=form("name=file"), headers={"content-type": content_type})
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize(
    ("value", "parameters"),
    [
        (b"", {}),
        (b"a", {}),
        (b"a;", {}),
        (b";;a ; b", {b"a": b"", b"b": b""}),
        (b'x; a="b"c; d=e', {b"a": b"b", b"d": b"e"}),
        (b'x; a=b"c;d"; e=f', {b"a": b"b", b"d": b"", b"e": b"f"}),
        (b'x; a="b\\', {b"a": b"b\\"}),
        (b'x; ="b"; c=d', {b"c": b"d"}),
        (b"x; a==b", {b"a": b"=b"}),
    ],
)
def test_parameters_of_every_kind_are_read(value: bytes, parameters: dict[bytes, bytes]) -> None:
    assert header_parameters(value) == parameters


FORM = {"content-type": "multipart/form-data; boundary=b"}


def form(parameters: str) -> bytes:
    """A form of one part."""
    return b"--b\r\nContent-Disposition: form-data; " + parameters.encode() + b"\r\n\r\nx\r\n--b--\r\n"
