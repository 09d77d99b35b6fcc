"""Sendmail's log.

Sources: section "Log files" of the Sendmail Installation and Operation Guide, and the messages of its
deliver.c and srvrsmtp.c.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from pytest_mailnet.evidence.logs.explanations import Why, peer_of, reason_of
from pytest_mailnet.evidence.logs.log_reader import Program
from pytest_mailnet.evidence.permanence import Reason
from pytest_mailnet.evidence.replies import code_of, enhanced_of
from pytest_mailnet.values import Stage

__all__ = ["SENDMAIL"]

_OWN_REPLY = re.compile(r", reply=(?=[2-5][0-9]{2}[ \-])")
_DELIVERED = r"(?i:sent\b|queued\b|aliased to|forwarded to|deliverable|locked)"
_PATH = r"<?(?P<path>.*?)>?"
_FIELDS = "(?P<fields>(?:, (?:ctladdr|delay|xdelay|mailer)=.*?)?)"
_MILTER = r"Milter(?: \([^)]*\))?: "
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


SENDMAIL = Program(
    read_as="a Sendmail log",
    called=r"sendmail|sm-\w+(?:-\w+)?",
    shape=r"\w{8,20}: (?:to=[^=]*, (?:ctladdr|delay|xdelay)=|from=.*, size=\d+, class=)",
    begins=r"(?:(?P<id>\w{8,20}): )?",
    lines=(
        ("delivered", "to=", rf"to=.*?, stat={_DELIVERED}"),
        (
            "tried",
            "to=",
            rf"to=(?P<recipients>.*?){_FIELDS}, stat=(?P<reason>(?P<result>Deferred|).*)",
        ),
        ("learns", "from=", r"from=<?(?P<sender>.*?)>?(?:, |$)(?:.*?, msgid=(?P<message_id><[^>]*>))?"),
        ("rejected", "ruleset=", rf"ruleset=(?P<command>\w+), arg1={_PATH}, .*?reject=(?P<reason>.*)"),
        ("rejected", "Milter", rf"{_MILTER}(?:(?P<command>\w+)(?:={_PATH})?, )?reject=(?P<reason>.*)"),
        ("replied", "reply: ", r"(?:.{0,40}\b)?reply: (?P<reason>[2-5][0-9]{2}[ \-].*)"),
    ),
    fields=(
        r", relay=(?:(?P<host>[^\s,]+) ?)?(?:\[(?P<address>[^\]\s]*)\])?",
        r", dsn=(?P<status>[245]\.\d{1,3}\.\d{1,3})",
    ),
    why=_why,
    stages=_STAGES,
)
"""What Sendmail writes."""
