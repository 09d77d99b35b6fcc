"""Postfix's log.

Sources: bounce(5), smtp(8), smtpd(8) and cleanup(8) of Postfix, and the messages in its smtp_proto.c,
smtp_connect.c and smtpd_check.c.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from pytest_mailnet.evidence.logs.explanations import Peer, Why, peer_of, reason_of, trouble_of
from pytest_mailnet.evidence.logs.log_reader import Program
from pytest_mailnet.evidence.stages import named_stage
from pytest_mailnet.values import Stage

__all__ = ["POSTFIX"]

_TO = r"to=<(?P<recipient>[^>]*+(?:>(?!, )[^>]*+)*+)>, "
_DELIVERED = r"(?:(?!status)\w++=[^,]*+, )*+status="
_UNDELIVERED = r"status=(?!(?:sent|deliverable) \()(?P<result>.*?)"
_PEER_SAID = (
    r"(?i:host|server) (?P<host>[^\s\[]+)\[(?P<address>[^\]\s]*)\]"
    r" (?P<said>(?i:said|refused to talk to me|refused to start TLS)): "
)
_SAID = re.compile(_PEER_SAID)
_PEER = re.compile(r"(?:connect to|connection with|conversation with|host|server) ([^\s\[]+)\[([^\]\s]*)\]")
_IN_REPLY_TO = " (in reply to "
_LOOK_UP = re.compile(r"name service error for name=\S+ type=\w+: ", re.IGNORECASE)
_TLS = re.compile(r"\bTLS\b|certificate", re.IGNORECASE)
_REJECT = r"(?:milter-|proxy-)?reject: "
_COMMAND = r"(?P<command>[A-Z\-]+) from [^\s:\[]*\[[^\]\s]*\](?::\d+)?: "
_CONTENT = r"(?P<command>header|body|content|mime) "
_AT_ENVELOPE = "; (?=from=<|proto=)"
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


POSTFIX = Program(
    read_as="a Postfix log",
    called=r"postfix.*|.*/(?:bounce|cleanup|discard|error|lmtp|local|n?qmgr|oqmgr|pickup|pipe|postscreen|relay|retry"
    r"|smtpd?|submissions?|smtps|tlsproxy|trivial-rewrite|verify|virtual)",
    shape=r"\w{5,20}: (?:to=<[^>]*>, (?:orig_to=<[^>]*>, )?relay=|from=<[^>]*>, size=\d+, nrcpt="
    r"|(?:removed|message-id=<.*>)$)",
    # Ids are hexadecimal digits, or with enable_long_queue_ids time and inode in base 52.
    begins=r"(?:NOQUEUE|(?P<id>[^\W_]{5,20})): ",
    lines=(
        ("delivered", " status=sent (", rf"{_TO}{_DELIVERED}sent \("),
        ("delivered", " status=deliverable (", rf"{_TO}{_DELIVERED}deliverable \("),
        (
            "tried",
            ": to=<",
            rf"{_TO}(?:orig_to=<(?P<original>[^>]*)>)?(?P<fields>.*?){_UNDELIVERED} \((?P<reason>.*)",
        ),
        ("gave up", ">, status=", r"from=<(?P<sender>.*?)>, (?P<result>status)=(?P<reason>.*)"),
        ("learns", ": from=<", r"from=<(?P<sender>.*?)>(?:, |$)"),
        ("forgets", ": removed", r"removed$"),
        ("learns", "message-id=<", r"message-id=(?P<message_id><.*)"),
        ("replied", "[", rf"(?P<reason>{_PEER_SAID}.*)"),
        ("rejected", "reject: ", rf"{_REJECT}{_COMMAND}(?>(?P<reason>.*){_AT_ENVELOPE}){_ENVELOPE}"),
        ("rejected", "reject: ", rf"{_REJECT}{_CONTENT}(?>.*{_AT_ENVELOPE}){_ENVELOPE}.*>: (?P<reason>.*)"),
    ),
    fields=(
        r"relay=(?P<host>[^\s,\[]+)\[(?P<address>[^\]\s]*)\]",
        r"dsn=(?P<status>[245]\.\d{1,3}\.\d{1,3})",
    ),
    why=_why,
    stages=dict.fromkeys(("header", "body", "content", "mime"), Stage.MESSAGE),
    alone=True,
)
"""What Postfix's daemons write."""
