"""API keys: how they are written, and which owner the key of a request belongs to.

An entry is `name:KEY` or `name:sha256:HEX`. An entry that ends in `:admin` sees the jobs of all owners. A name may have
several keys, so that a new key can be issued before the old one is removed. Only digests are kept in memory, so no log,
traceback or dump contains a key. A key of this length can't be guessed from its digest.
"""

import hashlib
import hmac
import os
import re
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

MIN_LENGTH = 16
"""Characters that a key must have at least: 96 bits of `secrets.token_urlsafe`."""

LARGEST_FILE = 1 << 20
"""Bytes that a file of keys may have: more than 10,000 keys. Each key takes time in every request."""

REPORTED = 10
"""Wrong entries that an error quotes the place of."""

KEY_COMMAND = 'python3 -c "import secrets; print(secrets.token_urlsafe(32))"'
"""Makes a key."""

_ENTRY = re.compile(r"(?P<name>[^:]*):(?:sha256:(?P<digest>[^:]*)|(?P<plain>[^:]*))(?P<admin>:admin)?", re.DOTALL)
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_DIGEST = re.compile(r"[0-9a-fA-F]{64}")
_PLAIN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
"""The characters that may follow `Bearer` in a header (RFC 6750, 2.1)."""


class WrongKeysError(ValueError):
    """Entries that can't be used. The message says where they are and what to write, but does not quote them."""


@dataclass(frozen=True, slots=True)
class Key:
    """The digest of one key, and whose key it is."""

    name: str
    """The owner of the jobs that are submitted with this key."""
    digest: bytes = field(repr=False)
    """The SHA-256 digest of the key."""
    admin: bool = False


def keys_from_text(text: str) -> tuple[Key, ...]:
    """Returns the keys of entries separated by commas or white space. Raises `WrongKeysError`."""
    entries = [entry for entry in re.split(r"[\s,]+", text) if entry]
    return _parse_all((f"entry {number}", entry) for number, entry in enumerate(entries, 1))


def keys_from_file(path: Path) -> tuple[Key, ...]:
    """Returns the keys of a file with one entry per line; `#` starts a comment.

    Raises `WrongKeysError`, also for a file without keys.
    """
    try:
        lines = _read(path).decode().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise WrongKeysError(f"it can't be read ({why}); write the path of a file of keys") from None
    entries = ((number, line.partition("#")[0].strip()) for number, line in enumerate(lines, 1))
    return _parse_all((f"line {number}", entry) for number, entry in entries if entry)


def _read(path: Path) -> bytes:
    """Returns the content of a regular file, without waiting: a FIFO would block the event loop, a device never ends.

    Raises `WrongKeysError` for another kind of file or a larger one than `LARGEST_FILE`, and OSError.
    """
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise WrongKeysError("it is not a regular file; write the path of a file of keys")
        content = file.read(LARGEST_FILE + 1)
    if len(content) > LARGEST_FILE:
        raise WrongKeysError(f"it is larger than {LARGEST_FILE >> 20} MiB; write the path of a file of keys")
    return content


def _parse_all(entries: Iterable[tuple[str, str]]) -> tuple[Key, ...]:
    keys: dict[bytes, Key] = {}
    wrong = []
    for place, entry in entries:
        try:
            key = _parse(entry)
        except WrongKeysError as error:
            wrong.append(f"{place}: {error}")
            continue
        if key.digest in keys:
            wrong.append(f"{place}: this key is listed twice; make one for each entry: {KEY_COMMAND}")
        keys[key.digest] = key
    if wrong:
        more = [f"and {len(wrong) - REPORTED} more"] if len(wrong) > REPORTED else []
        raise WrongKeysError("; ".join(wrong[:REPORTED] + more))
    if not keys:
        raise WrongKeysError(f"there is no key; write name:KEY, and make the key with {KEY_COMMAND}")
    return tuple(keys.values())


def _parse(entry: str) -> Key:
    parts = _ENTRY.fullmatch(entry)
    if parts is None:
        raise WrongKeysError("write name:KEY or name:sha256:HEX, followed by :admin for an administrator")
    if not _NAME.fullmatch(parts["name"]):
        raise WrongKeysError(
            "write a name of at most 64 characters a-z, 0-9, _ and -, which starts with a letter or a digit"
        )
    if parts["digest"] is not None:
        if not _DIGEST.fullmatch(parts["digest"]):
            raise WrongKeysError("write 64 hex digits after sha256:")
        digest = bytes.fromhex(parts["digest"])
    elif len(parts["plain"]) < MIN_LENGTH:
        raise WrongKeysError(f"write a key of at least {MIN_LENGTH} characters; make one with {KEY_COMMAND}")
    elif not _PLAIN.fullmatch(parts["plain"]):
        raise WrongKeysError(f"write a key of letters, digits and -._~+/ only; make one with {KEY_COMMAND}")
    else:
        digest = hashlib.sha256(parts["plain"].encode()).digest()
    return Key(parts["name"], digest, admin=parts["admin"] is not None)


class Keyring:
    """The valid keys: those of the settings, and those of a file that can be reloaded."""

    def __init__(self, fixed: Sequence[Key] = (), file: Path | None = None) -> None:
        """Raises `WrongKeysError`."""
        self._fixed = fixed
        self.file = file
        self._keys: Sequence[Key] = ()
        self.reload()

    def __len__(self) -> int:
        return len(self._keys)

    def reload(self) -> None:
        """Reads the file again. Raises `WrongKeysError`, and then keeps the present keys."""
        self._keys = merged(self._fixed, keys_from_file(self.file) if self.file else ())

    def has(self, name: str | None, digest: bytes | None, *, admin: bool) -> bool:
        """Returns True if this key is still valid. Without any keys, only the anonymous caller (None) is valid."""
        if not self._keys:
            return name is None
        return digest is not None and name is not None and Key(name, digest, admin) in self._keys

    def find(self, key: bytes) -> Key | None:
        """Returns the entry of a key that a request has sent, in constant time."""
        digest = hashlib.sha256(key).digest()
        found = None
        for known in self._keys:
            if hmac.compare_digest(known.digest, digest):
                found = known
        return found


def merged(fixed: Sequence[Key], from_file: Sequence[Key]) -> Sequence[Key]:
    """Returns all keys. Raises `WrongKeysError` if both contain the same key."""
    if {key.digest for key in fixed} & {key.digest for key in from_file}:
        raise WrongKeysError("a key of the file is also in OFFLOAD_API_KEYS; remove it from one of them")
    return (*fixed, *from_file)
