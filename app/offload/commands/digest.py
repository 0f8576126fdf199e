"""`offload digest`: what `sha256sum` would print of local files, computed by the service."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from offload.client import Client
from offload.commands.bars import SendingBar
from offload.commands.connection import Service
from offload.commands.digesting import STDIN, Digested, Source, digested, groups
from offload.commands.endings import FAILED
from offload.commands.options import flag
from offload.commands.results import stdout
from offload.commands.screen import for_people, safe_lines, tell
from offload.commands.sums import Finding, finding_line, quoted, stdin_line, warnings
from offload.commands.values import read_all
from offload.digests.algorithms import HEX_LENGTHS, Algorithm
from offload.digests.manifests import TAGS, Entry, TooManyLinesError, read_manifest, write_entry

MOST_LINES = 1_000_000
"""Of a manifest."""


def digest(
    offload: Service,
    files: Annotated[
        list[str] | None, typer.Argument(metavar="FILE", help="What to digest; - or nothing is stdin.")
    ] = None,
    algorithm: Annotated[
        list[str] | None,
        typer.Option(
            "--algorithm",
            "-a",
            help="Default: sha256. May be given again.",
            metavar="NAME",
            autocompletion=lambda: list(HEX_LENGTHS),
        ),
    ] = None,
    check: Annotated[
        bool, flag("--check", "-c", help="FILEs are sums: digest the files in them, and compare.")
    ] = False,
    tag: Annotated[bool, flag("--tag", help="Lines in the BSD form, which tells the algorithm.")] = False,
    zero: Annotated[bool, flag("--zero", "-z", help="End lines with NUL, and escape no names.")] = False,
    quiet: Annotated[bool, flag("--quiet", help="With --check: no line where all is well.")] = False,
    status: Annotated[bool, flag("--status", help="With --check: no lines; the exit code tells.")] = False,
) -> None:
    """Digest local files, and print what sha256sum would.

    They are uploaded, several at a time, and forgotten by the service
    afterwards. Exit code 1 where a file can't be read or does not match.
    """
    names = [os.fsencode(file) for file in files or ["-"]]
    algorithms: Sequence[Algorithm] = tuple(dict.fromkeys(map(_algorithm, algorithm or ["sha256"])))
    if check:
        if len(algorithms) > 1:
            raise typer.BadParameter("With --check, there is one --algorithm at most: that of lines that do not tell.")
        told = _Told(quiet=quiet or status, silent=status)
        verdicts = [_check(offload, name, algorithms[0] if algorithm else None, told) for name in names]
    else:
        bsd = tag or len(algorithms) > 1
        verdicts = [_print(offload, [Source(name, algorithms) for name in names], bsd=bsd, zero=zero)]
    if not all(verdicts):
        raise typer.Exit(FAILED)


def _algorithm(name: str) -> Algorithm:
    for known in HEX_LENGTHS:
        if known == name:
            return known
    raise typer.BadParameter(f"{name!r} is no algorithm. There are {', '.join(HEX_LENGTHS)}.")


def _print(offload: Client, sources: Sequence[Source], *, bsd: bool, zero: bool) -> bool:
    """Prints the digests; whether every file had some."""
    all_well = True
    for one in _digests(offload, sources):
        if one.digests is None:
            tell(f"{quoted(one.source.name)}: {one.why}")
            all_well = False
            continue
        for algorithm in one.source.algorithms:
            _write(_line(one.source.name, algorithm, one.digests[algorithm], bsd=bsd, zero=zero))
    return all_well


def _line(name: bytes, algorithm: Algorithm, digest: str, *, bsd: bool, zero: bool) -> bytes:
    if name == STDIN:
        return stdin_line(digest, TAGS[algorithm] if bsd else None, zero=zero)
    return write_entry(Entry(name, algorithm, digest), "bsd" if bsd else "gnu", zero=zero)


def _check(offload: Client, sums: bytes, algorithm: Algorithm | None, told: "_Told") -> bool:
    """Compares the files of one manifest with what it says; whether all are as it says."""
    try:
        manifest = read_manifest(read_all(os.fsdecode(sums)), algorithm, most=MOST_LINES)
    except OSError as error:
        tell(f"{quoted(sums)}: {error.strerror}")
        return False
    except TooManyLinesError:
        raise typer.BadParameter(f"{quoted(sums)} has more than {MOST_LINES:,} lines.") from None
    if not manifest.entries:
        tell(f"{quoted(sums)}: no properly formatted checksum lines found")
        return False
    found: Counter[Finding] = Counter()
    sources = [Source(entry.name, (entry.algorithm,)) for entry in manifest.entries]
    for entry, one in zip(manifest.entries, _digests(offload, sources), strict=True):
        if one.digests is None:
            tell(f"{quoted(entry.name)}: {one.why}")
        finding = _finding(entry, one)
        found[finding] += 1
        if not (told.silent or (told.quiet and finding == "OK")):
            _write(finding_line(entry.name, finding))
    if not told.silent:
        for warning in warnings(found, len(manifest.improper)):
            tell(warning)
    return found["OK"] == found.total()


def _finding(entry: Entry, one: Digested) -> Finding:
    if one.digests is None:
        return "FAILED open or read"
    return "OK" if one.digests[entry.algorithm] == entry.digest else "FAILED"


def _write(line: bytes) -> None:
    """Every byte of it into a pipe; on a terminal no name gets through that would be a command to it."""
    if for_people():
        print(safe_lines(os.fsdecode(line)), end="")
    else:
        stdout().write(line)


def _digests(offload: Client, sources: Sequence[Source]) -> Iterator[Digested]:
    """One after the other, with a bar on a terminal that is gone while they are told."""
    bar = SendingBar(sum(source.size() for source in sources))
    for group in groups(sources):
        with bar:
            found = digested(offload, group, bar.moved)
        yield from found


@dataclass(frozen=True, slots=True)
class _Told:
    """What `--check` does not say."""

    quiet: bool
    silent: bool
