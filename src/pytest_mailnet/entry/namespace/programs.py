"""Programs in the namespaces of a net: as `subprocess` starts them, and led in by `nsenter`."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from pytest_mailnet.entry.namespace.outside import Namespace
from pytest_mailnet.entry.network import PARENT
from pytest_mailnet.errors import NoNamespace

__all__ = ["Command", "LedProgram", "enter"]

Command: TypeAlias = "str | Sequence[str | os.PathLike[str]]"
"""A command line, as a text or word by word."""
_SITE = str(Path(__file__).parent.parent / "site")
_GO_THERE = 'cd -- "$0" && exec "$@"'  # the namespace of mounts has put the process into /


class LedProgram(subprocess.Popen[Any]):
    """A running program in the namespaces, as a `subprocess.Popen`. Signals are passed on to it.

    Its arguments are those of `subprocess.Popen`.
    """

    def send_signal(self, sig: int) -> None:
        """Send a signal to the program; do nothing if it has ended."""
        self.poll()
        if self.returncode is not None:
            return
        within = _children(self.pid)
        try:
            for pid in within:
                os.kill(pid, sig)
        except PermissionError:
            # It has become another user: the kernel ends it with the net. Who waits is let go now.
            within = []
        except ProcessLookupError:
            pass
        if not within:
            super().send_signal(sig)


def enter(
    namespace: Namespace, command: Command, *, env: Mapping[str, str] | None, **options: Any
) -> LedProgram:
    """Start a program in the namespaces.

    Args:
        namespace: these.
        command: the command line; a text is taken apart as a shell does.
        env: its environment; None for this process's.
        options: further ones of `subprocess.Popen`.
    """
    words = shlex.split(command) if isinstance(command, str) else list(map(str, command))
    environment = {**(os.environ if env is None else env), **namespace.environment}
    folder = str(options.pop("cwd", None) or _here())
    named = os.path.join(folder, words[0]) if os.sep in words[0] else words[0]  # noqa: PTH118
    if shutil.which(named, path=environment.get("PATH")) is None:
        raise FileNotFoundError(2, os.strerror(2), words[0])
    led = [_nsenter(), "--target", str(namespace.first), "--mount", "--uts", "--net", "--pid"]
    led += ["--user", "--preserve-credentials"] if namespace.users else []
    led += ["--", "/bin/sh", "-c", _GO_THERE, folder, *words]
    return LedProgram(led, env=_outside(environment), **options)


def _nsenter() -> str:
    found = shutil.which("nsenter")
    if found is None:
        raise NoNamespace("there is no nsenter on this machine, which leads programs in; it is in util-linux")
    return found


def _outside(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment without what leads Python children into the net by patches."""
    kept = dict(environment)
    if PARENT in kept:
        paths = kept.get("PYTHONPATH", "").split(os.pathsep)
        kept["PYTHONPATH"] = os.pathsep.join(it for it in paths if it != _SITE)
    return {**kept, PARENT: ""}


def _here() -> str:
    try:
        return str(Path.cwd())
    except FileNotFoundError:
        return "/"


def _children(pid: int) -> list[int]:
    try:
        return list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()))
    except OSError:
        return []
