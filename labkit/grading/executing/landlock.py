"""Landlock, Linux's sandbox for programs that nobody has to install: three system calls (Linux 5.13 and later).

What it holds: files and folders; TCP (Linux 6.7); signals and abstract sockets (6.12). What it does not: UDP, and
what is asked of a server by way of a socket file.
"""

import ctypes
import os
from collections.abc import Iterable
from contextlib import suppress

_CREATE, _ADD, _RESTRICT = 444, 445, 446  # alike on all machines but Alpha
_PATH_BENEATH = 1
_NO_NEW_PRIVILEGES = 38

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
READ = EXECUTE | READ_FILE | READ_DIR
_OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | 1 << 14 | 1 << 15  # truncating and device controls among them
_FILES_BY_VERSION = (0, 13, 14, 15, 15, 16)  # version -> how many rights over files it knows
_TCP, _SCOPES = 0b11, 0b11


class _Rules(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scopes", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("rights", ctypes.c_uint64), ("folder", ctypes.c_int32))


def version() -> int:
    """Which Landlock this system has; 0 for none."""
    try:
        return max(0, _call(_CREATE, None, 0, 1))
    except (OSError, AttributeError, TypeError):  # switched off, another system, Windows
        return 0


def restrict(*, read: Iterable[str], look: Iterable[str], write: Iterable[str]) -> None:
    """Allow this process, and all that it starts, these places and nothing else.

    read:   files, and folders with all that is in them, to read and to run
    look:   folders whose names alone can be listed
    write:  the same as read, and to write to
    Raises: OSError where the system refuses
    """
    known = version()
    files = (1 << _FILES_BY_VERSION[min(known, 5)]) - 1
    rules = _Rules(files, _TCP if known >= 4 else 0, _SCOPES if known >= 6 else 0)
    size = 24 if known >= 6 else 16 if known >= 4 else 8
    ruleset = _call(_CREATE, ctypes.byref(rules), size, 0)
    for places, rights in ((read, READ), (look, READ_DIR), (write, files)):
        for place in places:
            with suppress(FileNotFoundError):
                _allow(ruleset, place, rights & files)
    if ctypes.CDLL(None, use_errno=True).prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "no_new_privs")
    _call(_RESTRICT, ruleset, 0)
    os.close(ruleset)


def _allow(ruleset: int, place: str, rights: int) -> None:
    handle = os.open(place, os.O_PATH | os.O_CLOEXEC)
    try:
        if not os.path.isdir(f"/proc/self/fd/{handle}"):
            rights &= _OF_FILES
        _call(_ADD, ruleset, _PATH_BENEATH, ctypes.byref(_Beneath(rights, handle)), 0)
    finally:
        os.close(handle)


def _call(number: int, *arguments: object) -> int:
    done: int = ctypes.CDLL(None, use_errno=True).syscall(number, *arguments)
    if done < 0:
        raise OSError(ctypes.get_errno(), f"Landlock: {os.strerror(ctypes.get_errno())}")
    return done
