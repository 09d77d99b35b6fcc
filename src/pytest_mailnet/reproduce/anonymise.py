"""Anonymises failures: replaces addresses, hosts and ids, the same ones always by the same."""

from __future__ import annotations

import dataclasses
import functools
import ipaddress
import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from pytest_mailnet.dns.blocklists import zones
from pytest_mailnet.evidence import Failure, NoFailure
from pytest_mailnet.providers import Catalogue
from pytest_mailnet.providers.zones import customer_zones, exchanges_in

__all__ = ["Anonymity"]

_STATUS = r"[245]\.\d{1,3}\.\d{1,3}(?![\d.])"
# The beginning of a reply's line: the code, and the enhanced one.
_HEAD = re.compile(rf"(?:[2-5]\d\d(?!\d)(?:[ \-]|:(?!:))*(?:[\[(#]*{_STATUS}[\]) \-]*)?)?")
# Codes further on: of a reply within the reply, or in qmail's form, "(#5.1.1)".
_CODES = re.compile(rf"((?<![\w.@/-])(?:[2-5]\d\d-(?:{_STATUS}|(?=[A-Za-z<]))|#?{_STATUS}))")

_OF_LOCAL = r"[\w.!#$%&'*+/=?^`{|}~-]"
_LABELS = r"(?:[\w-]{1,63}\.){1,10}"
_NAMES = re.compile(
    rf"""
    (?P<address>(?:{_OF_LOCAL}{{1,254}}+ | "[^"\n]{{1,64}}")
        @(?:\[[^\]\s]{{1,60}}\] | (?:[\w-]{{1,63}}\.){{0,10}}[\w-]{{1,63}}))
    | (?P<ipv6>(?<![\w:.])(?:[0-9A-Fa-f]{{0,4}}:){{2,7}}
        (?:(?:\d{{1,3}}\.){{3}}\d{{1,3}} | [0-9A-Fa-f]{{0,4}})(?![\w:.]))
    | (?P<ipv4>(?<![\w.])(?:\d{{1,3}}\.){{3}}\d{{1,3}}(?![\w.]*\w))
    | (?P<host>(?:(?<=://)|(?<![\w@./-])){_LABELS}(?:xn--[\w-]{{1,59}}|[^\W\d_]{{2,63}})(?![\w@-]))
    # Random-looking ids: ten characters or more, digits and letters. "AS16012609" is a provider's code.
    | (?P<id>(?<![\w.@/-])(?![A-Z]{{1,3}}\d{{1,20}}(?![\w.-]))
        (?=[\w.-]{{0,80}}\d[\w.-]{{0,80}}\d[\w.-]{{0,80}}\d)(?=[\w.-]{{0,200}}[A-Za-z])
        [A-Za-z0-9][\w.-]{{8,200}}[A-Za-z0-9](?![\w@]))
    """,
    re.VERBOSE,
)
# What may not follow a name: it is then a part of a longer word, or the local part of another address.
_INSIDE_ADDRESS = re.compile(r"[a-z0-9_-]|[\w.+=-]{0,64}@[\w\[]")
_BEFORE_DOMAIN = re.compile(r"[a-z0-9_-]|@[\w\[]")
_JOINING = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_.+@-")
_WORD = re.compile(r"[\w.+-]*\w")
_VARIABLE = re.compile(r"\{[a-z_]+\}")
_DASHED_IPV4 = re.compile(r"(?<!\d)\d{1,3}(?:-\d{1,3}){3}(?!\d)")
_MAIL_OF_MAILBOX = re.compile(r"(?:, mail \d+)?$")
_IPV4_NETWORKS = ("192.0.2", "198.51.100", "203.0.113")  # RFC 5737
_FURTHER_IPV4 = int(ipaddress.IPv4Address("198.18.0.0"))  # RFC 2544
_DIGITS = re.compile(r"\d")
_LETTERS = re.compile(r"[a-zA-Z]")
_CUSTOMER = "customer.example"
_STANDARD_INPUT = "standard input"
_Ip: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address


