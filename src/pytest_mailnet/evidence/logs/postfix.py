"""Reads Postfix's log.

Sources: bounce(5), smtp(8), smtpd(8) and cleanup(8) of Postfix, and the messages in its smtp_proto.c,
smtp_connect.c and smtpd_check.c.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_mailnet.evidence.failure import Failure
from pytest_mailnet.evidence.logs.explanations import Peer, peer_of, reason_of, trouble_of
from pytest_mailnet.evidence.logs.lines import LogEntry
from pytest_mailnet.evidence.logs.queued import Found, LogQueue
from pytest_mailnet.evidence.permanence import Reason
from pytest_mailnet.evidence.stages import named_stage
from pytest_mailnet.values import Stage

__all__ = ["Postfix"]

_NOTHING: tuple[Found, ...] = ()
_LONGEST_ID = 20  # hexadecimal digits, or with enable_long_queue_ids time and inode in base 52
_MOST_SAID = 1000
_NO_QUEUE_ID = "NOQUEUE"

_DELIVERED = ("sent", "deliverable")
_SAID = re.compile(
    r"(?:host|server) ([^\s\[]+)\[([^\]\s]*)\] (said|refused to talk to me|refused to start TLS): ",
    re.IGNORECASE,
)
_PEER = re.compile(r"(?:connect to|connection with|conversation with|host|server) ([^\s\[]+)\[([^\]\s]*)\]")
_IN_REPLY_TO = " (in reply to "
_RELAY = re.compile(r"relay=([^\s,\[]+)(?:\[([^\]\s]*)\])?")
_ORIGINAL = re.compile(r"orig_to=<([^>@]*@[^>]*)>")
_DSN = re.compile(r"dsn=([245]\.\d{1,3}\.\d{1,3})")
_LOOK_UP = re.compile(r"name service error for name=\S+ type=\w+: ", re.IGNORECASE)
_TLS = re.compile(r"\bTLS\b|certificate", re.IGNORECASE)

_REJECT = re.compile(r"(?:milter-|proxy-)?reject: ")
_COMMAND = re.compile(r"([A-Z\-]+) from [^\s:\[]*\[[^\]\s]*\](?::\d+)?: ")
_ENVELOPE = re.compile(r"; (?:from=<(?P<sender>[^>]*)>)?,? ?(?:to=<(?P<recipient>[^>]*)>)?,? ?proto=")
_CONTENT_CHECK = re.compile(r"(?:header|body|content|mime) ", re.IGNORECASE)
_STATUS = re.compile(r"([45]\.\d{1,3}\.\d{1,3}) ")

# Postfix's smtp_proto.c has the same words for a refused greeting and a refused HELO.
_GREETING_RULE = 'Postfix says "refused to talk to me" of a greeting, and rarely of EHLO'


class Postfix:
    """Reads the log entries of Postfix's daemons, one by one.

    Args:
        queue: what earlier entries said about the mails; None for an empty one.
    """

    def __init__(self, queue: LogQueue | None = None) -> None:
        self._queue = LogQueue() if queue is None else queue
        self._said: dict[
            str, str
        ] = {}  # by queue ids: replies of servers, before an entry tells of recipients

    def read(self, entry: LogEntry) -> tuple[Found, ...]:
        """Read the next entry and return its new failures."""
        queue_id, separator, rest = entry.message.partition(": ")
        if not separator or not 5 <= len(queue_id) <= _LONGEST_ID or not queue_id.isalnum():
            return _NOTHING
        if rest.startswith("from=<"):
            return self._is_active(queue_id, rest)
        if rest.startswith("to=<"):
            return self._was_tried(queue_id, rest)
        if rest == "removed":
            self._queue.forget(queue_id)
        elif rest.startswith("message-id=<"):
            self._queue.learn(queue_id, message_id=rest[len("message-id=") :])
        elif _SAID.match(rest) and len(self._said) < _MOST_SAID:
            self._said[queue_id] = rest
        elif found := _REJECT.match(rest):
            return self._was_rejected(queue_id, rest[found.end() :], entry.host)
        return _NOTHING

    def left(self) -> Iterator[Found]:
        """The failures of mails for which no entry has told the recipients; an excerpt may end before it."""
        for queue_id, rest in self._said.items():
            peer, why, rule = _reason(rest, Peer())
            sender = self._queue.mail(queue_id).sender
            failure = Failure(
                sender=sender, host=peer.host, address=peer.address, stage_rule=rule, **why._asdict()
            )
            yield from self._queue.found(queue_id, failure)

    def _is_active(self, queue_id: str, rest: str) -> tuple[Found, ...]:
        sender, _, what = rest[len("from=<") :].partition(">, ")
        if not what.startswith("status="):
            self._queue.learn(queue_id, sender=sender)
            return _NOTHING
        if self._queue.mail(queue_id).failed:  # its recipients were logged already, with their reasons
            return _NOTHING
        words = what.removeprefix("status=")
        return self._queue.found(queue_id, Failure(sender=sender, action="failed", words=words))

    def _was_tried(self, queue_id: str, rest: str) -> tuple[Found, ...]:
        self._said.pop(queue_id, None)
        recipient, _, rest = rest[len("to=<") :].partition(">, ")
        fields, separator, outcome = rest.partition("status=")
        status, reasoned, reason = outcome.partition(" (")
        if not separator or not reasoned or status in _DELIVERED:  # a cut line may have half of "sent"
            return _NOTHING
        if self._queue.is_told(queue_id, recipient, status, reason):
            return _NOTHING
        reason = reason.removesuffix(")")
        relay = _RELAY.search(fields)
        dsn = _DSN.search(fields)
        original = _ORIGINAL.match(fields)
        peer, why, rule = _reason(reason, peer_of(relay[1], relay[2]) if relay and relay[2] else Peer())
        failure = Failure(
            recipient=recipient,
            original=original[1] if original else None,
            sender=self._queue.mail(queue_id).sender,
            host=peer.host,
            address=peer.address,
            stage_rule=rule,
            status=dsn[1] if dsn else None,
            action="delayed" if status.lower() in ("deferred", "softbounce") else "failed",
            **why._asdict(),
        )
        return self._queue.found(queue_id, failure)

    def _was_rejected(self, queue_id: str, rest: str, host: str | None) -> tuple[Found, ...]:
        """Read that this Postfix refused a mail; the refusing server is the host that wrote the log.

        The log has neither that host's address nor what became of the mail: the client may try again, or
        elsewhere.
        """
        at = max(rest.rfind("; from=<"), rest.rfind("; proto="))
        envelope = _ENVELOPE.match(rest, at) if at >= 0 else None
        if envelope is None:
            return _NOTHING
        if command := _COMMAND.match(rest):
            stage, reason = named_stage(_as_known(command[1])), rest[command.end() : at]
        elif _CONTENT_CHECK.match(rest):
            _, _, reason = rest[at:].rpartition(">: ")
            stage = Stage.MESSAGE
        else:
            return _NOTHING
        why = reason_of(reason, stage)
        if not why.reply:  # cleanup logs a status and words, not the reply that smtpd makes of them
            why = Reason(stage=stage, words=reason)
        known = _STATUS.match(reason)
        failure = Failure(
            recipient=envelope["recipient"],
            sender=envelope["sender"],
            host=host,
            stage=why.stage,
            reply=why.reply,
            status=known[1] if known else None,
            words=why.words,
        )
        return self._queue.found("" if queue_id == _NO_QUEUE_ID else queue_id, failure)


def _as_known(command: str) -> str:
    return command.replace("END-OF-MESSAGE", "end of message").replace("MAIL", "MAIL FROM")


def _reason(reason: str, relay: Peer) -> tuple[Peer, Reason, str | None]:
    """The server in a reason, the reason itself, and the rule by which its stage was inferred."""
    if said := _SAID.search(reason):
        reply, _, command = reason[said.end() :].rpartition(_IN_REPLY_TO)
        if not reply:
            reply, command = reason[said.end() :], ""
            if (torn := reply.rfind(" (")) >= 0 and _IN_REPLY_TO.startswith(reply[torn:]):
                reply = reply[:torn]
        peer = peer_of(said[1], said[2])
        if "talk" in said[3] and not command:
            return peer, reason_of(reply, Stage.CONNECT), _GREETING_RULE
        tells = (
            "STARTTLS" if "TLS" in said[3] else "AUTH" if "SASL auth" in reason[: said.start()] else command
        )
        return peer, reason_of(reply, named_stage(tells)), None
    if look_up := _LOOK_UP.search(reason):
        # "Host or domain name not found" stands in front of every kind of failed look-up.
        return Peer(), trouble_of(reason[look_up.end() :])._replace(words=reason), None
    with_peer = _PEER.search(reason)
    peer = peer_of(with_peer[1], with_peer[2]) if with_peer else relay
    if "initial protocol handshake" in reason:
        return peer, trouble_of(reason, Stage.CONNECT), None
    why = trouble_of(reason)
    if why.fault is None and peer.address is not None and _TLS.search(reason):
        why = why._replace(stage=Stage.STARTTLS)
    return peer, why, None
