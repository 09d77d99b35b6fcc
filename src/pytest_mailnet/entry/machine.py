"""What the machine knows by itself: its own names, its hosts file, and where names lead there."""

from __future__ import annotations

import functools
import socket
from _socket import getaddrinfo  # the machine's own, whatever stands in its place while a net is active
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from pytest_mailnet.addresses import is_loopback
from pytest_mailnet.entry.arguments import numeric
from pytest_mailnet.values import Endpoint

__all__ = ["destinations", "is_itself", "is_local", "knows"]

_HOSTS = Path("/etc/hosts")


def is_itself(name: str) -> bool:
    """Whether the hosts file says that a name is this machine, so that nobody else is asked for it."""
    addresses = _hosts().get(_plain(name), ())
    return any(map(is_loopback, addresses)) or (bool(addresses) and _is_own(name))


def knows(name: str) -> bool:
    """Whether a name is in the hosts file, or the machine's own."""
    return _plain(name) in _hosts() or _is_own(name)


def is_local(name: str) -> bool:
    """Whether a name can be none of the Internet: one label, or below "localhost" (RFC 6761, 6.3)."""
    plain = _plain(name)
    return "." not in plain or plain.endswith(".localhost")


def destinations(sock: socket.socket, host: object, port: int) -> list[Endpoint]:
    """Where the kernel would go for an address that is the machine's to look up; nothing if it finds none.

    Args:
        sock: the socket that connects or sends.
        host: as `connect` takes it.
        port: a number.
    """
    ip = numeric(host)
    if ip is not None:
        return [Endpoint(ip, port)]
    if not isinstance(host, (str, bytes, bytearray)):
        return []
    if not host:  # the kernel takes it for the unspecified address, which is loopback
        return [Endpoint("::" if sock.family == socket.AF_INET6 else "0.0.0.0", port)]  # noqa: S104
    if host == "<broadcast>":
        return [Endpoint("255.255.255.255", port)]
    name = bytes(host) if isinstance(host, bytearray) else host
    try:
        found = getaddrinfo(name, port, sock.family, sock.type)
    except OSError:
        return []
    return [Endpoint(ip, port) for *_, address in found if (ip := numeric(address[0])) is not None]


def _is_own(name: str) -> bool:
    return _plain(name) == _plain(socket.gethostname())


def _plain(name: str) -> str:
    return name.lower().rstrip(".")


def _hosts() -> Mapping[str, tuple[str, ...]]:
    """The names of the hosts file, with the addresses of each."""
    try:
        changed = _HOSTS.stat()
        return _read(_HOSTS, changed.st_mtime_ns, changed.st_size)
    except OSError:
        return {}


@functools.lru_cache(maxsize=1)
def _read(path: Path, changed_at: int, size: int) -> Mapping[str, tuple[str, ...]]:  # noqa: ARG001
    found: dict[str, tuple[str, ...]] = {}
    for line in path.read_text("utf-8", "replace").splitlines():
        address, *names = line.partition("#")[0].split() or [""]
        ip = numeric(address)
        for name in names if ip else ():
            found[_plain(name)] = (*found.get(_plain(name), ()), str(ip))
    return MappingProxyType(found)