class Anonymity:
    """Replaces names in failures, and remembers the replacement of each name.

    Names of providers and blocklists, words of the catalogue's replies, and codes stay as they are; without
    them the failure could not be recognised.

    Args:
        catalogue: the catalogue of providers.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._users: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._labels: dict[str, str] = {}  # domains by their form in Microsoft's host names of customers
        self._domain_numbers, self._host_numbers = itertools.count(1), itertools.count(1)
        self._addresses: dict[str, str] = {}
        self._ids: dict[str, str] = {}
        self._files: dict[str, str] = {}

    def nameless(self, failure: Failure) -> Failure:
        """Anonymise a failure; its words are removed altogether, since they may name people."""
        recipient = failure.recipient and self._mailbox(failure.recipient)
        original = failure.original and self._mailbox(failure.original)
        sender = failure.sender and self._mailbox(failure.sender)
        host = failure.host and self._host_or_ip(failure.host)
        address = failure.address and self._host_or_ip(failure.address)
        names, users = self._told(failure)
        return dataclasses.replace(
            failure,
            recipient=recipient,
            original=original,
            sender=sender,
            host=host,
            address=address,
            reply=tuple(self._line(line, names, users) for line in failure.reply),
            words="",
            file=self._file(failure.file),
        )

    def nameless_nothing(self, nothing: NoFailure) -> NoFailure:
        """Anonymise a `NoFailure`: replace the file's name, and remove the subject."""
        return dataclasses.replace(nothing, file=self._file(nothing.file), subject="")

    def _file(self, name: str) -> str:
        """A number in place of a path, since folders, files and mailboxes are named after people."""
        mail = _MAIL_OF_MAILBOX.search(name)
        path = name[: mail.start()] if mail else name
        if path in ("", _STANDARD_INPUT):
            return name
        return f"{self._files.setdefault(path, f'evidence {len(self._files) + 1}')}{mail[0] if mail else ''}"

    def _told(self, failure: Failure) -> tuple[Mapping[str, str], Mapping[str, str]]:
        """The names and the local parts in a failure's fields, in lower case, with their replacements."""
        names: dict[str, str] = {}
        users: dict[str, str] = {}
        for address in filter(None, (failure.recipient, failure.original, failure.sender)):
            local, domain = _parted(address)
            names |= {address: self._mailbox(address), domain: self._host_or_ip(domain)}
            users[local.strip('"')] = self._user(local)
        names |= {it: self._host_or_ip(it) for it in (failure.host, failure.address) if it}
        return self._replaceable(names), self._replaceable(users)

    def _replaceable(self, told: Mapping[str, str]) -> Mapping[str, str]:
        words = _words_of(self._catalogue)
        return {
            name.lower(): made
            for name, made in told.items()
            if name and name.lower() not in words and not _CODES.match(name)
        }

    def _line(self, line: str, names: Mapping[str, str], users: Mapping[str, str]) -> str:
        head = _HEAD.match(line)
        codes = head.end() if head else 0
        text = _with(names, line[codes:], _INSIDE_ADDRESS, self._text)
        return line[:codes] + _with(users, text, _BEFORE_DOMAIN, str)

    def _text(self, text: str) -> str:
        """Replace the remaining names in a text from which those of the failure's fields are gone."""
        pieces = _CODES.split(text)
        pieces[::2] = (_NAMES.sub(self._replaced, it) for it in pieces[::2])
        return "".join(pieces)

    def _replaced(self, found: re.Match[str]) -> str:
        name = found[0]
        if name.lower() in _words_of(self._catalogue):
            return name
        match found.lastgroup:
            case "address":
                return self._mailbox(name)
            case "id":
                return self._id(name)
            case "host":
                return self._host(name.lower())
            case _:
                return name if (ip := _ip_of(name)) is None else self._ip(ip)  # a time looks like an address

    def _mailbox(self, address: str) -> str:
        local, domain = _parted(address)
        return f"{self._user(local)}@{self._domain(domain)}" if domain else self._user(local)

    def _domain(self, domain: str) -> str:
        if domain[:1] == "[":
            return self._host_or_ip(domain)
        domain = domain.lower().rstrip(".")
        if self._public(domain):
            return domain
        if domain not in self._names:
            self._names[domain] = f"domain{next(self._domain_numbers)}.example"
            self._labels[domain.replace(".", "-")] = domain
        return self._names[domain]

    def _user(self, local: str) -> str:
        return self._users.setdefault(local.strip('"').lower(), f"user{len(self._users) + 1}")

    def _host_or_ip(self, name: str) -> str:
        bare = name.strip("[]")
        ip = _ip_of(bare.removeprefix("IPv6:"))
        return self._host(bare.lower().rstrip(".")) if ip is None else name.replace(bare, self._ip(ip))

    def _host(self, host: str) -> str:
        if host in self._names or self._public(host):
            return self._names.get(host, host)
        label = next(
            (host.removesuffix(it) for it in _behind_customers(self._catalogue) if host.endswith(it)), ""
        )
        if label:  # a customer's domain, as in shop-example.mail.protection.outlook.com
            return self._domain(self._labels.get(label, label)).replace(".", "-") + host.removeprefix(label)
        labels = host.split(".")
        parents = (".".join(labels[start:]) for start in range(1, len(labels)))
        below = next((it for it in parents if it in self._names), ".".join(labels[-2:]))
        if self._catalogue.owner(below) is not None:
            return self._below_provider(host)
        domain = self._domain(below)  # this may be the host itself, if its name has one label
        if host not in self._names:
            self._names[host] = f"host{next(self._host_numbers)}.{domain}"
        return self._names[host]

    def _below_provider(self, host: str) -> str:
        """A provider's host name in which the names and addresses of others are replaced."""
        labels = host.split(".")
        parts = (".".join(labels[start:end]) for start, end in itertools.combinations(range(len(labels)), 2))
        others = next((it for it in parts if "." in it and it in self._names), "")
        if others:
            host = host.replace(others, self._names[others], 1)
        return _DASHED_IPV4.sub(self._dashed, host)

    def _dashed(self, found: re.Match[str]) -> str:
        return self._host_or_ip(found[0].replace("-", ".")).replace(".", "-")

    def _ip(self, ip: _Ip) -> str:
        number = len(self._addresses)
        if ip.version == 6:
            made = f"2001:db8::{number + 1:x}"
        elif number < len(_IPV4_NETWORKS) * 254:
            made = f"{_IPV4_NETWORKS[number // 254]}.{number % 254 + 1}"
        else:
            made = str(ipaddress.IPv4Address(_FURTHER_IPV4 + number))
        return self._addresses.setdefault(str(ip), made)

    def _id(self, text: str) -> str:
        """An id of the same form that ends with a number, to differ from others of that form."""
        form = _LETTERS.sub("x", _DIGITS.sub("0", text))
        number = str(len(self._ids) + 1)
        return self._ids.setdefault(text, form[: -len(number)] + number)

    def _public(self, name: str) -> bool:
        return self._catalogue.owner(name) is not None or name in _words_of(self._catalogue)


