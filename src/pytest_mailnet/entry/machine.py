"""Names that the machine knows without DNS: its own, and those of its hosts file."""

from __future__ import annotations

import functools
import socket
from _socket import getaddrinfo  # taken here, before a net replaces it in the module
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from pytest_mailnet.addresses import is_loopback
from pytest_mailnet.entry.arguments import numeric
from pytest_mailnet.values import Endpoint

__all__ = ["destinations", "hosts_file", "is_itself", "is_local", "knows"]

_HOSTS = Path("/etc/hosts")


def is_itself(name: str) -> bool:
    """Whether a name is this machine by its hosts file: it leads to loopback there, or is the host's own."""
    addresses = hosts_file().get(_plain(name), ())
    return any(map(is_loopback, addresses)) or (bool(addresses) and _is_own(name))


def knows(name: str) -> bool:
    """Whether a name is in the hosts file, or the machine's own."""
    return _plain(name) in hosts_file() or _is_own(name)


def is_local(name: str) -> bool:
    """Whether a name cannot be on the Internet: it has one label, or is below "localhost" (RFC 6761, 6.3)."""
    plain = _plain(name)
    return "." not in plain or plain.endswith(".localhost")


def destinations(sock: socket.socket, host: object, port: int) -> list[Endpoint]:
    """The end points that the kernel would try for an address, by the machine's own look-up; [] for none.

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
    if not host:  # to the kernel this is the unspecified address, which leads to loopback
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


def hosts_file() -> Mapping[str, tuple[str, ...]]:
    """The names of the hosts file in lower case, with the addresses of each; empty if there is no file."""
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
