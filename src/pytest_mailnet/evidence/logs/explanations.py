"""The reason of a failure and the remote server, in the forms in which programs log them."""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple

from pytest_mailnet.evidence.permanence import Reason, in_words
from pytest_mailnet.evidence.replies import reply_lines
from pytest_mailnet.values import Stage

__all__ = ["Peer", "Why", "peer_of", "reason_of", "trouble_of"]

_LONGEST = 4000  # characters that are kept of a reason; RFC 5321, 4.5.3.1.5 has 512 for a reply's line
_BEGINS_WITH_CODE = re.compile(r"[2-5][0-9]{2}(?:[ \-:]|$)")


class Peer(NamedTuple):
    """A remote server.

    Attributes:
        host: its name; None if unknown.
        address: its IP address; None if unknown.
    """

    host: str | None = None
    address: str | None = None


class Why(NamedTuple):
    """Why an attempt failed.

    Attributes:
        peer: the server that it failed at.
        reason: the reason.
        rule: the rule by which the stage was inferred; None if the log states it.
        recipient: the recipient, if it is another than the one in its place; None if not.
    """

    peer: Peer
    reason: Reason
    rule: str | None = None
    recipient: str | None = None


def reason_of(text: str, stage: Stage | None = None) -> Reason:
    """Read a logged reason: as a reply if it begins with a code, or else as `trouble_of` does.

    Args:
        text: "550 5.1.1 No such user", "Connection timed out".
        stage: the stage of the session; None if the log does not say.
    """
    text = text[:_LONGEST].strip()
    if _BEGINS_WITH_CODE.match(text) and (reply := reply_lines(text)):
        return Reason(reply, stage=stage)
    return trouble_of(text, stage)


def trouble_of(text: str, stage: Stage | None = None) -> Reason:
    """Read a reason that is no server's reply, even if it begins with a code: a network error or only words.

    Args:
        text: "Connection timed out", or text of an administrator.
        stage: the stage of the session; None if the log does not say.
    """
    return in_words(text[:_LONGEST].strip(), stage)


def peer_of(name: str | None, address: str | None = None) -> Peer:
    """The server that a log names; placeholders and other text become None.

    Args:
        name: "mx.shop.example.", "[192.0.2.8]", "192.0.2.8", "unknown", "-", "none"; None for none.
        address: "192.0.2.8", "IPv6:2001:db8::8", "private/lmtp"; None for none.
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