@functools.cache
def _words_of(catalogue: Catalogue) -> frozenset[str]:
    """The words and names in the catalogue's replies, and the blocklists; none of them names a person."""
    found = set(zones())
    for stem in catalogue.stems:
        for phrase in catalogue.load_stem(stem).phrases.values():
            text = _VARIABLE.sub(" ", "\n".join(phrase.reply.lines)).lower()
            found |= {it[0] for pattern in (_WORD, _NAMES) for it in pattern.finditer(text)}
    return frozenset(found)


@functools.cache
def _behind_customers(catalogue: Catalogue) -> tuple[str, ...]:
    """The endings of providers' host names that begin with a customer's domain."""
    label = _CUSTOMER.replace(".", "-")
    of_customers = (
        host
        for name in catalogue.names
        if (facts := catalogue.load(name)).customer
        for host in exchanges_in(customer_zones(facts, _CUSTOMER))
    )
    return tuple(it.removeprefix(label) for it in of_customers if it.startswith(f"{label}."))


def _with(
    made: Mapping[str, str], text: str, not_before: re.Pattern[str], others: Callable[[str], str]
) -> str:
    """Replace names in a text, in any case, and apply a function to the pieces between them.

    A pattern would do as well, but compiling one for each reply takes as long as everything else.

    Args:
        made: the replacements by the names in lower case.
        text: the text.
        not_before: matches what may not follow a name.
        others: applied to each piece between the names.
    """
    lower = text.lower()
    if len(lower) != len(text):  # such as a text with a Turkish İ
        lower = text
    found = sorted((start, -len(name), name) for name in made for start in _starts(name, lower))
    pieces: list[str] = []
    end = 0
    for start, length, name in found:
        apart = not (start and lower[start - 1] in _JOINING) and not not_before.match(lower, start - length)
        if start >= end and apart:
            pieces += [others(text[end:start]), made[name]]
            end = start - length
    return "".join([*pieces, others(text[end:])])


def _starts(name: str, text: str) -> Iterator[int]:
    start = text.find(name)
    while start >= 0:
        yield start
        start = text.find(name, start + 1)


def _parted(address: str) -> tuple[str, str]:
    """The local part and the domain of an address; the domain is "" if there is no "@"."""
    local, at, domain = address.rpartition("@")
    return (local, domain) if at else (address, "")


def _ip_of(text: str) -> _Ip | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
