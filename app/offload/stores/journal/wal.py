"""Finds acknowledged writes that a damaged write-ahead log has lost, which SQLite itself passes over in silence.

SQLite reads a WAL up to its first bad frame and takes the rest for the torn end of a write that nobody was told of.
That is right after a crash, and wrong where the file was damaged later. Two things tell them apart (formats and
names by https://sqlite.org/walformat.html):

- The index beside it (`-shm`) survives a killed process, and counts a frame only after its sync.
- Where there is no such index, as after a power cut: frames are synced with each commit before the next transaction
  writes any. So what is torn can only be the last transaction; a commit frame after the bad frame with further frames
  of the same log behind it was synced once.

A log that was cut off or removed together with its index leaves no trace; nothing can find that.
"""

import struct
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_HEADER = 32
_FRAME_HEADER = 24
_MAGIC = 0x377F0682
_MASK = 0xFFFFFFFF


class _Frame(NamedTuple):
    commits: bool
    of_this_log: bool
    intact: bool


def loss(database: Path) -> str | None:
    """What is wrong with the log of a database that nobody has open, as the middle of a sentence; None if nothing."""
    log = database.with_name(database.name + "-wal")
    data = log.read_bytes() if log.exists() else b""
    salts, intact, lost = b"", 0, False
    if len(data) > _HEADER and any(data[:_HEADER]):  # some file systems leave zeros where a first sync was cut off
        salts = data[16:24]
        if not _header_is_intact(data):
            return f"the header of {log} is damaged"
        intact, lost = _walk(list(_frames(data)))
    indexed = _indexed_frames(database.with_name(database.name + "-shm"), salts)
    if lost if indexed is None else indexed > intact:
        return f"{log} is damaged or cut short after frame {intact}"
    return None


def _walk(frames: list[_Frame]) -> tuple[int, bool]:
    """How many frames SQLite will use, and whether synced ones lie behind them."""
    whole = next((number for number, frame in enumerate(frames) if not frame.intact), len(frames))
    committed = max((number for number, frame in enumerate(frames[:whole], 1) if frame.commits), default=0)
    rest = [frame for frame in frames[whole:] if frame.of_this_log]
    return committed, any(frame.commits for frame in rest[:-1])


def _frames(data: bytes) -> Iterator[_Frame]:
    """Each frame; none after the first bad one is intact, since checksums go on from frame to frame."""
    page_size = struct.unpack_from(">I", data, 8)[0]
    little = _is_little(data)
    sums = struct.unpack_from(">II", data, 24)
    intact = True
    for begin in range(_HEADER, len(data) - _FRAME_HEADER - page_size + 1, _FRAME_HEADER + page_size):
        page = begin + _FRAME_HEADER
        of_this_log = data[begin + 8 : begin + 16] == data[16:24]
        if intact:
            sums = _checksum(data[begin : begin + 8] + data[page : page + page_size], little, sums)
            intact = of_this_log and sums == struct.unpack_from(">II", data, begin + 16)
        yield _Frame(struct.unpack_from(">I", data, begin + 4)[0] != 0, of_this_log, intact)


def _header_is_intact(data: bytes) -> bool:
    magic, _, page_size = struct.unpack_from(">III", data)
    return (
        magic & ~1 == _MAGIC
        and 512 <= page_size <= 65536
        and _checksum(data[:24], _is_little(data), (0, 0)) == struct.unpack_from(">II", data, 24)
    )


def _is_little(data: bytes) -> bool:
    return data[3] & 1 == 0


def _checksum(data: bytes, little: bool, sums: tuple[int, int]) -> tuple[int, int]:
    """SQLite's: over pairs of 32-bit words. About 15 MiB/s, for the 4 MiB that a killed service usually leaves."""
    words = array("I", data)
    if little is not (struct.pack("=I", 1)[0] == 1):
        words.byteswap()
    first, second = sums
    pairs = iter(words)
    for one, two in zip(pairs, pairs, strict=True):
        first = (first + one + second) & _MASK
        second = (second + two + first) & _MASK
    return first, second


def _indexed_frames(index: Path, salts: bytes) -> int | None:
    """How many frames the index counts, 0 where all are in the database already; None where it is not this log's."""
    data = index.read_bytes()[:136] if index.exists() else b""
    if len(data) < 136 or data[:48] != data[48:96]:
        return None
    frames, copied = struct.unpack_from("=I", data, 16)[0], struct.unpack_from("=I", data, 96)[0]
    if salts and data[32:40] != salts:
        return None
    return frames if frames > copied else 0
