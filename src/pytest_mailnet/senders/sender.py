"""A sender: an address of the application, and its reputation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, get_args, overload

from pytest_mailnet.addresses import Occupant, Routes, checked_ip
from pytest_mailnet.dns.blocklists import Listing, listings
from pytest_mailnet.dns.records import checked_name
from pytest_mailnet.errors import InvalidAddress, InvalidSetting, amongst
from pytest_mailnet.handles.attributes import Flag, Setting, steady

if TYPE_CHECKING:
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
        "ips": ".addresses has both, .ip and .ipv6 are one each",
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
    sender._changed(sender)  # noqa: SLF001  # for this class's own attributes


@steady("a sender", _INSTEAD)
class Sender:
    """An address that the application sends from, with its names and reputation.

    Servers see `ip` (or `ipv6`) as their peer. The address resolves back to `ptr`, and `ptr` resolves to the
    address (FCrDNS). `socket.getfqdn()` returns `helo` to the application, which aiosmtplib says in EHLO.
    smtplib does so if there is a dot in it; if not, it says the address in its place: `[203.0.113.7]`.

    Attributes:
        ptr: the reverse name, which resolves to the addresses (FCrDNS); None for none.
        helo: the name that the application finds for its own machine.
        dynamic: whether the address is in a dial-up or residential range, and listed so in Spamhaus's PBL.
        reputation: what large providers think of it: "good", "poor" (they defer), or "bad" (they refuse).
        throttled: whether it is known to have sent too much lately.
        bulk: whether it is known to send more in a day than large providers call bulk.

    Raises:
        InvalidSetting, ZoneError: when an attribute is set to an invalid value.
    """

    ptr: Setting[str | None] = Setting(None, _reverse_name, _published)
    helo: Setting[str] = Setting("", _own_name, _published)
    dynamic: Flag = Flag(_published)
    reputation: Setting[Reputation] = Setting("good", _reputation)
    throttled: Flag = Flag()
    bulk: Flag = Flag()
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
        self._ip: str = ip
        self._ipv6: str | None = ipv6
        self._ip = routes.claim(ip, self)
        self._ipv6 = routes.claim(ipv6, self)
        self._helo = ptr or "localhost.localdomain"

    @property
    def listed_in(self) -> tuple[Listing, ...]:
        """The DNS lists that have its addresses; servers and the application can look them up.

        Set it to names (sbl, css, xbl, pbl, spamcop, barracuda, or their zones), `["xbl"]`, or to zones of
        any list with their codes, `{"bl.shop.example": "127.0.0.2"}`.

        Raises:
            InvalidSetting: when set to an unknown list, or to an invalid zone or code.
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
        """Publish records by which this sender may send for a domain. From then on, providers check them.

        Args:
            domain: the domain, such as "shop.example".
            spf: True for a record with the sender's addresses and -all; a text for another record; False for
                none.
            dkim: whether to make a key, and publish its public half.
            dmarc: "none", "quarantine", "reject", a whole record "v=DMARC1; ...", or None for no record.
            selector: the name of the key in DNS.

        Returns:
            The key: `key.private_key` for an application that signs, or `key.sign(message)`. None without
            `dkim`.

        Raises:
            InvalidSetting: for an invalid policy, selector, `spf` or `dkim`.
            ZoneError: if the domain cannot be one.
            MissingExtra: if `dkim` is True and cryptography is not installed.
        """
        return self._publish(domain, ips=self.addresses, spf=spf, dkim=dkim, dmarc=dmarc, selector=selector)

    @property
    def name(self) -> str:
        """The reverse name, or the IPv4 address without one."""
        return self.ptr or self._ip

    @property
    def ip(self) -> str:
        """The IPv4 address that servers see.

        Raises:
            InvalidAddress, AddressInUse: when set to anything but an IPv4 address, or to one in use.
        """
        return self._ip

    @ip.setter
    def ip(self, ip: str) -> None:
        self._ip = self._moved(self._ip, ip, version=4)
        _published(self)

    @property
    def ipv6(self) -> str | None:
        """The IPv6 address that servers see when they are reached over IPv6; None for a machine without IPv6.

        Without it connections to IPv6 addresses fail with ENETUNREACH, and `getaddrinfo` finds addresses of
        IPv4 first (RFC 6724, 6, rule 1), with AI_ADDRCONFIG no others.

        Raises:
            InvalidAddress, AddressInUse: when set to anything but an IPv6 address, or to one in use.
        """
        return self._ipv6

    @ipv6.setter
    def ipv6(self, ip: str | None) -> None:
        if ip is not None:
            self._ipv6 = self._moved(self._ipv6, ip, version=6)
        elif self._ipv6 is not None:
            self._routes.release(self._ipv6)
            self._ipv6 = None
        _published(self)

    @property
    def addresses(self) -> tuple[str, ...]:
        """Its addresses, IPv4 before IPv6."""
        return (self._ip,) if self._ipv6 is None else (self._ip, self._ipv6)

    def _moved(self, old: str | None, new: str, *, version: int) -> str:
        new = checked_ip(new)
        if (":" in new) != (version == 6):
            other = "ipv6" if version == 4 else "ip"
            raise InvalidAddress(f"{new!r} is no IPv{version} address; set sender.{other} to it")
        claimed = self._routes.claim(new, self)
        if old is not None and claimed != old:
            self._routes.release(old)
        return claimed

    def __repr__(self) -> str:
        return f"<Sender {self._ip} ({self.ptr or 'no PTR'})>"
