"""Exim's main and reject logs, from files or syslog.

Sources: chapter "Log files" of Exim's specification, and the messages in its transports/smtp.c and deliver.c.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from pytest_mailnet.evidence.logs.explanations import Peer, Why, peer_of, reason_of, trouble_of
from pytest_mailnet.evidence.logs.log_reader import Program
from pytest_mailnet.evidence.stages import named_stage
from pytest_mailnet.values import Stage

__all__ = ["EXIM"]

_SENDER = "<?(?P<sender>[^ >]*+(?:>(?! |$)[^ >]*+)*+)>?"
_TRIED = (
    r'(?=\S)(?P<recipient>(?:"[^"]*+")?[^\s:]*+(?::(?!\s|$)[^\s:]*+)*+)'
    r"(?: \([^)]*\))?(?: <(?P<original>[^>]*)>)?"
    r'(?:(?P<fields>(?:[^":]++|:(?! )|"[^"]*+")*+): (?P<reason>.*)|(?P<no_reason>.*))'
)
_HOST = r" H=(?:(?P<host>\S+) )?(?:\(\S*\) )?\[(?P<address>[^\]\s]*)\]"
_SMTP_ERROR = re.compile(
    r"(?:SMTP|LMTP) error from (?:remote mail(?:er| server)|\S+) after (?P<command>.{1,600}?): "
    r"(?:host (?P<host>\S+) \[(?P<address>[^\]\s]*)\](?::\d+)?: )?(?=[2-5][0-9]{2}[ \-])",
    re.DOTALL,
)
_HOST_IN_REASON = re.compile(r"(?:[Rr]emote host|host) (?!H=)(\S+) \[([^\]\s]*)\]")
_AFTER = re.compile(r"(?:in response to|(?:timeout|connection closed|error) after) (.{1,200})", re.IGNORECASE)
_REJECTED = (
    r"(?=[HU]=|.{0,199} H=)(?:.*? F=<(?P<sender>[^>]*)>)?.*? (?P<reason>(?:temporarily )?rejected "
    r"(?P<command>RCPT|MAIL|EHLO or HELO|HELO|EHLO|connection|AUTH|STARTTLS|after DATA|during MIME ACL checks"
    r"|by non-SMTP ACL|by local_scan\(\)|DATA|VRFY|ETRN)\b(?: <(?P<path>[^>]*)>)?.*)"
)


def _why(told: Mapping[str, str], _: str | None) -> Why:
    # The log has a newline as two characters, a backslash and an n.
    reason, recipient = told.get("reason", "").replace("\\n", "\n"), told["recipient"]
    if "@" not in recipient or recipient.startswith(("|", "/", ":")):  # a file or pipe
        recipient = told.get("original") or recipient
    host = re.search(_HOST, reason)
    peer = peer_of(told.get("host"), told.get("address"))
    if peer == Peer() and host:
        peer = peer_of(host["host"], host["address"])
    if error := _SMTP_ERROR.search(reason):
        if error["host"]:
            peer = peer_of(error["host"], error["address"])
        why = reason_of(reason[error.end() :], named_stage(error["command"]))
        return Why(peer, why, recipient=recipient)
    if named := _HOST_IN_REASON.search(reason):
        peer = peer_of(named[1], named[2])
    after = _AFTER.search(reason)
    why = trouble_of(reason, named_stage(after[1]) if after else None)
    if why.fault is None and "TLS session" in reason:
        why = why._replace(stage=Stage.STARTTLS)
    return Why(peer, why, recipient=recipient)


_NOT_TRIED = r"(?=.*(?:retry time not reached|retry timeout exceeded|have been failing for a long time))"

EXIM = Program(
    read_as="an Exim log",
    called=r"exim\S*",
    shape=r"\w{6}-(?:\w{6}-\w\w|\w{11}-\w{4}) (?:\*\*|==|<=|Completed)",
    # Exim 4.97 introduced the longer form of ids.
    begins=r"(?:\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,9})? (?:[+\-]\d{4} )?)?(?:\[\d+\] )?"
    r"(?:(?P<id>[0-9A-Za-z]{6}-(?:[0-9A-Za-z]{6}-[0-9A-Za-z]{2}|[0-9A-Za-z]{11}-[0-9A-Za-z]{4})) )?",
    lines=(
        (
            "learns",
            " <= ",
            rf"<= {_SENDER}(?:(?: (?!T=\"|id=)[^ ]*+)*+ id=(?P<message_id>\S+))?",
        ),
        ("forgets", " Completed", "Completed(?:$| QT=)"),
        ("gave up", "retry ti", rf"(?P<result>\*\*|==) {_NOT_TRIED}{_TRIED}"),
        ("gave up", "have been", rf"(?P<result>\*\*|==) {_NOT_TRIED}{_TRIED}"),
        ("tried", " ** ", rf"(?P<result>\*\*) {_TRIED}"),
        ("tried", " == ", rf"(?P<result>==) {_TRIED}"),
        ("rejected", "rejected", _REJECTED),
    ),
    fields=(r" F=<(?P<sender>[^>]*)>", _HOST),
    why=_why,
    stages=dict.fromkeys(("after DATA", "during MIME ACL checks", "by local_scan()"), Stage.MESSAGE),
)
"""What Exim writes."""
