"""Whether a process waits for a server without a time-out, as Linux tells of its system calls."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

__all__ = ["waits_for_good"]

_READ, _POLL, _PPOLL, _EPOLL, _SELECT, _CHILD = "read", "poll", "ppoll", "epoll", "select", "child"

# By their numbers, from the kernel's tables of system calls.
_CALLS: Mapping[str, Mapping[int, str]] = MappingProxyType(
    {
        "x86_64": MappingProxyType(
            {0: _READ, 45: _READ, 47: _READ, 7: _POLL, 271: _PPOLL, 232: _EPOLL, 281: _EPOLL}
            | {23: _SELECT, 270: _SELECT, 61: _CHILD, 247: _CHILD}
        ),
        "aarch64": MappingProxyType(
            {63: _READ, 207: _READ, 212: _READ, 73: _PPOLL, 22: _EPOLL, 72: _SELECT, 260: _CHILD, 95: _CHILD}
        ),
    }
)
_ENDLESS = 0xFFFFFFFF  # -1, as an int


def waits_for_good(process: int) -> bool:
    """Whether a process, or one that it waits for, waits for a connection, and nothing will end that.

    Args:
        process: its number. False where the system does not tell.
    """
    found = list(_calls(process))
    while found and found[-1][1] == _CHILD:
        below = [each for child in _children(found[-1][0]) for each in _calls(child)]
        if not below:
            return False
        found.append(below[-1])
    return bool(found) and _endless(*found[-1])


def _calls(process: int) -> Iterator[tuple[int, str, list[int]]]:
    """The system call in which a process is, with its arguments; nothing for one that runs."""
    try:
        number, *arguments = Path(f"/proc/{process}/syscall").read_text("ascii").split()
        call = _CALLS.get(platform.machine(), {}).get(int(number))
    except (OSError, ValueError):
        return
    if call is not None:
        yield process, call, [int(it, 16) for it in arguments]


def _endless(process: int, call: str, arguments: list[int]) -> bool:
    if call == _READ:
        try:
            return str(Path(f"/proc/{process}/fd/{arguments[0]}").readlink()).startswith("socket:")
        except OSError:
            return False
    if call == _PPOLL:
        return arguments[2] == 0
    if call == _SELECT:
        return arguments[4] == 0
    at = {_POLL: 2, _EPOLL: 3}.get(call)
    return at is not None and arguments[at] & _ENDLESS == _ENDLESS


def _children(process: int) -> list[int]:
    try:
        return [int(it) for it in Path(f"/proc/{process}/task/{process}/children").read_text("ascii").split()]
    except OSError:
        return []
