"""The calls of Linux by which a process enters namespaces, and mounts files there."""

from __future__ import annotations

import ctypes
import os

__all__ = [
    "BIND",
    "NEW_MOUNTS",
    "NEW_NET",
    "NEW_PID",
    "NEW_USERS",
    "NEW_UTS",
    "die_with_parent",
    "enter",
    "map_one",
    "mount",
    "mount_over",
    "mounts_of_its_own",
    "on_children",
    "pause",
    "unmount",
    "unshare",
]

NEW_NET, NEW_USERS, NEW_PID, NEW_UTS, NEW_MOUNTS = 1 << 30, 1 << 28, 1 << 29, 1 << 26, 1 << 17
"""The kinds of namespaces (clone(2))."""
BIND = 1 << 12
"""The flag of a mount of a file over another one."""
_DETACH = 2
_RECURSIVE, _FOLLOWING = 1 << 14, 1 << 19  # MS_REC, MS_SLAVE
_PR_SET_PDEATHSIG, _SIGKILL, _SIGCHLD = 1, 9, 17  # the module signal takes as long to load as all else

_libc = ctypes.CDLL(None, use_errno=True)


def unshare(kinds: int) -> None:
    """Put the calling thread into new namespaces."""
    if _libc.unshare(kinds):
        _raise("unshare")


def enter(namespace: int, kind: int) -> None:
    """Put the calling thread into a namespace, given as a descriptor."""
    if _libc.setns(namespace, kind):
        _raise("setns")


def map_one(user: int, group: int) -> None:
    """Let the caller's user be root in its new namespace of users, and there be no other."""
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
        fd = os.open(f"/proc/self/{name}", os.O_WRONLY)
        try:
            os.write(fd, text.encode())
        finally:
            os.close(fd)


def mounts_of_its_own() -> None:
    """Let the mounts of a new namespace be seen nowhere else; it still sees what the machine mounts later."""
    mount("none", "/", None, _RECURSIVE | _FOLLOWING)


def mount(what: str, where: str, kind: str | None, flags: int) -> None:
    """Mount something somewhere (mount(2))."""
    if _libc.mount(what.encode(), where.encode(), kind and kind.encode(), ctypes.c_ulong(flags), None):
        _raise(f"mount {where}")


def mount_over(what: str, where: str) -> None:
    """Mount a file or folder over another one; a missing file, in a folder that is masked, is made."""
    if not os.path.isdir(where):  # noqa: PTH112
        os.close(os.open(where, os.O_RDONLY | os.O_CREAT, 0o644))
    mount(what, where, None, BIND)


def unmount(where: str) -> None:
    """Take away what is mounted somewhere, also where it is in use."""
    if _libc.umount2(where.encode(), _DETACH):
        _raise(f"unmount {where}")


def die_with_parent() -> None:
    """Have the process killed when its parent ends."""
    _libc.prctl(_PR_SET_PDEATHSIG, _SIGKILL)


def on_children(*, ignore: bool) -> None:
    """Let the kernel reap the process's children when they end; or not any more."""
    _libc.signal(_SIGCHLD, ctypes.c_void_p(int(ignore)))


def pause() -> None:
    """Wait for a signal."""
    _libc.pause()


def _raise(what: str) -> None:
    number = ctypes.get_errno()
    raise OSError(number, f"{what}: {os.strerror(number)}")
