"""Whose the namespaces are: root's, a user's alone, or a user's with the ids that are given to it besides."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path

from pytest_mailnet.entry.network import PARENT
from pytest_mailnet.errors import NoNamespace

__all__ = ["map_several", "mapping", "why_not"]

_MAPPERS = ("newuidmap", "newgidmap")
_TABLES = ("/etc/subuid", "/etc/subgid")
# The settings of kernels that forbid users to have namespaces: of Linux, of Debian's and of Ubuntu's.
_SETTINGS = {
    "user.max_user_namespaces": "0",
    "kernel.unprivileged_userns_clone": "0",
    "kernel.apparmor_restrict_unprivileged_userns": "1",
}


def mapping() -> str:
    """How users are mapped, in the helper's words: "root", "one" or "several".

    Raises:
        NoNamespace: on other systems than Linux.
    """
    if sys.platform != "linux":
        raise NoNamespace(f"namespaces are Linux's, and this is {sys.platform}")
    if os.geteuid() == 0:
        return "root"
    return "several" if all(map(shutil.which, _MAPPERS)) and all(map(_subordinate, _TABLES)) else "one"


def why_not() -> str:
    """What the kernel's settings say about namespaces of users; "" if nothing there speaks against them."""
    if os.geteuid() == 0:
        return "; in a container they take --privileged"
    for setting, refusing in _SETTINGS.items():
        file = Path("/proc/sys") / setting.replace(".", "/")
        if file.is_file() and file.read_text("ascii").strip() == refusing:
            return f" ({setting} = {refusing})"
    return ""


def map_several(pid: int) -> None:
    """Map the user to root, and the ids given to it besides to the next ones.

    Args:
        pid: of the process that is in a new user namespace.

    Raises:
        NoNamespace: if the machine's own programs for this refuse.
    """
    for program, table, own in zip(_MAPPERS, _TABLES, (os.geteuid(), os.getegid()), strict=True):
        first, count = _subordinate(table) or ("", "")
        command = [shutil.which(program) or program, str(pid), "0", str(own), "1", "1", first, count]
        done = subprocess.run(  # noqa: S603
            command, capture_output=True, check=False, env={**os.environ, PARENT: ""}
        )
        if done.returncode:
            raise NoNamespace(f"{program}: {done.stderr.decode(errors='replace').strip()}")


def _subordinate(table: str) -> tuple[str, str] | None:
    """The first range of ids in a table that is the user's (subuid(5)); None for none."""
    uid = os.geteuid()
    try:
        known = {str(uid), pwd.getpwuid(uid).pw_name}
    except KeyError:
        known = {str(uid)}
    if not Path(table).is_file():
        return None
    for line in Path(table).read_text("utf-8", "replace").splitlines():
        owner, _, ids = line.partition(":")
        first, _, count = ids.partition(":")
        if owner in known and first.isdigit() and count.isdigit():
            return first, count
    return None
