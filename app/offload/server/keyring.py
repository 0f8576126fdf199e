"""The keys that let callers in: how they are written, and which owner a request's key belongs to.

An entry is `name:KEY` or `name:sha256:HEX`, with `:admin` at its end for a key that sees everybody's jobs. A name may
have several keys, so that a new one can be handed out before the old one is taken out. Only digests are kept: a key of
this length can't be guessed from one, and no log, traceback or dump can tell it.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

LEAST = 16
"""Characters that a key must have: 95 bits of `secrets.token_urlsafe`."""

MAKE_ONE = 'python3 -c "import secrets; print(secrets.token_urlsafe(32))"'

_ENTRY = re.compile(r"(?P<name>[^:]*):(?:sha256:(?P<digest>[^:]*)|(?P<plain>[^:]*))(?P<admin>:admin)?", re.DOTALL)
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_DIGEST = re.compile(r"[0-9a-fA-F]{64}")
_PLAIN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
"""What may follow `Bearer` in a header (RFC 6750, 2.1)."""


class WrongKeysError(ValueError):
    """Entries that can't be used. The message tells where they are and what to write, and nothing of the entries."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key, without the key."""

    name: str
    """The owner of what is submitted with it."""
    digest: bytes = field(repr=False)
    """Its SHA-256."""
    admin: bool = False


def in_variable(text: str) -> tuple[Key, ...]:
    """The keys in a variable's text: entries separated by commas or white space. Raises `WrongKeysError`."""
    entries = [entry for entry in re.split(r"[\s,]+", text) if entry]
    return _checked((f"entry {number}", entry) for number, entry in enumerate(entries, 1))


def in_file(path: Path) -> tuple[Key, ...]:
    """The keys in a file: an entry on each line, `#` begins a comment. Raises `WrongKeysError`, also where none is."""
    try:
        lines = path.read_text().splitlines()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise WrongKeysError(f"it can't be read ({why}); write the path of a file of keys") from None
    entries = ((number, line.partition("#")[0].strip()) for number, line in enumerate(lines, 1))
    return _checked((f"line {number}", entry) for number, entry in entries if entry)


def _checked(entries: Iterable[tuple[str, str]]) -> tuple[Key, ...]:
    keys: dict[bytes, Key] = {}
    wrong = []
    for place, entry in entries:
        try:
            key = _read(entry)
        except WrongKeysError as error:
            wrong.append(f"{place}: {error}")
            continue
        if key.digest in keys:
            wrong.append(f"{place}: this key is there twice; make one for each: {MAKE_ONE}")
        keys[key.digest] = key
    if wrong:
        raise WrongKeysError("; ".join(wrong))
    if not keys:
        raise WrongKeysError(f"there is no key; write name:KEY, and make the key by {MAKE_ONE}")
    return tuple(keys.values())


def _read(entry: str) -> Key:
    parts = _ENTRY.fullmatch(entry)
    if parts is None:
        raise WrongKeysError("write name:KEY or name:sha256:HEX, and :admin after it for an admin's")
    if not _NAME.fullmatch(parts["name"]):
        raise WrongKeysError("write a name of at most 64 of a-z, 0-9, _ and -, that begins with a letter or a digit")
    if parts["digest"] is not None:
        if not _DIGEST.fullmatch(parts["digest"]):
            raise WrongKeysError("write 64 hex digits after sha256:")
        digest = bytes.fromhex(parts["digest"])
    elif len(parts["plain"]) < LEAST:
        raise WrongKeysError(f"write a key of at least {LEAST} characters; make one by {MAKE_ONE}")
    elif not _PLAIN.fullmatch(parts["plain"]):
        raise WrongKeysError(f"write a key of letters, digits and -._~+/ only; make one by {MAKE_ONE}")
    else:
        digest = hashlib.sha256(parts["plain"].encode()).digest()
    return Key(parts["name"], digest, admin=parts["admin"] is not None)


class Keyring:
    """The keys that count now: those of the settings, and those of a file that can be read again."""

    def __init__(self, fixed: Sequence[Key] = (), file: Path | None = None) -> None:
        """Raises `WrongKeysError`."""
        self._fixed = fixed
        self._file = file
        self._keys: Sequence[Key] = ()
        self.read_again()

    def __len__(self) -> int:
        return len(self._keys)

    def read_again(self) -> None:
        """Takes the file's keys as they are now. Raises `WrongKeysError`, and then all stay as they were."""
        self._keys = together(self._fixed, in_file(self._file) if self._file else ())

    def has(self, name: str | None, digest: bytes | None, *, admin: bool) -> bool:
        """Whether there still is this key, of this name and kind. Without any keys, nobody (None) needs one."""
        if not self._keys:
            return name is None
        return digest is not None and name is not None and Key(name, digest, admin) in self._keys

    def find(self, key: bytes) -> Key | None:
        """The entry of a key that a request has sent. Takes the same time wherever, and whether, it is among them."""
        digest = hashlib.sha256(key).digest()
        found = None
        for known in self._keys:
            if hmac.compare_digest(known.digest, digest):
                found = known
        return found


def together(fixed: Sequence[Key], of_file: Sequence[Key]) -> Sequence[Key]:
    """Both. Raises `WrongKeysError` where they share a key."""
    if {key.digest for key in fixed} & {key.digest for key in of_file}:
        raise WrongKeysError("a key of the file is in OFFLOAD_API_KEYS too; leave it out of one of them")
    return (*fixed, *of_file)
