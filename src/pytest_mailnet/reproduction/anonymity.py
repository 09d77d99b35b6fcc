"""Failures without what tells of people: addresses, hosts and ids are replaced, the same by the same."""

from __future__ import annotations

import dataclasses
import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator

from pytest_mailnet.evidence import Failure

__all__ = ["Anonymity"]

_ADDRESS = re.compile(r"(?P<local>[\w.!#$%&'*+/=?^`{|}~-]{1,64})@(?P<domain>(?:[\w-]{1,63}\.)+[\w-]{2,63})")
_HOST = re.compile(r"(?<![\w@./:-])(?:[A-Za-z0-9_-]{1,63}\.){1,10}[A-Za-z]{2,63}(?![\w@-])")
_IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.]*\w)")
_IPV6 = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![\w:.])")
# What looks drawn by lot: ten characters or more with digits and letters amid each other.
_ID = re.compile(
    r"(?<![\w.@/-])(?=[\w.-]{0,80}\d[\w.-]{0,80}\d[\w.-]{0,80}\d)(?=[\w.-]{0,200}[A-Za-z])"
    r"[A-Za-z0-9][\w.-]{8,200}[A-Za-z0-9](?![\w@])"
)
_IPV4_NETWORKS = ("192.0.2", "198.51.100", "203.0.113")  # RFC 5737
_DIGITS = re.compile(r"\d")
_LETTERS = re.compile(r"[a-zA-Z]")


class Anonymity:
    """Replaces, and remembers by what, for as long as it lives.

    Names that the catalogue knows stay: they are of providers, and a failure would not be theirs without.

    Args:
        public: whether a domain or host is a provider's.
    """

    def __init__(self, public: Callable[[str], bool]) -> None:
        self._public = public
        self._users: dict[str, str] = {}
        self._domains: dict[str, str] = {}
        self._hosts: dict[str, str] = {}
        self._addresses: dict[str, str] = {}
        self._ids: dict[str, str] = {}

    def without_names(self, failures: Iterable[Failure]) -> Iterator[Failure]:
        """The same failures, of nobody. Words where there is no reply go altogether: they may name people."""
        for failure in failures:
            yield dataclasses.replace(
                failure,
                recipient=failure.recipient and self._text(failure.recipient),
                sender=failure.sender and self._text(failure.sender),
                host=failure.host and self._host(failure.host),
                address=failure.address and self._ip(failure.address),
                reply=tuple(map(self._text, failure.reply)),
                words="",
                file=self._text(failure.file),
            )

    def _text(self, text: str) -> str:
        text = _ADDRESS.sub(
            lambda found: f"{self._user(found['local'])}@{self._domain(found['domain'])}", text
        )
        text = _IPV6.sub(lambda found: self._ip(found[0]), text)
        text = _IPV4.sub(lambda found: self._ip(found[0]), text)
        text = _HOST.sub(lambda found: self._host(found[0]), text)
        return _ID.sub(lambda found: self._id(found[0]), text)

    def _user(self, local: str) -> str:
        return self._users.setdefault(local.lower(), f"user{len(self._users) + 1}")

    def _domain(self, domain: str) -> str:
        domain = domain.lower()
        if self._public(domain):
            return domain
        return self._domains.setdefault(domain, f"domain{len(self._domains) + 1}.example")

    def _host(self, host: str) -> str:
        host = host.lower()
        domain = ".".join(host.split(".")[-2:])
        if self._public(host) or host in self._domains:
            return self._domain(host)
        below = next((it for it in self._domains if host.endswith(f".{it}")), domain)
        if self._public(below):
            return host
        return self._hosts.setdefault(host, f"host{len(self._hosts) + 1}.{self._domain(below)}")

    def _ip(self, text: str) -> str:
        try:
            ip = ipaddress.ip_address(text)
        except ValueError:
            return text
        number = len(self._addresses)
        network = _IPV4_NETWORKS[number // 254 % len(_IPV4_NETWORKS)]
        made = f"{network}.{number % 254 + 1}" if ip.version == 4 else f"2001:db8::{number + 1:x}"
        return self._addresses.setdefault(str(ip), made)

    def _id(self, text: str) -> str:
        """One of the same form, and a number behind it by which it differs from others of that form."""
        form = _LETTERS.sub("x", _DIGITS.sub("0", text))
        number = str(len(self._ids) + 1)
        return self._ids.setdefault(text, form[: -len(number)] + number)
