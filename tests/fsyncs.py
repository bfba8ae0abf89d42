"""Counts how often SQLite has the system bring a file to the disk: a shim before the file system that it uses.

SQLite asks its VFS, a table of functions, to open a file, and the file's own table to sync it
(https://sqlite.org/c3ref/io_methods.html). The shim opens as the default one does, then puts a copy of the file's table
in place whose `xSync` counts and goes on.
"""

import ctypes
import ctypes.util
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_OPEN = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(ctypes.c_int)
)  # the name as a pointer: SQLite keeps the file's name where it is, and Python's copy of it would be gone
_SYNC = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int)
_METHODS = 19  # pointers in sqlite3_io_methods, version 3, its version number counted as one
_X_SYNC = 5  # iVersion, xClose, xRead, xWrite, xTruncate, xSync


class _Vfs(ctypes.Structure):
    """sqlite3_vfs, version 3."""

    _fields_ = [
        ("version", ctypes.c_int),
        ("file_size", ctypes.c_int),
        ("longest_path", ctypes.c_int),
        ("next", ctypes.c_void_p),
        ("name", ctypes.c_char_p),
        ("data", ctypes.c_void_p),
        ("open", _OPEN),
        ("others", ctypes.c_void_p * 15),
    ]


@dataclass
class Fsyncs:
    count: int = 0


@contextmanager
def counting_fsyncs() -> Iterator[Fsyncs]:
    """Of databases that are opened inside, with Python's own sqlite3. Raises OSError where its library is not found."""
    library = ctypes.CDLL(ctypes.util.find_library("sqlite3") or "libsqlite3.so.0")
    library.sqlite3_vfs_find.restype = ctypes.POINTER(_Vfs)
    default = library.sqlite3_vfs_find(None)
    counted = Fsyncs()
    kept: dict[int, tuple[object, object]] = {}  # by the address of the table that a copy stands for

    def opened(vfs: int, name: int | None, file: int, flags: int, flags_out: object) -> int:
        status = int(default.contents.open(ctypes.addressof(default.contents), name, file, flags, flags_out))
        place = ctypes.cast(file, ctypes.POINTER(ctypes.c_void_p))
        if status == 0 and place[0]:
            place[0] = ctypes.addressof(counting(place[0]))
        return status

    def counting(address: int) -> ctypes.Array[ctypes.c_void_p]:
        if address not in kept:
            methods = (ctypes.c_void_p * _METHODS).from_buffer_copy((ctypes.c_void_p * _METHODS).from_address(address))
            goes_on = _SYNC(methods[_X_SYNC] or 0)

            def sync(file: int, flags: int) -> int:
                counted.count += 1
                return int(goes_on(file, flags))

            ours = _SYNC(sync)
            methods[_X_SYNC] = ctypes.cast(ours, ctypes.c_void_p).value
            kept[address] = (methods, ours)
        return kept[address][0]  # type: ignore[return-value]

    shim = _Vfs.from_buffer_copy(default.contents)
    shim.name = b"counting-fsyncs"
    open_ours = _OPEN(opened)
    shim.open = open_ours
    library.sqlite3_vfs_register(ctypes.byref(shim), 1)
    try:
        yield counted
    finally:
        library.sqlite3_vfs_unregister(ctypes.byref(shim))
        library.sqlite3_vfs_register(default, 1)
        _KEPT.append((shim, open_ours, kept))  # connections may outlive this


_KEPT: list[object] = []
