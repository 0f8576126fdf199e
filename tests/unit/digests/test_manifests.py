"""Manifests against the tools that defined the forms: they accept what is written here, and read lines alike."""

import hashlib
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import blake3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from offload.digests.algorithms import HEX_LENGTHS, Algorithm, new_digest
from offload.digests.manifests import Entry, Form, Manifest, TooManyLinesError, read_manifest, write_entry

MOST = 10_000

NAMES = [
    b"plain",
    b"two words",
    b" lead",
    b"  two leading",
    b"trail ",
    b"tab\t",
    b"\ttab",
    b"back\\slash",
    b"\\leading",
    b"back\\nslash",
    b"new\nline",
    b"\n",
    b"*star",
    b"# comment",
    b"quo'te\"s",
    b"a) = b",
    b"SHA256 (x) = y",
    b"caf\xc3\xa9",
    b"--zero",
    b"$(x)`y`",
    b"deep/er/name",
]
CARRIAGE_RETURNS = [b"c\rr", b"end\r", b"both\r\n"]
NOT_UTF_8 = [b"caf\xe9", b"\xff\xfe"]

TOOLS: Mapping[Algorithm, str] = {
    "sha256": "sha256sum",
    "sha512": "sha512sum",
    "sha1": "sha1sum",
    "md5": "md5sum",
    "blake2b": "b2sum",
}


def digest(algorithm: Algorithm, content: bytes) -> str:
    computed = new_digest(algorithm)
    computed.update(memoryview(content))
    return computed.hexdigest()


def make(root: Path, names: list[bytes], algorithm: Algorithm) -> list[Entry]:
    """Files whose content is their own name, and their entries in a manifest."""
    for name in names:
        path = bytes(root) + b"/" + name
        Path(path.rpartition(b"/")[0].decode()).mkdir(parents=True, exist_ok=True)
        with open(path, "wb") as file:  # noqa: PTH123  # a name that is not UTF-8
            file.write(name)
    return [Entry(name, algorithm, digest(algorithm, name)) for name in names]


def check(tool: str, root: Path, manifest: bytes) -> subprocess.CompletedProcess[bytes]:
    """The output of a tool for a manifest of files below `root`."""
    (root.parent / "MANIFEST").write_bytes(manifest)
    environment = {"LC_ALL": "C", "PATH": "/usr/bin:/bin:/usr/local/bin"}
    return subprocess.run([tool, "-c", "../MANIFEST"], cwd=root, capture_output=True, check=False, env=environment)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    root.mkdir()
    return root


@pytest.mark.parametrize("form", ["gnu", "bsd"])
@pytest.mark.parametrize("algorithm", list(TOOLS))
def test_the_tools_accept_what_is_written(root: Path, algorithm: Algorithm, form: Form) -> None:
    entries = make(root, NAMES + CARRIAGE_RETURNS + NOT_UTF_8, algorithm)
    said = check(TOOLS[algorithm], root, b"".join(write_entry(entry, form) for entry in entries))
    assert (said.returncode, said.stderr) == (0, b"")
    assert said.stdout.count(b": OK\n") == len(entries)


@pytest.mark.parametrize(
    ("flags", "form", "zero"),
    [([], "gnu", False), (["--tag"], "bsd", False), (["--zero"], "gnu", True), (["--tag", "--zero"], "bsd", True)],
)
def test_it_is_what_coreutils_writes_itself(root: Path, flags: list[str], form: Form, zero: bool) -> None:
    names = NAMES + CARRIAGE_RETURNS + NOT_UTF_8
    entries = make(root, names, "sha256")
    theirs = subprocess.run([b"sha256sum", *flags, b"--", *names], cwd=root, capture_output=True, check=True).stdout
    assert b"".join(write_entry(entry, form, zero=zero) for entry in entries) == theirs
    assert read_manifest(theirs, most=MOST) == Manifest(entries, [])


@pytest.mark.skipif(shutil.which("b3sum") is None, reason="needs b3sum: apt-get install b3sum")
def test_b3sum_accepts_what_is_written(root: Path) -> None:
    """It accepts only UTF-8 names, and before version 1.6 it does not escape carriage returns."""
    entries = make(root, NAMES, "blake3")
    assert entries[0].digest == blake3.blake3(b"plain").hexdigest()
    said = check("b3sum", root, b"".join(write_entry(entry) for entry in entries))
    assert (said.returncode, said.stderr) == (0, b"")
    assert said.stdout.count(b": OK\n") == len(entries)


