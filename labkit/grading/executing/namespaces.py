"""Stepping into a sandbox that bubblewrap has set up, and leaving every privilege behind: three system calls."""

import ctypes
import os

_ALL = 0x7E020000  # mount, cgroup, uts, ipc, user, pid and network namespaces
_NO_NEW_PRIVILEGES, _DROP_FROM_BOUNDS, _AMBIENT, _CLEAR_ALL, _DUMPABLE = 38, 24, 47, 4, 4
_VERSION_3 = 0x20080522
_MOST_CAPABILITIES = 64


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


def join(pid: int) -> None:
    """Step into all namespaces of a process; into that of processes with the next fork.

    Raises: OSError where the system does not let this user
    """
    handle = os.pidfd_open(pid)
    try:
        if ctypes.CDLL(None, use_errno=True).setns(handle, _ALL):
            raise OSError(ctypes.get_errno(), f"setns: {os.strerror(ctypes.get_errno())}")
    finally:
        os.close(handle)


def drop_privileges() -> None:
    """Give up all capabilities for good, for this process and all that it starts.

    Raises: OSError where one of them is left
    """
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    libc.prctl(_AMBIENT, _CLEAR_ALL, 0, 0, 0)
    for capability in range(_MOST_CAPABILITIES):
        libc.prctl(_DROP_FROM_BOUNDS, capability, 0, 0, 0)  # refuses those that there are not
    none = (ctypes.c_uint32 * 6)()
    if libc.capset(ctypes.byref(_Header(_VERSION_3, 0)), none):
        raise OSError(ctypes.get_errno(), f"capset: {os.strerror(ctypes.get_errno())}")


def set_dumpable(dumpable: bool) -> None:
    """Whether processes of this user may look into this one."""
    ctypes.CDLL(None).prctl(_DUMPABLE, int(dumpable), 0, 0, 0)
