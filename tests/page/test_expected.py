"""The parser of expected digests: a single digest, or a manifest in any of the usual formats."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Error, Page

from offload.digests.algorithms import HEX_LENGTHS
from tests.support.browser import new_context
from tests.support.server import Server

Expected = dict[str, str] | None

MD5 = "900150983cd24fb0d6963f7d28e17f72"
SHA256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
OTHER = "0" * 64

READ = """async ([text, name, chosen]) => {
  const from = document.querySelector('script[src$="/main.js"]').src;
  const { expectedOf, lengthsOf } = await import(new URL("files/expected.js", from));
  const { params } = await (await fetch("/tasks/file-digest")).json();
  return [lengthsOf(params), expectedOf(text, name, chosen, lengthsOf(params))];
}"""


@pytest.fixture(scope="module")
def bare(browser: Browser, server: Server) -> Iterator[Page]:
    with new_context(browser, str(server.api.http.base_url)) as context:
        page = context.new_page()
        page.goto("/?view=files")
        yield page


@pytest.fixture
def expected(bare: Page) -> Callable[..., Expected]:
    def expected(text: str, chosen: list[str], name: str = "a b.txt") -> Expected:
        lengths, found = bare.evaluate(READ, [text, name, chosen])
        assert lengths == HEX_LENGTHS
        return None if found is None else dict(found)

    return expected


@pytest.mark.parametrize(
    "text",
    [
        SHA256,
        f"  {SHA256.upper()}\n",
        f"sha256:{SHA256}",
        f"SHA256: {SHA256}",
        f"{SHA256}  a b.txt",
        f"{SHA256} *a b.txt",
        f"{SHA256}  dir/a b.txt\r\n{OTHER}  other.txt\n",
        f"SHA256 (a b.txt) = {SHA256}",
        f"{OTHER}  a b.txt.old\n{SHA256}  ./a b.txt",
    ],
)
def test_a_digest_is_found(expected: Callable[..., Expected], text: str) -> None:
    assert expected(text, ["sha256", "md5"]) == {"sha256": SHA256}


def test_the_algorithm_does_not_have_to_be_chosen(expected: Callable[..., Expected]) -> None:
    assert expected("00C0FFEE", ["sha256"]) == {"crc32": "00c0ffee"}
    assert expected(f"md5:{MD5}", ["sha256"]) == {"md5": MD5}
    assert expected(f"sha3-256:{SHA256}", ["sha256"]) == {"sha3-256": SHA256}


def test_several_algorithms_are_found(expected: Callable[..., Expected]) -> None:
    text = f"MD5 (a b.txt) = {MD5}\nSHA256 (a b.txt) = {SHA256}"
    assert expected(text, ["sha256"]) == {"md5": MD5, "sha256": SHA256}


@pytest.mark.parametrize("text", ["", " \n", f"{SHA256}  other.txt"])
def test_there_is_no_digest_for_this_file(expected: Callable[..., Expected], text: str) -> None:
    assert expected(text, ["sha256"]) is None


@pytest.mark.parametrize(
    ("text", "chosen", "words"),
    [
        ("yes", ["sha256"], "Paste a digest"),
        ("abcdef0123", ["sha256"], "of 10 hex digits"),
        (SHA256, ["sha256", "blake3"], "sha256 or blake3"),
        (MD5, ["sha256"], "md5 or xxh3-128"),
        (f"whirlpool:{SHA256}", ["sha256"], "Unknown algorithm whirlpool"),
    ],
)
def test_an_invalid_digest_is_an_error(
    expected: Callable[..., Expected], text: str, chosen: list[str], words: str
) -> None:
    with pytest.raises(Error, match=words):
        expected(text, chosen)
