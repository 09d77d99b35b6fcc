"""Why a mail failed and who said so, in the shapes that programs write them in."""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple

from pytest_mailnet.evidence.permanence import Reason, in_words
from pytest_mailnet.evidence.replies import reply_lines
from pytest_mailnet.values import Stage

__all__ = ["Peer", "peer_of", "reason_of", "trouble_of"]

_LONGEST = 4000  # characters that are kept of a reason; RFC 5321, 4.5.3.1.5 has 512 for a reply's line
_BEGINS_WITH_CODE = re.compile(r"[2-5][0-9]{2}(?:[ \-:]|$)")


class Peer(NamedTuple):
    """A server: what is known of its name and of its address."""

    host: str | None = None
    address: str | None = None


def reason_of(text: str, stage: Stage | None = None) -> Reason:
    """What a reason says: a reply if it begins with one, otherwise what went wrong below SMTP, or only words.

    Args:
        text: "550 5.1.1 No such user", "Connection timed out".
        stage: where, if the log tells it.
    """
    text = text[:_LONGEST].strip()
    if _BEGINS_WITH_CODE.match(text) and (reply := reply_lines(text)):
        return Reason(reply, stage=stage)
    return trouble_of(text, stage)


def trouble_of(text: str, stage: Stage | None = None) -> Reason:
    """The same of what no server has said: an administrator's words may begin with a code, too."""
    return in_words(text[:_LONGEST].strip(), stage)


def peer_of(name: str | None, address: str | None = None) -> Peer:
    """A server by the name and the address that a log has for it; either may be neither.

    Args:
        name: "mx.shop.example.", "[192.0.2.8]", "192.0.2.8", "unknown", "-", "none".
        address: "192.0.2.8", "IPv6:2001:db8::8", "private/lmtp".
    """
    ip = _ip(address)
    if name is None or name in ("none", "unknown", "-", "?", ""):
        return Peer(None, ip)
    if (of_name := _ip(name)) is not None:
        return Peer(None, ip or of_name)
    return Peer(name.rstrip(".") or None, ip)


def _ip(text: str | None) -> str | None:
    if text is None:
        return None
    text = text.strip("[]").removeprefix("IPv6:")
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return None
    return text
