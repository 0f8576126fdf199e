"""Finds acknowledged writes that a damaged write-ahead log (WAL) has lost. SQLite itself ignores them silently.

SQLite reads a WAL up to its first invalid frame, and treats the rest as an incomplete, unacknowledged write. That is
right after a crash, but wrong if the file was damaged later. Two facts distinguish the cases (formats and names
as in https://sqlite.org/walformat.html):

- The WAL's index (`-shm`) survives a killed process, and counts a frame only after its fsync.
- Without an index, as after a power cut: the frames of each commit are synced before the next transaction writes any.
  So only the last transaction can be incomplete. A commit frame that comes after the invalid frame, and is followed by
  further frames of the same log, was synced once.

A WAL that was truncated or removed together with its index leaves no trace, so that loss can't be found.
"""

import struct
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

HEADER = 32
FRAME_HEADER = 24
_MAGIC = 0x377F0682
_MASK = 0xFFFFFFFF


class _Frame(NamedTuple):
    commits: bool
    of_this_log: bool
    intact: bool


def find_loss(database: Path) -> str | None:
    """Returns what is wrong with the WAL of a closed database, as the middle of a sentence; None if it is intact."""
    log = database.with_name(database.name + "-wal")
    data = log.read_bytes() if log.exists() else b""
    salts, intact, lost = b"", 0, False
    if len(data) > HEADER and any(data[:HEADER]):  # some file systems leave zeros if the first fsync was interrupted
        salts = data[16:24]
        if not _header_is_intact(data):
            return f"the header of {log} is damaged"
        intact, lost = _walk(list(_frames(data)))
    indexed = _indexed_frames(database.with_name(database.name + "-shm"), salts)
    if lost if indexed is None else indexed > intact:
        return f"{log} is damaged or truncated after frame {intact}"
    return None


def _walk(frames: list[_Frame]) -> tuple[int, bool]:
    """Returns how many frames SQLite will use, and whether synced frames follow them."""
    whole = next((number for number, frame in enumerate(frames) if not frame.intact), len(frames))
    committed = max((number for number, frame in enumerate(frames[:whole], 1) if frame.commits), default=0)
    rest = [frame for frame in frames[whole:] if frame.of_this_log]
    return committed, any(frame.commits for frame in rest[:-1])


def _frames(data: bytes) -> Iterator[_Frame]:
    """Yields each frame. None after the first invalid one is intact, since each checksum continues the previous one."""
    page_size = struct.unpack_from(">I", data, 8)[0]
    little = _is_little(data)
    sums = struct.unpack_from(">II", data, 24)
    intact = True
    for begin in range(HEADER, len(data) - FRAME_HEADER - page_size + 1, FRAME_HEADER + page_size):
        page = begin + FRAME_HEADER
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
    """Returns SQLite's checksum over pairs of 32-bit words.

    Processes about 15 MiB/s; a killed service usually leaves a WAL of 4 MiB.
    """
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
    """Returns how many frames the index counts: 0 if all are in the database, None if it belongs to another log."""
    data = index.read_bytes()[:136] if index.exists() else b""
    if len(data) < 136 or data[:48] != data[48:96]:
        return None
    frames, copied = struct.unpack_from("=I", data, 16)[0], struct.unpack_from("=I", data, 96)[0]
    if salts and data[32:40] != salts:
        return None
    return frames if frames > copied else 0