def test_a_file_named_like_the_standard_input(root: Path) -> None:
    (root / "-").write_bytes(b"-")
    said = check("sha256sum", root, write_entry(Entry(b"-", "sha256", digest("sha256", b"-"))))
    assert (said.returncode, said.stdout) == (0, b"./-: OK\n")


CONTENT = b"abc"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
MD5 = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()

AS_SHA256SUM = {
    "gnu": f"{SHA256}  a\n",
    "binary": f"{SHA256} *a\n",
    "upper-case": f"{SHA256.upper()}  a\n",
    "tag": f"SHA256 (a) = {SHA256}\n",
    "upper-case tag": f"SHA256 (a) = {SHA256.upper()}\n",
    "openssl 1": f"SHA256(a)= {SHA256}\n",
    "no blanks": f"SHA256(a)={SHA256}\n",
    "parenthesis": f"SHA256 (a)b) = {SHA256}\n",
    "crlf": f"{SHA256}  a\r\n\r\n{SHA256}  b c\r\n",
    "no last newline": f"{SHA256}  a",
    "empty lines": f"\n\n{SHA256}  a\n\n",
    "a line of blanks": f"   \n{SHA256}  a\n",
    "comment": f"# {SHA256}  a\n{SHA256}  a\n",
    "indented": f" \t{SHA256}  a\n",
    "indented tag": f" SHA256 (a) = {SHA256}\n",
    "indented comment": f" # x\n{SHA256}  a\n",
    "one blank": f"{SHA256} a\n",
    "one tab": f"{SHA256}\ta\n",
    "tab and blank": f"{SHA256}\t a\n",
    "three blanks": f"{SHA256}   lead\n",
    "one blank, then two": f"{SHA256} a\n{SHA256}  a\n",
    "two blanks, then one": f"{SHA256}  a\n{SHA256} a\n",
    "one digit short": f"{SHA256[:-1]}  a\n{SHA256}  a\n",
    "one digit long": f"{SHA256}0  a\n{SHA256}  a\n",
    "no hex": f"g{SHA256[1:]}  a\n{SHA256}  a\n",
    "escaped without need": f"\\{SHA256}  a\n",
    "escaped": f"\\{SHA256}  back\\\\slash\n",
    "escaped tag": f"\\SHA256 (back\\\\slash) = {SHA256}\n",
    "not escaped": f"{SHA256}  back\\slash\n",
    "unknown escape": f"\\{SHA256}  a\\q\n{SHA256}  a\n",
    "half an escape": f"\\{SHA256}  a\\\n{SHA256}  a\n",
    "blank after a tag's digest": f"SHA256 (a) = {SHA256} \n{SHA256}  a\n",
    "short tag": f"SHA256 (a) = {SHA256[:-2]}\n{SHA256}  a\n",
    "two blanks in a tag": f"SHA256  (a) = {SHA256}\n{SHA256}  a\n",
    "lower-case tag": f"sha256 (a) = {SHA256}\n{SHA256}  a\n",
    "no name": f"{SHA256}\n{SHA256}  a\n",
    "no name after a blank": f"{SHA256} \n{SHA256}  a\n",
    "no blank": f"{SHA256}a\n{SHA256}  a\n",
    "dot": f"{SHA256}  ./a\n",
    "two carriage returns": f"{SHA256}  a\r\r\n{SHA256}  a\n",
    "nothing": "",
    "only a comment": "#\n",
    "not a manifest": "<html>\n",
}


@pytest.mark.parametrize("text", AS_SHA256SUM.values(), ids=AS_SHA256SUM)
def test_it_is_read_as_sha256sum_reads_it(root: Path, text: str) -> None:
    for name in ("a", "b c", " lead", "a)b", "back\\slash"):
        (root / name).write_bytes(CONTENT)
    read = read_manifest(text.encode(), "sha256", most=MOST)
    said = check("sha256sum", root, text.encode())
    states = {
        entry.name: b"OK" if (root / entry.name.decode()).is_file() else b"FAILED open or read"
        for entry in read.entries
    }
    ours = [b"%s: %s" % (entry.name, states[entry.name]) for entry in read.entries]
    assert ours == [line for line in said.stdout.split(b"\n") if line]
    count = len(read.improper)
    if not read.entries:
        assert b"no properly formatted checksum lines found" in said.stderr
    elif count:
        lines = "1 line is" if count == 1 else f"{count} lines are"
        assert f"WARNING: {lines} improperly formatted" in said.stderr.decode()
    else:
        assert b"improperly" not in said.stderr


