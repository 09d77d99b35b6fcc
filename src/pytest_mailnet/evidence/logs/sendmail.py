"""Reads Sendmail's log.

Sources: section "Log files" of the Sendmail Installation and Operation Guide, and the messages of its
deliver.c and srvrsmtp.c.
"""

from __future__ import annotations

import re

from pytest_mailnet.evidence.failure import Failure
from pytest_mailnet.evidence.logs.explanations import Peer, peer_of, reason_of
from pytest_mailnet.evidence.logs.lines import LogEntry
from pytest_mailnet.evidence.logs.queued import ROOM, Found, LogQueue
from pytest_mailnet.evidence.permanence import Reason
from pytest_mailnet.evidence.replies import code_of, enhanced_of
from pytest_mailnet.values import Stage

__all__ = ["Sendmail"]

_NOTHING: tuple[Found, ...] = ()

_QUEUE_ID = re.compile(r"(\w{8,20}): ")
_REPLY = re.compile(r"(?:.{0,40}\b)?reply: (?=[2-5][0-9]{2}[ \-])")
_MESSAGE_ID = re.compile(r", msgid=(<[^>]*>)")
_RELAY = re.compile(r", relay=(?:([^\s,]+) ?)?(?:\[([^\]\s]*)\])?")
_DSN = re.compile(r", dsn=([245]\.\d{1,3}\.\d{1,3})")
_OWN_REPLY = re.compile(r", reply=(?=[2-5][0-9]{2}[ \-])")
_REST_OF_RECIPIENTS = re.compile(r", (?:ctladdr|delay|xdelay|mailer|stat)=")
_NO_FAILURE = re.compile(r"sent\b|queued\b|aliased to|forwarded to|deliverable|locked", re.IGNORECASE)
_RULESET = re.compile(r"ruleset=(?P<ruleset>\w+), arg1=(?P<argument>.*?), ")
_MILTER = re.compile(
    r"Milter(?: \([^)]*\))?: (?:(?P<what>to|from)=(?P<address>[^,]*), |(?P<when>\w+), )?reject="
)
_OF_RULESET = {
    "check_relay": Stage.CONNECT,
    "check_mail": Stage.MAIL,
    "check_rcpt": Stage.RCPT,
    "check_data": Stage.DATA,
    "check_eom": Stage.MESSAGE,
}
_OF_MILTER = {
    "connect": Stage.CONNECT,
    "helo": Stage.EHLO,
    "from": Stage.MAIL,
    "to": Stage.RCPT,
    "data": Stage.MESSAGE,
}


class Sendmail:
    """Reads Sendmail's log entries, one by one.

    Args:
        queue: what earlier entries said about the mails; None for an empty one.
        room: for how many mails a reply is remembered until the entry with its outcome.
    """

    def __init__(self, queue: LogQueue | None = None, room: int = ROOM // 100) -> None:
        self._queue = LogQueue() if queue is None else queue
        self._room = room
        self._replies: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._replies)

    def read(self, entry: LogEntry) -> tuple[Found, ...]:
        """Read the next entry and return its new failures."""
        found = _QUEUE_ID.match(entry.message)
        queue_id = found[1] if found else ""
        rest = entry.message[found.end() :] if found else entry.message
        if rest.startswith("to="):
            return self._was_tried(queue_id, rest)
        if rest.startswith("from="):
            sender = rest[len("from=") :].partition(", ")[0].removeprefix("<").removesuffix(">")
            message_id = _MESSAGE_ID.search(rest)
            if found:
                self._queue.learn(queue_id, sender=sender, message_id=message_id[1] if message_id else None)
        elif "reject=" in rest:
            return self._was_rejected(queue_id, rest, entry.host)
        elif found and (reply := _REPLY.match(rest)):
            if len(self._replies) >= self._room:
                self._replies.clear()  # the entries with their outcomes should have come next
            self._replies[queue_id] = rest[reply.end() :]
        return _NOTHING

    def _was_tried(self, queue_id: str, rest: str) -> tuple[Found, ...]:
        fields, separator, outcome = rest.partition(", stat=")
        said = self._replies.pop(queue_id, None)
        if not separator or _NO_FAILURE.match(outcome):
            return _NOTHING
        end = _REST_OF_RECIPIENTS.search(rest)
        recipients = rest[len("to=") : end.start()] if end else ""
        dsn = _DSN.search(fields)
        relay = _RELAY.search(fields)
        peer = peer_of(relay[1], relay[2]) if relay else Peer()
        everyone = recipients.split(",")
        if len(everyone) > 1:
            said = None  # the reply was to one of them only
        why = _reason(fields, outcome, said, dsn[1] if dsn else None)
        found: tuple[Found, ...] = ()
        for recipient in everyone:
            failure = Failure(
                recipient=recipient.strip().removeprefix("<").removesuffix(">"),
                sender=self._queue.mail(queue_id).sender,
                host=peer.host,
                address=peer.address,
                status=dsn[1] if dsn else None,
                action="delayed" if outcome.startswith("Deferred") else "failed",
                **why._asdict(),
            )
            if failure.recipient:
                found += self._queue.found(queue_id, failure)
        return found

    def _was_rejected(self, queue_id: str, rest: str, host: str | None) -> tuple[Found, ...]:
        """Read that this Sendmail refused a mail; the refusing server is the host that wrote the log."""
        reason = rest.partition("reject=")[2]
        if found := _RULESET.match(rest):
            stage = _OF_RULESET.get(found["ruleset"])
            address = found["argument"].removeprefix("<").removesuffix(">")
        elif found := _MILTER.match(rest):
            stage, address = _OF_MILTER.get(found["what"] or found["when"] or ""), found["address"] or ""
            address = address.removeprefix("<").removesuffix(">")
        else:
            return _NOTHING
        why = reason_of(reason, stage)
        failure = Failure(
            recipient=address if stage is Stage.RCPT else None,
            sender=address if stage is Stage.MAIL else self._queue.mail(queue_id).sender,
            host=host,
            stage=stage,
            reply=why.reply,
            words=why.words,
        )
        return self._queue.found(queue_id, failure)


def _reason(fields: str, outcome: str, said: str | None, status: str | None) -> Reason:
    """The reason of a failure: a reply in this entry, or the one in the entry before, or words."""
    if own := _OWN_REPLY.search(fields):
        return reason_of(fields[own.end() :])
    why = reason_of(outcome.removeprefix("Deferred").removeprefix(": "))
    if why.reply:
        return why
    if said is not None and _is_of(before := reason_of(said), status):
        return before
    return why._replace(words=why.words or outcome)


def _is_of(before: Reason, status: str | None) -> bool:
    """Whether a status can have been taken from the reply in the entry before."""
    if not before.reply or status is None:
        return False
    of_reply = enhanced_of(before.reply)
    return of_reply == status if of_reply is not None else str(code_of(before.reply[0]))[0] == status[0]
