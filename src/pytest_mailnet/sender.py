"""Who the application seems to be."""

from __future__ import annotations

from collections.abc import Callable

from pytest_mailnet.errors import InvalidAddress
from pytest_mailnet.routes import Occupant, Routes, checked_ip

__all__ = ["Sender"]


class Sender:
    """An address that the application sends from, and what the world knows of it.

    Servers see `ip` (or `ipv6`) as their peer; `ptr` is what the address resolves back to, and it
    resolves to the address in turn (FCrDNS); `helo` is what `socket.getfqdn()` tells the application.

    Attributes:
        helo: the name that the application finds for its own machine.
        dynamic: known as an address of a dial-up or residential range.
        throttled: known for having sent too much of late.
    """

    # A typo in an attribute would be a setting without effect.
    __slots__ = ("_changed", "_ip", "_ipv6", "_ptr", "_routes", "dynamic", "helo", "throttled")

    def __init__(
        self,
        routes: Routes[Occupant],
        *,
        ip: str,
        ipv6: str,
        ptr: str | None,
        changed: Callable[[Sender], None],
    ) -> None:
        self._routes = routes
        self._changed = changed
        self._ptr = ptr
        self._ip, self._ipv6 = ip, ipv6
        self._ip = routes.claim(ip, self)
        self._ipv6 = routes.claim(ipv6, self)
        self.helo = ptr or "localhost.localdomain"
        self.dynamic = False
        self.throttled = False

    @property
    def ptr(self) -> str | None:
        """The reverse name, which resolves back to the addresses (FCrDNS); None for none."""
        return self._ptr

    @ptr.setter
    def ptr(self, name: str | None) -> None:
        self._ptr = name
        self._changed(self)

    @property
    def name(self) -> str:
        """The reverse name, or the address where there is none."""
        return self.ptr or self._ip

    @property
    def ip(self) -> str:
        """The IPv4 address that servers see.

        Raises:
            InvalidAddress, AddressInUse: when set to what cannot be one, or to a host's.
        """
        return self._ip

    @ip.setter
    def ip(self, ip: str) -> None:
        self._ip = self._moved(self._ip, ip, version=4)

    @property
    def ipv6(self) -> str:
        """The IPv6 address that servers see when they are reached over IPv6."""
        return self._ipv6

    @ipv6.setter
    def ipv6(self, ip: str) -> None:
        self._ipv6 = self._moved(self._ipv6, ip, version=6)

    def _moved(self, old: str, new: str, *, version: int) -> str:
        new = checked_ip(new)
        if (":" in new) != (version == 6):
            other = "ipv6" if version == 4 else "ip"
            raise InvalidAddress(f"{new!r} is no IPv{version} address; set sender.{other} to it")
        claimed = self._routes.claim(new, self)
        if claimed != old:
            self._routes.release(old)
        self._changed(self)
        return claimed

    def __repr__(self) -> str:
        return f"<Sender {self._ip} ({self.ptr or 'no PTR'})>"
