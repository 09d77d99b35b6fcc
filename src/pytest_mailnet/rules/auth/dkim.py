"""DKIM (RFC 6376) and ARC (RFC 8617): whether signatures verify."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_mailnet.errors import MissingExtra

if TYPE_CHECKING:
    from pytest_mailnet.clock import Clock
    from pytest_mailnet.dns.resolver import Resolver

__all__ = ["Signature", "check_arc", "check_dkim"]

_MOST = 10  # signatures of one mail that are looked at; RFC 6376, 8.4 lets a verifier stop
_EXPIRY = re.compile(rb"(?:^|;)\s*x\s*=\s*(\d+)")


@dataclass(frozen=True, slots=True)
class Signature:
    """What became of one DKIM-Signature field.

    Attributes:
        result: "pass", "fail", "neutral" for one that cannot be read, "temperror" or "permerror" for its
            key (RFC 8601, 2.7.1).
        domain: who signed, d=; "" where it cannot be read.
        selector: of the key, s=.
        why: what was wrong.
    """

    result: str
    domain: str
    selector: str
    why: str = ""


def check_dkim(dns: Resolver, clock: Clock, content: bytes) -> tuple[Signature, ...]:
    """Verify each signature of a message, in order.

    Args:
        dns: where the keys are.
        clock: signatures expire by it, x=.
        content: the message.

    Raises:
        MissingExtra: if dkimpy is not installed.
    """
    library = _library()
    message = library.DKIM(content)
    count = sum(name.lower() == b"dkim-signature" for name, _ in message.headers)
    return tuple(_signatures(library, content, dns, clock, min(count, _MOST)))


def check_arc(dns: Resolver, content: bytes) -> str:
    """Check a message's ARC chain. No rule depends on it.

    Args:
        dns: the DNS to ask for keys.
        content: the message.

    Returns:
        "pass", "fail", or "none" (RFC 8617, 5.2).

    Raises:
        MissingExtra: if dkimpy is not installed.
    """
    library = _library()
    verdict, _, _ = library.arc_verify(content, dnsfunc=_keys_in(dns))
    return {library.CV_Pass: "pass", library.CV_None: "none"}.get(verdict, "fail")


def _signatures(library: Any, content: bytes, dns: Resolver, clock: Clock, count: int) -> Iterator[Signature]:
    keys = _keys_in(dns)
    for index in range(count):
        message = library.DKIM(content)
        result, why = "fail", "the signature does not verify"
        try:
            if message.verify(index, dnsfunc=keys):
                result, why = "pass", ""
        except _NoAnswer as error:
            result, why = "temperror", str(error)
        except library.KeyFormatError as error:  # pragma: no cover  # dkimpy 1.1 says that nothing verifies
            result, why = "permerror", str(error)
        except library.ValidationError as error:
            result, why = "fail", str(error)
        except Exception as error:  # noqa: BLE001  # a signature is anybody's text, and dkimpy stumbles over some
            result, why = "neutral", str(error)
        fields = [value for name, value in message.headers if name.lower() == b"dkim-signature"]
        expiry = _EXPIRY.search(fields[index])
        if result == "pass" and expiry and int(expiry[1]) < clock.time():
            result, why = "fail", "the signature has expired"
        yield Signature(result, _text(message.domain), _text(message.selector), why)


def _keys_in(dns: Resolver) -> Callable[..., bytes | None]:
    def key(name: bytes, timeout: float = 0) -> bytes | None:  # noqa: ARG001  # dkimpy passes it
        answer = dns.lookup(name.decode("ascii", "replace").rstrip("."), "TXT")
        if answer.failed:
            raise _NoAnswer(f"DNS {answer.rcode} for {name.decode('ascii', 'replace')}")
        records = answer.values("TXT")
        return records[0].encode("latin-1", "replace") if records else None

    return key


class _NoAnswer(Exception):
    """DNS failed when it was asked for a key."""


def _text(value: bytes | str | None) -> str:
    text = value.decode("ascii", "replace") if isinstance(value, bytes) else value or ""
    return text.lower()


def _library() -> Any:
    try:
        import dkim  # noqa: PLC0415  # an extra
    except ImportError as error:
        raise MissingExtra("DKIM", "dkimpy", "auth") from error
    return dkim
