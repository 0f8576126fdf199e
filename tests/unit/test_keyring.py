"""How keys are written, found and reloaded, and that no text contains them."""

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offload.server.keyring import Key, Keyring, WrongKeysError, keys_from_file, keys_from_text

KEY = "kxv3-0123456789abcdef"
OTHER = "qzw8-0123456789abcdef"


def digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


NAMES = st.from_regex(r"\A[a-z0-9][a-z0-9_-]{0,63}\Z")
PLAIN = st.from_regex(r"\A[A-Za-z0-9._~+/-]{16,60}={0,2}\Z")
ENTRIES = st.lists(
    st.tuples(NAMES, PLAIN, st.booleans(), st.booleans()), min_size=1, max_size=8, unique_by=lambda entry: entry[1]
)


@given(ENTRIES, st.sampled_from([",", ", ", " ", "\n", " ,\n"]))
def test_every_written_key_is_found(entries: list[tuple[str, str, bool, bool]], separator: str) -> None:
    written = [
        f"{name}:{f'sha256:{digest(key).hex()}' if hashed else key}{':admin' if admin else ''}"
        for name, key, hashed, admin in entries
    ]
    keyring = Keyring(keys_from_text(separator.join(written)))
    assert len(keyring) == len(entries)
    for name, key, _, admin in entries:
        assert keyring.find(key.encode()) == Key(name, digest(key), admin)
        assert keyring.find(key.encode() + b"x") is None
    assert keyring.find(b"") is None


@given(st.text())
def test_any_text_is_keys_or_an_error(text: str) -> None:
    try:
        keys = keys_from_text(text)
    except WrongKeysError:
        return
    assert keys


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "there is no key"),
        (" , ", "there is no key"),
        (KEY, "entry 1: write name:KEY"),
        (f"alice:{KEY}:root", "entry 1: write name:KEY"),
        (f"alice:{KEY}:admin:admin", "entry 1: write name:KEY"),
        (f":{KEY}", "entry 1: write a name"),
        (f"Alice:{KEY}", "entry 1: write a name"),
        (f"-a:{KEY}", "entry 1: write a name"),
        (f"{'a' * 65}:{KEY}", "entry 1: write a name"),
        ("alice:", "at least 16 characters; make one with python3 -c"),
        ("alice:fifteen-letters", "at least 16 characters; make one with python3 -c"),
        ("alice:admin", "at least 16 characters"),
        ("alice::admin", "at least 16 characters"),
        ("alice:sha256", "at least 16 characters"),
        ("alice:sixteen-lettérs!!", "letters, digits"),
        ("alice:sha256:abc", "64 hex digits"),
        (f"alice:sha256:{KEY}", "64 hex digits"),
        (f"alice:{KEY}, bob:{KEY}", "entry 2: this key is listed twice"),
        (f"alice:{KEY}, alice:sha256:{digest(KEY).hex()}", "entry 2: this key is listed twice"),
        (f"alice:{KEY}, nonsense, bob:short", "entry 2: write name:KEY or name:sha256:HEX"),
        (f"alice:{KEY}, nonsense, bob:short", "entry 3: write a key of at least 16"),
    ],
)
def test_an_error_says_what_to_write_and_does_not_quote_the_key(text: str, told: str) -> None:
    with pytest.raises(WrongKeysError) as refused:
        keys_from_text(text)
    assert told in str(refused.value)
    for secret in (KEY, "fifteen-letters", "short", "nonsense", digest(KEY).hex()):
        assert secret not in str(refused.value)


def test_a_name_may_have_several_keys() -> None:
    keyring = Keyring(keys_from_text(f"alice:{KEY} alice:{OTHER}:admin"))
    assert [key and (key.name, key.admin) for key in map(keyring.find, (KEY.encode(), OTHER.encode()))] == [
        ("alice", False),
        ("alice", True),
    ]


def test_the_repr_of_an_entry_does_not_contain_the_key() -> None:
    assert repr(keys_from_text(f"alice:{KEY}:admin")) == "(Key(name='alice', admin=True),)"


def test_a_file_has_one_entry_per_line(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"# ours\n\nalice:{KEY}  # until May\n  bob:{OTHER}:admin\n")
    assert [(key.name, key.admin) for key in keys_from_file(file)] == [("alice", False), ("bob", True)]
    file.write_text(f"# ours\nalice:{KEY}, bob:{OTHER}\n")
    with pytest.raises(WrongKeysError, match="line 2: write"):
        keys_from_file(file)


@pytest.mark.parametrize("content", [b"", b"# nobody\n", b"\xff\xfe", None])
def test_a_file_without_keys_is_rejected(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "keys"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(WrongKeysError):
        keys_from_file(file)


def test_a_key_in_both_places_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(f"alice:{KEY}")
    with pytest.raises(WrongKeysError, match="remove it from one of them"):
        Keyring(keys_from_text(f"bob:{KEY}"), tmp_path / "keys")


def test_the_file_is_reloaded_and_an_invalid_one_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"alice:{KEY}")
    keyring = Keyring(keys_from_text(f"root:{'r' * 16}"), file)
    for broken in ("", "nonsense", f"alice:{OTHER}\nbob:{OTHER}", f"root:{'r' * 16}"):
        file.write_text(broken)
        with pytest.raises(WrongKeysError):
            keyring.reload()
        assert keyring.find(KEY.encode())
        assert keyring.find(OTHER.encode()) is None
    file.write_text(f"bob:{OTHER}")
    keyring.reload()
    assert keyring.find(KEY.encode()) is None
    assert keyring.find(OTHER.encode())
    assert keyring.find(b"r" * 16), "those of the settings stay"


@pytest.mark.parametrize(
    ("special", "told"),
    [("fifo", "not a regular file"), ("/dev/zero", "not a regular file"), ("directory", "Is a directory")],
)
def test_only_a_regular_file_is_read(tmp_path: Path, special: str, told: str) -> None:
    path = tmp_path / special  # an absolute path stays as it is
    if special == "fifo":
        os.mkfifo(path)
    elif special == "directory":
        path.mkdir()
    with pytest.raises(WrongKeysError, match=told):
        keys_from_file(path)


def test_a_huge_file_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.touch()
    os.truncate(path, 1 << 40)
    with pytest.raises(WrongKeysError, match="larger than 1 MiB"):
        keys_from_file(path)


def test_the_error_of_many_wrong_entries_is_short(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text("x\n" * 10_000)
    with pytest.raises(WrongKeysError, match="; and 9990 more") as caught:
        keys_from_file(path)
    assert len(str(caught.value)) < 2000
