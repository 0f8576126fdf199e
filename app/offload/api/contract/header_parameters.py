"""Header values with parameters, as `Content-Disposition` and `Content-Type` have them (RFC 9110, 5.6.6).

The parsers of the standard library and of python-multipart take quadratic time for quoted semicolons, 3.8 s for 64 KB,
and the former raises various errors for malformed `filename*`.
"""

import re
from collections.abc import Callable, Mapping
from urllib.parse import unquote_to_bytes

_PARAMETER = re.compile(
    rb"""[;\s]*+ (?P<name>[^;="\s]*+) \s*+
    (?: = \s*+ (?: "(?P<quoted>(?:[^"\\]++|\\.|\\)*+)"?+ [^;]*+ | (?P<token>[^;"]*+) [^;]*+ ) | [^;]*+ )""",
    re.DOTALL | re.VERBOSE,
)
"""The next parameter, up to its semicolon. A value without its closing quote extends to the end. The pattern matches
any text, and the possessive quantifiers never try a byte twice, so the time is linear for any header."""

_ESCAPED = re.compile(rb'\\(["\\])')

_CODECS = {b"utf-8": "utf-8", b"iso-8859-1": "latin-1"}
"""The codecs for the charsets of RFC 8187 and of RFC 5987, which it replaces."""

_PERCENT = {b"%22": b'"', b"%0D": b"\r", b"%0A": b"\n"}

_PERCENT_CODE = re.compile(rb"%(?:22|0D|0A)")


def header_parameters(value: bytes) -> Mapping[bytes, bytes]:
    """Returns the parameters after the first semicolon, by name in lower case. The first of two with a name counts.

    In a quoted value, only a quote and a backslash can be escaped: browsers send other backslashes as they are.
    """
    parameters: dict[bytes, bytes] = {}
    for found in _PARAMETER.finditer(value.partition(b";")[2]):
        name, quoted, token = found.groups()
        if name:
            text = (token or b"").rstrip() if quoted is None else _ESCAPED.sub(rb"\1", quoted)
            parameters.setdefault(name.lower(), text)
    return parameters


def file_name(parameters: Mapping[bytes, bytes], decode: Callable[[bytes], str]) -> str | None:
    """Returns the file name of a `Content-Disposition`: `filename*` if it is valid, or else `filename`, by `decode`.

    It is None where the parameters have neither.
    """
    if b"filename" not in parameters and b"filename*" not in parameters:
        return None
    return _extended_text(parameters.get(b"filename*", b"")) or decode(parameters.get(b"filename", b""))


def form_text(value: bytes) -> str:
    """Decodes the name or file name of a part of a form, which is UTF-8 (RFC 7578, 5.1.2).

    Browsers and curl send a quote and line ends as `%22`, `%0D` and `%0A` (HTML, 4.10.21.8), and no other byte so.
    Bytes that are not UTF-8 are replaced: the text is only shown.
    """
    return _PERCENT_CODE.sub(lambda code: _PERCENT[code[0]], value).decode(errors="replace")


def header_text(value: bytes) -> str:
    """Decodes a header's value: UTF-8, as most clients send it, or else ISO 8859-1."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _extended_text(value: bytes) -> str:
    """Decodes an extended value, such as `UTF-8''na%C3%AFve.txt` (RFC 8187). A malformed one is ignored: empty."""
    charset, _, rest = value.partition(b"'")
    codec = _CODECS.get(charset.lower())
    try:
        return unquote_to_bytes(rest.partition(b"'")[2]).decode(codec) if codec else ""
    except UnicodeDecodeError:
        return ""