@pytest.mark.parametrize(
    ("text", "algorithm", "expected"),
    [
        (f"{MD5}  a", None, "md5"),
        ("0" * 40 + "  a", None, "sha1"),
        ("0" * 64 + "  a", None, "sha256"),
        ("0" * 128 + "  a", None, "sha512"),
        ("0" * 8 + "  a", None, "crc32"),
        ("0" * 56 + "  a", None, None),
        ("0" * 64 + "  a", "blake3", "blake3"),
        ("0" * 128 + "  a", "blake2b", "blake2b"),
        ("0" * 64 + "  a", "sha512", None),
        (f"MD5 (a) = {MD5}", "sha256", "md5"),
        (f"MD5 (a) = {SHA256}", None, None),
        (f"SHA224 (a) = {'0' * 56}", None, None),
        (f"SHA2-256(a)= {SHA256}", None, "sha256"),
        (f"BLAKE2B-512(a)= {'0' * 128}", None, "blake2b"),
        (f"BLAKE2b (a) = {'0' * 128}", None, "blake2b"),
        (f"BLAKE2b-256 (a) = {'0' * 64}", None, None),
        (f"SHA3-256 (a) = {'0' * 64}", None, "sha3-256"),
        (f"BLAKE3 (a) = {'0' * 64}", None, "blake3"),
        (f"XXH128 (a) = {'0' * 32}", None, "xxh3-128"),
        (f"CRC32 (a) = {'0' * 8}", None, "crc32"),
        (f"\ufeff{SHA256}  a", None, "sha256"),
    ],
)
def test_the_algorithm(text: str, algorithm: Algorithm | None, expected: Algorithm | None) -> None:
    read = read_manifest(text.encode(), algorithm, most=MOST)
    assert [(entry.name, entry.algorithm) for entry in read.entries] == ([] if expected is None else [(b"a", expected)])
    assert read.improper == ([1] if expected is None else [])


ANY_NAME = st.binary(min_size=1, max_size=20).filter(lambda name: b"\0" not in name and name != b"-") | st.sampled_from(
    NAMES + CARRIAGE_RETURNS + NOT_UTF_8
)


@given(
    st.lists(st.tuples(ANY_NAME, st.sampled_from(list(HEX_LENGTHS))), min_size=1, max_size=8),
    st.sampled_from(["gnu", "bsd"]),
    st.booleans(),
)
def test_what_is_written_is_read_back(files: list[tuple[bytes, Algorithm]], form: Form, zero: bool) -> None:
    if form == "gnu":  # whose lines don't tell the algorithm
        files = [(name, files[0][1]) for name, _ in files]
    entries = [Entry(name, algorithm, digest(algorithm, name)) for name, algorithm in files]
    written = b"".join(write_entry(entry, form, zero=zero) for entry in entries)
    assert read_manifest(written, files[0][1], most=MOST) == Manifest(entries, [])


@given(
    st.binary(max_size=300)
    | st.lists(
        st.sampled_from([b"\\", b"\0", b"\n", b"\r", b" ", b"(", b")", b"=", b"SHA256", b"0" * 64]), max_size=20
    ).map(b"".join)
)
def test_any_bytes_can_be_read(body: bytes) -> None:
    read = read_manifest(body, most=MOST)
    assert all(entry.name and b"\0" not in entry.name for entry in read.entries)


def test_lines_are_numbered_as_an_editor_does() -> None:
    assert read_manifest(f"# x\n\nnonsense\n{SHA256}  a\nmore".encode(), most=MOST).improper == [3, 5]


def test_too_many_lines() -> None:
    line = f"{SHA256}  a\n".encode()
    assert len(read_manifest(b"# x\n\n" + line * 3, most=3).entries) == 3
    for body in (line * 4, line * 3 + b"nonsense"):
        with pytest.raises(TooManyLinesError):
            read_manifest(body, most=3)


@pytest.mark.parametrize("nothing", [b"\n", b"\r\n", b"#\n"])
def test_the_number_of_empty_lines_is_bounded_too(nothing: bytes) -> None:
    line = f"{SHA256}  a\n".encode()
    assert len(read_manifest(nothing * 29 + line, most=3).entries) == 1
    with pytest.raises(TooManyLinesError):
        read_manifest(nothing * 30 + line, most=3)


def test_a_line_longer_than_any_path_is_improper() -> None:
    digest = b"0" * 64
    longest = b"\\\\" * 4096
    body = digest + b"  " + b"a" * 16_400 + b"\n\\" + digest + b"  " + longest + b"\n"
    manifest = read_manifest(body, most=2)
    assert ([entry.name for entry in manifest.entries], manifest.improper) == ([b"\\" * 4096], [1])
