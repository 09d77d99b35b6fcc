"""SPF (RFC 7208): whether an address may send for the domain of a reverse-path."""

from __future__ import annotations

import contextlib
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_mailnet.dns.records import plain_name, presented
from pytest_mailnet.domain_names import a_labels
from pytest_mailnet.errors import MissingExtra
from pytest_mailnet.smtp.headers import domain_of

if TYPE_CHECKING:
    from pytest_mailnet.dns.resolver import Resolver

__all__ = ["SpfResult", "check_spf"]

_MOST_VOID = 2  # RFC 7208, 4.6.4


@dataclass(frozen=True, slots=True)
class SpfResult:
    """What SPF says of a mail.

    Attributes:
        result: "pass", "fail", "softfail", "neutral", "none", "temperror" or "permerror" (RFC 7208, 2.6).
        domain: whose record was asked: that of the reverse-path, of EHLO for the null sender (2.4).
        why: pyspf's words.
    """

    result: str
    domain: str
    why: str


def check_spf(dns: Resolver, ip: str, reverse_path: str, helo: str) -> SpfResult:
    """Ask the net's DNS whether an address may send so.

    Args:
        dns: the net's.
        ip: the client's.
        reverse_path: of MAIL; "" for the null sender.
        helo: the client's name for itself.

    Raises:
        MissingExtra: if pyspf is not installed.
    """
    query = _query_class()(dns, i=ip, s=reverse_path or f"postmaster@{helo}", h=helo)
    result, _, why = query.check()
    return SpfResult(result, domain_of(reverse_path) or helo.lower().rstrip("."), why)


@functools.cache
def _query_class() -> Any:
    try:
        import spf  # noqa: PLC0415  # an extra
    except ImportError as error:
        raise MissingExtra("SPF", "pyspf", "auth") from error

    class Query(spf.query):  # type: ignore[misc]  # it ships no types
        """Asks a net's DNS where its base asks that of the machine."""

        def __init__(self, dns: Resolver, *, i: str, s: str, h: str) -> None:
            super().__init__(i=i, s=s, h=h)
            self._net_dns = dns

        def dns(
            self,
            name: str,
            qtype: str,
            cnames: Any = None,  # noqa: ARG002  # what the base passes to itself
            ignore_void: bool = False,  # noqa: FBT001, FBT002
        ) -> list[Any]:
            answer = self._net_dns.lookup(_written(name), qtype)
            if answer.failed:
                raise spf.TempError(f"DNS {answer.rcode} for {name} {qtype}")
            values = [_value(qtype, value) for value in answer.values(qtype)]
            if not values and not ignore_void:
                self.void_lookups += 1
                if self.void_lookups > _MOST_VOID:
                    raise spf.PermError(f"Void lookup limit of {_MOST_VOID} exceeded")
            return values

        def validated_ptrs(self) -> list[Any]:
            """The names of the client that lead back to it; those that DNS fails for are none (5.5)."""
            with contextlib.suppress(spf.TempError):
                names = self.dns_ptr(self.i)[: spf.MAX_PTR]
                return [name for name in names if self._leads_back(name)]
            return []

        def _leads_back(self, name: str) -> bool:
            with contextlib.suppress(spf.TempError):
                return bool(self.cidrmatch(self.dns_a(name, self.A), self.cidrmax))
            return False

    return Query


def _written(name: str) -> str:
    """A name that macros have made, as the net's DNS takes it: what is special in master files is escaped."""
    return presented(label.encode("utf-8", "replace") for label in a_labels(str(name)).rstrip(".").split("."))


def _value(rdtype: str, value: str) -> Any:
    """A record's value in the form that pyspf has from its resolver."""
    match rdtype:
        case "TXT" | "SPF":
            return (value.encode("latin-1", "replace"),)
        case "MX":
            preference, host = value.split()
            return int(preference), plain_name(host)
        case "PTR":
            return plain_name(value)
        case _:
            return value
