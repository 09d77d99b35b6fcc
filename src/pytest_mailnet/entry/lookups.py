"""Answers `getaddrinfo` and the older look-up functions from the net's DNS.

`getaddrinfo` is replaced in the C module `_socket`, where `socket.getaddrinfo` looks it up at every call.
This reaches code with `from socket import getaddrinfo` too. The others are C functions that `socket` has
copied: they are replaced in both modules, and code that imported their names before the net is missed.
"""

from __future__ import annotations

import _socket
import errno
import os
import socket
from collections.abc import Callable
from typing import Any

from pytest_mailnet.entry.arguments import host_name, numeric, port_wanted
from pytest_mailnet.entry.network import NameQuestions, Network, Resolution
from pytest_mailnet.entry.patches import Patches
from pytest_mailnet.entry.sockets import MAKERS

__all__ = ["install"]


def install(patches: Patches, world: Network) -> None:
    """Lead the look-ups of this process into a network.

    Args:
        patches: where the replaced functions are kept.
        world: the network.
    """
    names = _Names(world.names)
    patches.put(_socket, "getaddrinfo", names.getaddrinfo)
    for name in ("gethostbyname", "gethostbyname_ex", "gethostbyaddr", "getnameinfo"):
        for module in (socket, _socket):
            patches.put(module, name, getattr(names, name))
    patches.put(socket, "getfqdn", names.getfqdn)
    if socket.getaddrinfo.__module__.partition(".")[0] not in MAKERS:
        # A plugin forbids look-ups by replacing the function (pytest-socket's --disable-socket). The net's
        # own never leave the process, so they are allowed; all others stay forbidden.
        patches.put(socket, "getaddrinfo", names.permitted(socket.getaddrinfo))
    else:
        patches.assume(socket, "getaddrinfo")


class _Names:
    def __init__(self, names: NameQuestions) -> None:
        self._net = names
        self._getaddrinfo: Any = _socket.getaddrinfo
        self._gethostbyname: Any = _socket.gethostbyname
        self._gethostbyname_ex: Any = _socket.gethostbyname_ex
        self._gethostbyaddr: Any = _socket.gethostbyaddr
        self._getnameinfo: Any = _socket.getnameinfo
        self._getfqdn: Any = socket.getfqdn

    def getaddrinfo(  # noqa: PLR0917  # as socket's own
        self,
        host: Any,
        port: Any,
        family: int = 0,
        type: int = 0,  # noqa: A002
        proto: int = 0,
        flags: int = 0,
    ) -> list[Any]:
        name, wanted = host_name(host), port_wanted(port)
        if name is None or not self._net.claims(name, wanted):
            infos: list[Any] = list(self._getaddrinfo(host, port, family, type, proto, flags))
            if name is not None:
                self._net.passed(name, [address[0] for *_, address in infos])
            return infos
        if flags & socket.AI_NUMERICHOST:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        if flags & socket.AI_ADDRCONFIG and not self._net.has_ipv6():  # RFC 3493, 6.1
            if family == socket.AF_INET6:
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known: there is no IPv6 here")
            family = socket.AF_INET
        found = self._net.resolve(name, family, "getaddrinfo", wanted)
        _check(found)
        infos = []
        for ip in found.addresses:
            infos += self._getaddrinfo(ip, port, family, type, proto, flags & ~_OF_NAMES)
        if flags & socket.AI_CANONNAME:
            infos[0] = (*infos[0][:3], found.canonical, infos[0][4])
        return infos

    def permitted(self, forbidding: Callable[..., Any]) -> Callable[..., Any]:
        """A `socket.getaddrinfo` for names of the net and addresses; it calls `forbidding` for the rest."""

        def getaddrinfo(host: Any, port: Any, *rest: Any, **options: Any) -> Any:
            name = host_name(host)
            if numeric(host) is None and (name is None or not self._net.claims(name, port_wanted(port))):
                return forbidding(host, port, *rest, **options)
            return [
                (socket.AddressFamily(family), socket.SocketKind(kind), *others)
                for family, kind, *others in self.getaddrinfo(host, port, *rest, **options)
            ]

        return getaddrinfo

    def gethostbyname(self, host: Any, /) -> str:
        name = host_name(host)
        if name == socket.gethostname() and (own := self._net.own_address()):
            return own
        if name is None or not self._net.claims(name, None):
            ip = str(self._gethostbyname(host))
            if name is not None:
                self._net.passed(name, [ip])
            return ip
        found = self._net.resolve(name, socket.AF_INET, "gethostbyname", None)
        _check(found)
        return found.addresses[0]

    def gethostbyname_ex(self, host: Any, /) -> tuple[str, list[str], list[str]]:
        name = host_name(host)
        if name is None or not self._net.claims(name, None):
            answer: tuple[str, list[str], list[str]] = self._gethostbyname_ex(host)
            if name is not None:
                self._net.passed(name, answer[2])
            return answer
        found = self._net.resolve(name, socket.AF_INET, "gethostbyname_ex", None)
        _check(found)
        aliases = [name] if name.lower().rstrip(".") != found.canonical.lower() else []
        return found.canonical, aliases, list(found.addresses)

    def gethostbyaddr(self, host: Any, /) -> tuple[str, list[str], list[str]]:
        ip = numeric(host) or self.gethostbyname(host)
        if not self._net.owns(ip):
            answer: tuple[str, list[str], list[str]] = self._gethostbyaddr(ip)
            return answer
        back = self._net.reverse(ip, "gethostbyaddr")
        if back is None:
            raise socket.herror(1, f"Unknown host: {ip} has no PTR in this mailnet")
        return back, [], [ip]

    def getnameinfo(self, sockaddr: Any, flags: int, /) -> tuple[str, str]:
        ip = numeric(sockaddr[0]) if isinstance(sockaddr, tuple) and sockaddr[1:] else None
        if ip is None or not self._net.owns(ip):
            answer: tuple[str, str] = self._getnameinfo(sockaddr, flags)
            return answer
        back = None if flags & socket.NI_NUMERICHOST else self._net.reverse(ip, "getnameinfo")
        if back is None and flags & socket.NI_NAMEREQD:
            raise socket.gaierror(
                socket.EAI_NONAME, f"{os.strerror(errno.ENOENT)}: {ip} has no PTR in this mailnet"
            )
        return back or ip, _service(sockaddr[1], flags)

    def getfqdn(self, name: str = "") -> str:
        asked = name.strip()
        if not asked or asked in {"0.0.0.0", "::", socket.gethostname()}:  # noqa: S104
            return self._net.fqdn() or str(self._getfqdn(name))
        try:
            return self.gethostbyaddr(asked)[0]
        except OSError:
            return asked


_OF_NAMES = socket.AI_CANONNAME | socket.AI_ADDRCONFIG
"""Flags that the net has heeded when it asks the machine to write an address it has found."""


def _check(found: Resolution) -> None:
    if found.error:
        raise socket.gaierror(found.error, found.text)


def _service(port: int, flags: int) -> str:
    # Not by the machine's getnameinfo: the guard stops calls of it for addresses of the net.
    if not flags & socket.NI_NUMERICSERV:
        try:
            return _socket.getservbyport(port, "udp" if flags & socket.NI_DGRAM else "tcp")
        except OSError:
            pass
    return str(port)
