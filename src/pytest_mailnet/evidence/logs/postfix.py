"""Postfix's log.

Sources: bounce(5), smtp(8), smtpd(8) and cleanup(8) of Postfix, and the messages in its smtp_proto.c,
smtp_connect.c and smtpd_check.c.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from pytest_mailnet.evidence.logs.explanations import Peer, Why, peer_of, reason_of, trouble_of
from pytest_mailnet.evidence.logs.log_reader import LogLine, Program
from pytest_mailnet.evidence.stages import named_stage
from pytest_mailnet.values import Stage

__all__ = ["POSTFIX"]

# Hexadecimal digits, or with enable_long_queue_ids time and inode in base 52.
_ID = r"(?:NOQUEUE|(?P<id>[^\W_]{5,20})): "
_TO = r"to=<(?P<recipient>[^>]*+(?:>(?!, )[^>]*+)*+)>, "
_DELIVERED = rf"{_TO}(?:(?!status)\w++=[^,]*+, )*+status="
_PEER_SAID = (
    r"(?:host|server) (?P<host>[^\s\[]+)\[(?P<address>[^\]\s]*)\]"
    r" (?P<said>said|refused to talk to me|refused to start TLS): "
)
_SAID = re.compile(_PEER_SAID, re.IGNORECASE)
_PEER = re.compile(r"(?:connect to|connection with|conversation with|host|server) ([^\s\[]+)\[([^\]\s]*)\]")
_IN_REPLY_TO = " (in reply to "
_LOOK_UP = re.compile(r"name service error for name=\S+ type=\w+: ", re.IGNORECASE)
_TLS = re.compile(r"\bTLS\b|certificate", re.IGNORECASE)
_ENVELOPE = r"(?:from=<(?P<sender>[^>]*)>)?,? ?(?:to=<(?P<recipient>[^>]*)>)?,? ?proto="

# Postfix's smtp_proto.c has the same words for a refused greeting and a refused HELO.
_GREETING_RULE = 'Postfix says "refused to talk to me" of a greeting, and rarely of EHLO'


def _why(told: Mapping[str, str], _: str | None) -> Why:
    """The server in a reason, the reason itself, and the rule by which its stage was inferred."""
    reason = told["reason"].removesuffix(")") if "result" in told else told["reason"]
    if said := _SAID.search(reason):
        reply, _, command = reason[said.end() :].rpartition(_IN_REPLY_TO)
        if not reply:
            reply, command = reason[said.end() :], ""
            if (torn := reply.rfind(" (")) >= 0 and _IN_REPLY_TO.startswith(reply[torn:]):
                reply = reply[:torn]
        peer = peer_of(said["host"], said["address"])
        if "talk" in said["said"] and not command:
            return Why(peer, reason_of(reply, Stage.CONNECT), _GREETING_RULE)
        in_log_in = "SASL auth" in reason[: said.start()]
        tells = "STARTTLS" if "TLS" in said["said"] else "AUTH" if in_log_in else command
        return Why(peer, reason_of(reply, named_stage(tells)))
    if look_up := _LOOK_UP.search(reason):
        # "Host or domain name not found" stands in front of every kind of failed look-up.
        return Why(Peer(), trouble_of(reason[look_up.end() :])._replace(words=reason))
    with_peer = _PEER.search(reason)
    relay = peer_of(told.get("host"), told.get("address"))
    peer = peer_of(with_peer[1], with_peer[2]) if with_peer else relay
    if "initial protocol handshake" in reason:
        return Why(peer, trouble_of(reason, Stage.CONNECT))
    why = trouble_of(reason)
    if why.fault is None and peer.address is not None and _TLS.search(reason):
        why = why._replace(stage=Stage.STARTTLS)
    return Why(peer, why)


def _line(rest: str, flags: int = 0) -> re.Pattern[str]:
    return re.compile(_ID + rest, re.DOTALL | flags)


POSTFIX = Program(
    read_as="a Postfix log",
    lines=(
        LogLine(
            "delivered",
            " status=sent (",
            _line(_DELIVERED + r"sent \("),
        ),
        LogLine(
            "delivered",
            " status=deliverable (",
            _line(_DELIVERED + r"deliverable \("),
        ),
        LogLine(
            "tried",
            ": to=<",
            _line(
                _TO + r"(?:orig_to=<(?P<original>[^>]*)>)?(?P<fields>.*?)"
                r"status=(?!(?:sent|deliverable) \()(?P<result>.*?) \((?P<reason>.*)"
            ),
        ),
        LogLine("gave up", ">, status=", _line(r"from=<(?P<sender>.*?)>, (?P<result>status)=(?P<reason>.*)")),
        LogLine("learns", ": from=<", _line(r"from=<(?P<sender>.*?)>(?:, |$)")),
        LogLine("forgets", ": removed", _line(r"removed$")),
        LogLine("learns", "message-id=<", _line(r"message-id=(?P<message_id><.*)")),
        LogLine("replied", "[", _line(rf"(?P<reason>{_PEER_SAID}.*)", re.IGNORECASE)),
        LogLine(
            "rejected",
            "reject: ",
            _line(
                r"(?:milter-|proxy-)?reject: (?P<command>[A-Z\-]+) from [^\s:\[]*\[[^\]\s]*\](?::\d+)?: "
                rf"(?>(?P<reason>.*); (?=from=<|proto=)){_ENVELOPE}"
            ),
        ),
        LogLine(
            "rejected",
            "reject: ",
            _line(
                r"(?:milter-|proxy-)?reject: (?P<command>header|body|content|mime) (?>.*; (?=from=<|proto=))"
                rf"{_ENVELOPE}.*>: (?P<reason>.*)"
            ),
        ),
    ),
    fields=(
        re.compile(r"relay=(?P<host>[^\s,\[]+)\[(?P<address>[^\]\s]*)\]"),
        re.compile(r"dsn=(?P<status>[245]\.\d{1,3}\.\d{1,3})"),
    ),
    why=_why,
    stages=dict.fromkeys(("header", "body", "content", "mime"), Stage.MESSAGE),
    alone=True,
)
"""What Postfix's daemons write."""
