"""`offload digest`: what `sha256sum` would print of local files, computed by the service."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from offload.client import Client
from offload.commands.arguments.service import Service
from offload.commands.arguments.shared import flag
from offload.commands.arguments.values import read_all
from offload.commands.digest.checksums import Finding, finding_line, quoted, stdin_line, warnings
from offload.commands.digest.uploads import STDIN, Digested, Source, digested, groups
from offload.commands.exit_codes import FAILED
from offload.commands.results import stdout
from offload.commands.terminal.output import escape_lines, is_terminal, print_error
from offload.commands.terminal.progress import UploadBar
from offload.digests.algorithms import HEX_LENGTHS, Algorithm
from offload.digests.manifests import TAGS, Entry, TooManyLinesError, read_manifest, write_entry

MOST_LINES = 1_000_000
"""Of one manifest."""


def digest(
    offload: Service,
    files: Annotated[
        list[str] | None, typer.Argument(metavar="FILE", help="Files to digest; - or none reads stdin.")
    ] = None,
    algorithm: Annotated[
        list[str] | None,
        typer.Option(
            "--algorithm",
            "-a",
            help="Default: sha256. Repeatable.",
            metavar="NAME",
            autocompletion=lambda: list(HEX_LENGTHS),
        ),
    ] = None,
    check: Annotated[bool, flag("--check", "-c", help="Read digests from the FILEs and check them.")] = False,
    tag: Annotated[bool, flag("--tag", help="Print BSD-style lines, which name the algorithm.")] = False,
    zero: Annotated[bool, flag("--zero", "-z", help="End each line with NUL, and do not escape names.")] = False,
    quiet: Annotated[bool, flag("--quiet", help="With --check: print no OK lines.")] = False,
    status: Annotated[bool, flag("--status", help="With --check: print nothing; see the exit code.")] = False,
) -> None:
    """Digest local files, and print the lines that sha256sum prints.

    The files are uploaded, several at a time, and deleted from the service
    afterwards. Exit code 1 if a file can't be read or does not match.
    """
    names = [os.fsencode(file) for file in files or ["-"]]
    algorithms: Sequence[Algorithm] = tuple(dict.fromkeys(map(_algorithm, algorithm or ["sha256"])))
    if check:
        if len(algorithms) > 1:
            raise typer.BadParameter(
                "With --check, give at most one --algorithm: it is used for lines that do not name theirs."
            )
        verbosity = _Verbosity(quiet=quiet or status, silent=status)
        verdicts = [_check(offload, name, algorithms[0] if algorithm else None, verbosity) for name in names]
    else:
        bsd = tag or len(algorithms) > 1
        verdicts = [_print(offload, [Source(name, algorithms) for name in names], bsd=bsd, zero=zero)]
    if not all(verdicts):
        raise typer.Exit(FAILED)


def _algorithm(name: str) -> Algorithm:
    for known in HEX_LENGTHS:
        if known == name:
            return known
    raise typer.BadParameter(f"{name!r} is not a known algorithm. Choose from {', '.join(HEX_LENGTHS)}.")


def _print(offload: Client, sources: Sequence[Source], *, bsd: bool, zero: bool) -> bool:
    """Prints the digests. Returns True if every file could be digested."""
    all_digested = True
    for one in _digests(offload, sources):
        if one.digests is None:
            print_error(f"{quoted(one.source.name)}: {one.error}")
            all_digested = False
            continue
        for algorithm in one.source.algorithms:
            _write(_line(one.source.name, algorithm, one.digests[algorithm], bsd=bsd, zero=zero))
    return all_digested


def _line(name: bytes, algorithm: Algorithm, digest: str, *, bsd: bool, zero: bool) -> bytes:
    if name == STDIN:
        return stdin_line(digest, TAGS[algorithm] if bsd else None, zero=zero)
    return write_entry(Entry(name, algorithm, digest), "bsd" if bsd else "gnu", zero=zero)


def _check(offload: Client, sums: bytes, algorithm: Algorithm | None, verbosity: "_Verbosity") -> bool:
    """Checks the files of one manifest. Returns True if all match."""
    try:
        manifest = read_manifest(read_all(os.fsdecode(sums)), algorithm, most=MOST_LINES)
    except OSError as error:
        print_error(f"{quoted(sums)}: {error.strerror}")
        return False
    except TooManyLinesError:
        raise typer.BadParameter(f"{quoted(sums)} has more than {MOST_LINES:,} lines.") from None
    if not manifest.entries:
        print_error(f"{quoted(sums)}: no properly formatted checksum lines found")
        return False
    found: Counter[Finding] = Counter()
    sources = [Source(entry.name, (entry.algorithm,)) for entry in manifest.entries]
    for entry, one in zip(manifest.entries, _digests(offload, sources), strict=True):
        if one.digests is None:
            print_error(f"{quoted(entry.name)}: {one.error}")
        finding = _finding(entry, one)
        found[finding] += 1
        if not (verbosity.silent or (verbosity.quiet and finding == "OK")):
            _write(finding_line(entry.name, finding))
    if not verbosity.silent:
        for warning in warnings(found, len(manifest.improper)):
            print_error(warning)
    return found["OK"] == found.total()


def _finding(entry: Entry, one: Digested) -> Finding:
    if one.digests is None:
        return "FAILED open or read"
    return "OK" if one.digests[entry.algorithm] == entry.digest else "FAILED"


def _write(line: bytes) -> None:
    """Writes the exact bytes to a pipe; on a terminal, control characters are escaped."""
    if is_terminal():
        print(escape_lines(os.fsdecode(line)), end="")
    else:
        stdout().write(line)


def _digests(offload: Client, sources: Sequence[Source]) -> Iterator[Digested]:
    """Yields the outcome for each file. A progress bar is shown while files are uploaded."""
    bar = UploadBar(sum(source.size() for source in sources))
    for group in groups(sources):
        with bar:
            found = digested(offload, group, bar.advance)
        yield from found


@dataclass(frozen=True, slots=True)
class _Verbosity:
    """What `--check` leaves out."""

    quiet: bool
    silent: bool
