"""A disk that fails on demand, below the real SQLite: a file system interface (VFS) with injected faults.

SQLite reaches files through a table of functions (https://sqlite.org/c3ref/io_methods.html). `faulty_disk` puts one of
our own before it, which counts the operations of one kind and has some of them answer an error code. Everything above,
SQLite's own handling of the error included, is what runs in production.
"""

import _sqlite3
import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import CFUNCTYPE, POINTER, Structure, c_char_p, c_int, c_int64, c_void_p
from enum import Enum
from typing import Any

import pytest


class Fault(Enum):
    """A fault: the function of the table, and the result code that it returns."""

    FULL = ("xWrite", 13)
    WRITE = ("xWrite", 10 | 3 << 8)
    SYNC = ("xSync", 10 | 4 << 8)
    BUSY = ("xShmLock", 5)


_SHM_EXCLUSIVE_LOCK = 2 | 8
_WRITER = 0
"""The index of the writer's lock among the locks of the shared index."""

_Plain = c_void_p
_Write = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, c_int64)
_Sync = CFUNCTYPE(c_int, c_void_p, c_int)
_ShmLock = CFUNCTYPE(c_int, c_void_p, c_int, c_int, c_int)
_Open = CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p, c_int, POINTER(c_int))


class _Methods(Structure):
    """`sqlite3_io_methods`, version 3."""

    _fields_ = (
        ("iVersion", c_int),
        ("xClose", _Plain),
        ("xRead", _Plain),
        ("xWrite", _Write),
        ("xTruncate", _Plain),
        ("xSync", _Sync),
        ("xFileSize", _Plain),
        ("xLock", _Plain),
        ("xUnlock", _Plain),
        ("xCheckReservedLock", _Plain),
        ("xFileControl", _Plain),
        ("xSectorSize", _Plain),
        ("xDeviceCharacteristics", _Plain),
        ("xShmMap", _Plain),
        ("xShmLock", _ShmLock),
        ("xShmBarrier", _Plain),
        ("xShmUnmap", _Plain),
        ("xFetch", _Plain),
        ("xUnfetch", _Plain),
    )


class _Vfs(Structure):
    """`sqlite3_vfs`, version 3."""

    _fields_ = (
        ("iVersion", c_int),
        ("szOsFile", c_int),
        ("mxPathname", c_int),
        ("pNext", c_void_p),
        ("zName", c_char_p),
        ("pAppData", c_void_p),
        ("xOpen", _Open),
        ("others", c_void_p * 14),
    )


class FaultyDisk:
    """Works until `fail` is called, and again after `mend`. Each call of `fail` resets the count of operations."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # SQLite calls from the journal's threads
        self._fault: Fault | None = None
        self._first = 0
        self._permanently = False
        self.operations = 0
        """The number of operations of the kind that fails."""
        self.failed = 0

    def fail(self, fault: Fault, first: int, *, permanently: bool) -> None:
        """Makes the operation number `first` (from 1) fail, and with `permanently` each one after it."""
        with self._lock:
            self._fault, self._first, self._permanently = fault, first, permanently
            self.operations = self.failed = 0

    def mend(self) -> None:
        with self._lock:
            self._fault = None

    def answer(self, function: str) -> int:
        """Returns the code that this call of a function fails with, or 0 if the call is to be made."""
        with self._lock:
            if self._fault is None or self._fault.value[0] != function:
                return 0
            self.operations += 1
            if self.operations == self._first or (self._permanently and self.operations > self._first):
                self.failed += 1
                return self._fault.value[1]
            return 0


@contextmanager
def faulty_disk() -> Iterator[FaultyDisk]:
    """While entered, every database that this process opens is on a disk that can fail."""
    sqlite = ctypes.CDLL(getattr(_sqlite3, "__file__", None))
    if not hasattr(sqlite, "sqlite3_vfs_find"):
        pytest.skip("this Python does not export the functions of its SQLite")
    sqlite.sqlite3_vfs_find.restype = POINTER(_Vfs)
    disk, methods = FaultyDisk(), {}
    real: _Vfs = sqlite.sqlite3_vfs_find(None).contents
    ours = _Vfs.from_buffer_copy(real)

    def opened(vfs: int, name: int, file: int, flags: int, granted: Any) -> int:
        code: int = real.xOpen(vfs, name, file, flags, granted)
        table = ctypes.cast(file, POINTER(c_void_p))  # `sqlite3_file` begins with the address of its functions
        if address := table[0]:
            if address not in methods:
                methods[address] = _failing(_Methods.from_address(address), disk)
            table[0] = ctypes.addressof(methods[address])
        return code

    ours.zName = b"faulty"
    ours.xOpen = _Open(opened)
    sqlite.sqlite3_vfs_register(ctypes.byref(ours), 1)
    try:
        yield disk
    finally:
        sqlite.sqlite3_vfs_unregister(ctypes.byref(ours))
        sqlite.sqlite3_vfs_register(ctypes.byref(real), 1)


def _failing(real: _Methods, disk: FaultyDisk) -> _Methods:
    """Returns the functions with those replaced that can fail."""

    def write(file: int, data: int, size: int, at: int) -> int:
        return disk.answer("xWrite") or int(real.xWrite(file, data, size, at))

    def sync(file: int, flags: int) -> int:
        return disk.answer("xSync") or int(real.xSync(file, flags))

    def lock(file: int, number: int, locks: int, flags: int) -> int:
        if number == _WRITER and flags == _SHM_EXCLUSIVE_LOCK and (code := disk.answer("xShmLock")):
            return code
        return int(real.xShmLock(file, number, locks, flags))

    ours = _Methods.from_buffer_copy(real)
    ours.xWrite, ours.xSync, ours.xShmLock = _Write(write), _Sync(sync), _ShmLock(lock)
    return ours
