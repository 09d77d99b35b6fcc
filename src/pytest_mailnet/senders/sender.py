"""Who the application seems to be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Literal, get_args, overload

from pytest_mailnet.addresses import Occupant, Routes, checked_ip
from pytest_mailnet.dns.blocklists import Listing, listings
from pytest_mailnet.dns.records import checked_name
from pytest_mailnet.errors import InvalidAddress, InvalidSetting, amongst
from pytest_mailnet.handles.attributes import Flag, Setting, steady
from pytest_mailnet.senders.dkim_key import DkimKey, DmarcPolicy

__all__ = ["Reputation", "Sender"]

Reputation = Literal["good", "poor", "bad"]


_INSTEAD: Mapping[str, str] = MappingProxyType(
    {
        "name": ".ptr is its reverse name, and .helo what it finds for its own machine",
        "hostname": ".ptr is its reverse name, and .helo what it finds for its own machine",
        "rdns": ".ptr is its reverse name",
        "blacklisted": ".listed_in = ['xbl'] puts it on lists",
        "listed": ".listed_in = ['xbl'] puts it on lists",
        "spf": ".publish('shop.example') publishes SPF, DKIM and DMARC",
        "dkim": ".publish('shop.example') publishes SPF, DKIM and DMARC",
        "dmarc": ".publish('shop.example', dmarc='reject') publishes SPF, DKIM and DMARC",
    }
)


def _own_name(given: Any, what: str) -> str:
    if not isinstance(given, str) or not given or not given.isprintable() or " " in given:
        raise InvalidSetting(f"{what} takes the name of a machine, as in 'app.shop.example', not {given!r}")
    return given


def _reputation(given: Any, what: str) -> Reputation:  # noqa: ARG001
    known = get_args(Reputation)
    if given not in known:
        raise InvalidSetting(f"sender.reputation: {given!r}{amongst(str(given), known)}")
    found: Reputation = given
    return found


def _reverse_name(given: Any, what: str) -> str | None:  # noqa: ARG001
    if given is not None:
        checked_name(given)
    name: str | None = given
    return name


def _published(sender: Sender) -> None:
    sender._changed(sender)  # noqa: SLF001  # what this class's attributes do when they are set


@steady("a sender", _INSTEAD)
class Sender:
    """An address that the application sends from, and what the world knows of it.

    Servers see `ip` (or `ipv6`) as their peer; `ptr` is what the address resolves back to, and it
    resolves to the address in turn (FCrDNS); `helo` is what `socket.getfqdn()` tells the application.

    Attributes:
        ptr: the reverse name, which resolves back to the addresses (FCrDNS); None for none.
        helo: the name that the application finds for its own machine.
        dynamic: an address of a dial-up or residential range, listed as one in Spamhaus's PBL.
        reputation: what large providers think of it: "good", "poor" (they defer), or "bad" (they refuse).
        throttled: known for having sent too much of late.
        bulk: known as one who sends more in a day than large providers call a lot.

    Raises:
        InvalidSetting, ZoneError: when one of them is set to what it does not take.
    """

    ptr = Setting[str | None](None, _reverse_name, _published)
    helo = Setting("", _own_name)
    dynamic = Flag(_published)
    reputation = Setting[Reputation]("good", _reputation)
    throttled = Flag()
    bulk = Flag()
    _listed_in: tuple[Listing, ...] = ()

    def __init__(
        self,
        routes: Routes[Occupant],
        *,
        ip: str,
        ipv6: str,
        ptr: str | None,
        changed: Callable[[Sender], None],
        publish: Callable[..., DkimKey | None],
    ) -> None:
        self._routes = routes
        self._changed, self._publish = changed, publish
        self._ptr = ptr
        self._ip, self._ipv6 = ip, ipv6
        self._ip = routes.claim(ip, self)
        self._ipv6 = routes.claim(ipv6, self)
        self._helo = ptr or "localhost.localdomain"

    @property
    def listed_in(self) -> tuple[Listing, ...]:
        """The lists in DNS that its addresses stand in, to be asked by servers and by the application.

        It is set to names (sbl, css, xbl, pbl, spamcop, barracuda, or their zones), `["xbl"]`, or to zones
        of any list with their codes, `{"bl.shop.example": "127.0.0.2"}`.

        Raises:
            InvalidSetting: when set to a list that is not known, or to what can be no zone or code.
        """
        if not self.dynamic:
            return self._listed_in
        return tuple(dict.fromkeys((*self._listed_in, *listings(["pbl"]))))

    @listed_in.setter
    def listed_in(self, lists: Iterable[str] | Mapping[str, str]) -> None:
        self._listed_in = listings(lists)
        _published(self)

    @overload
    def publish(
        self,
        domain: str,
        *,
        spf: bool | str = ...,
        dkim: Literal[True] = ...,
        dmarc: DmarcPolicy | str | None = ...,
        selector: str = ...,
    ) -> DkimKey: ...

    @overload
    def publish(
        self,
        domain: str,
        *,
        spf: bool | str = ...,
        dkim: Literal[False],
        dmarc: DmarcPolicy | str | None = ...,
        selector: str = ...,
    ) -> None: ...

    def publish(
        self,
        domain: str,
        *,
        spf: bool | str = True,
        dkim: bool = True,
        dmarc: DmarcPolicy | str | None = "none",
        selector: str = "mailnet",
    ) -> DkimKey | None:
        """Publish that this sender may send for a domain. From then on providers look at it.

        Args:
            domain: "shop.example".
            spf: True for a record with the sender's addresses and -all, a text for another record.
            dkim: whether a key is made, and its public half published.
            dmarc: "none", "quarantine", "reject", a whole record, or None for no record.
            selector: the key's.

        Returns:
            The key: `key.private_key` for an application that signs, or `key.sign(message)`.

        Raises:
            InvalidSetting: for a policy or selector that is none.
            ZoneError: if that is no domain.
            MissingExtra: if a key is asked for, and cryptography is not installed.
        """
        ips = (self._ip, self._ipv6)
        return self._publish(domain, ips=ips, spf=spf, dkim=dkim, dmarc=dmarc, selector=selector)

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
        _published(self)

    @property
    def ipv6(self) -> str:
        """The IPv6 address that servers see when they are reached over IPv6."""
        return self._ipv6

    @ipv6.setter
    def ipv6(self, ip: str) -> None:
        self._ipv6 = self._moved(self._ipv6, ip, version=6)
        _published(self)

    def _moved(self, old: str, new: str, *, version: int) -> str:
        new = checked_ip(new)
        if (":" in new) != (version == 6):
            other = "ipv6" if version == 4 else "ip"
            raise InvalidAddress(f"{new!r} is no IPv{version} address; set sender.{other} to it")
        claimed = self._routes.claim(new, self)
        if claimed != old:
            self._routes.release(old)
        return claimed

    def __repr__(self) -> str:
        return f"<Sender {self._ip} ({self.ptr or 'no PTR'})>"
