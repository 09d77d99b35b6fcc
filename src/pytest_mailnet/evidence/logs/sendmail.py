"""Sendmail's log.

Sources: section "Log files" of the Sendmail Installation and Operation Guide, and the messages of its
deliver.c and srvrsmtp.c.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from pytest_mailnet.evidence.logs.explanations import Why, peer_of, reason_of
from pytest_mailnet.evidence.logs.log_reader import LogLine, Program
from pytest_mailnet.evidence.permanence import Reason
from pytest_mailnet.evidence.replies import code_of, enhanced_of
from pytest_mailnet.values import Stage

__all__ = ["SENDMAIL"]

_ID = r"(?:(?P<id>\w{8,20}): )"
_OWN_REPLY = re.compile(r", reply=(?=[2-5][0-9]{2}[ \-])")
_DELIVERED = r"(?i:sent\b|queued\b|aliased to|forwarded to|deliverable|locked)"
_STAGES = {
    "check_relay": Stage.CONNECT,
    "check_mail": Stage.MAIL,
    "check_rcpt": Stage.RCPT,
    "check_data": Stage.DATA,
    "check_eom": Stage.MESSAGE,
    # of milters
    "connect": Stage.CONNECT,
    "helo": Stage.EHLO,
    "from": Stage.MAIL,
    "to": Stage.RCPT,
    "data": Stage.MESSAGE,
}


def _why(told: Mapping[str, str], said: str | None) -> Why:
    """The reason of a failure: a reply in this entry, or the one in the entry before, or words."""
    peer = peer_of(told.get("host"), told.get("address"))
    if own := _OWN_REPLY.search(told["fields"]):
        return Why(peer, reason_of(told["fields"][own.end() :]))
    outcome = told["reason"]
    why = reason_of(outcome.removeprefix("Deferred").removeprefix(": "))
    if not why.reply and said is not None and _is_of(before := reason_of(said), told.get("status")):
        why = before
    return Why(peer, why if why.reply else why._replace(words=why.words or outcome))


def _is_of(before: Reason, status: str | None) -> bool:
    """Whether a status can have been taken from the reply in the entry before."""
    if not before.reply or status is None:
        return False
    of_reply = enhanced_of(before.reply)
    return of_reply == status if of_reply is not None else str(code_of(before.reply[0]))[0] == status[0]


def _line(rest: str) -> re.Pattern[str]:
    return re.compile(_ID + rest, re.DOTALL)


SENDMAIL = Program(
    read_as="a Sendmail log",
    lines=(
        LogLine("delivered", "to=", _line(rf"to=.*?, stat={_DELIVERED}")),
        LogLine(
            "tried",
            "to=",
            _line(
                r"to=(?P<recipients>.*?)(?P<fields>(?:, (?:ctladdr|delay|xdelay|mailer)=.*?)?)"
                r", stat=(?P<reason>(?P<result>Deferred|).*)"
            ),
        ),
        LogLine(
            "learns",
            "from=",
            _line(r"from=<?(?P<sender>.*?)>?(?:, |$)(?:.*?, msgid=(?P<message_id><[^>]*>))?"),
        ),
        LogLine(
            "rejected",
            "ruleset=",
            re.compile(
                rf"{_ID}?ruleset=(?P<command>\w+), arg1=<?(?P<path>.*?)>?, .*?reject=(?P<reason>.*)",
                re.DOTALL,
            ),
        ),
        LogLine(
            "rejected",
            "Milter",
            re.compile(
                rf"{_ID}?Milter(?: \([^)]*\))?: (?:(?P<command>\w+)(?:=<?(?P<path>[^,]*?)>?)?, )?"
                r"reject=(?P<reason>.*)",
                re.DOTALL,
            ),
        ),
        LogLine("replied", "reply: ", _line(r"(?:.{0,40}\b)?reply: (?P<reason>[2-5][0-9]{2}[ \-].*)")),
    ),
    fields=(
        re.compile(r", relay=(?:(?P<host>[^\s,]+) ?)?(?:\[(?P<address>[^\]\s]*)\])?"),
        re.compile(r", dsn=(?P<status>[245]\.\d{1,3}\.\d{1,3})"),
    ),
    why=_why,
    stages=_STAGES,
)
"""What Sendmail writes."""
