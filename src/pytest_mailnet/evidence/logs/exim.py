"""Reads Exim's main and reject logs, from files or syslog.

Sources: chapter "Log files" of Exim's specification, and the messages in its transports/smtp.c and deliver.c.
"""

from __future__ import annotations

import re

from pytest_mailnet.evidence.failure import Failure
from pytest_mailnet.evidence.logs.explanations import Peer, peer_of, reason_of, trouble_of
from pytest_mailnet.evidence.logs.lines import LogEntry
from pytest_mailnet.evidence.logs.queued import Found, LogQueue
from pytest_mailnet.evidence.permanence import Reason
from pytest_mailnet.evidence.stages import named_stage
from pytest_mailnet.values import Stage

__all__ = ["Exim"]

_NOTHING: tuple[Found, ...] = ()

_DATE = re.compile(r"(?:\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,9})? (?:[+\-]\d{4} )?)?(?:\[\d+\] )?")
# Exim 4.97 introduced the longer form.
_ID = re.compile(
    r"([0-9A-Za-z]{6}-[0-9A-Za-z]{6}-[0-9A-Za-z]{2}|[0-9A-Za-z]{6}-[0-9A-Za-z]{11}-[0-9A-Za-z]{4}) "
)
_MESSAGE_ID = re.compile(r" id=(\S+)")
_ADDRESS = re.compile(r'(?P<address>"[^"]*"\S*|\S+)(?: \([^)]*\))?(?: <(?P<original>[^>]*)>)?')
_HEAD = re.compile(r'((?:[^":]|:(?! )|"[^"]*")*): ', re.DOTALL)
_SENDER = re.compile(r" F=<([^>]*)>")
_HOST = re.compile(r" H=(?:(\S+) )?(?:\(\S*\) )?\[([^\]\s]*)\]")
_SMTP_ERROR = re.compile(
    r"(?:SMTP|LMTP) error from (?:remote mail(?:er| server)|\S+) after (?P<command>.{1,600}?): "
    r"(?:host (?P<host>\S+) \[(?P<address>[^\]\s]*)\](?::\d+)?: )?(?=[2-5][0-9]{2}[ \-])",
    re.DOTALL,
)
_HOST_IN_REASON = re.compile(r"(?:[Rr]emote host|host) (?!H=)(\S+) \[([^\]\s]*)\]")
_AFTER = re.compile(r"(?:in response to|(?:timeout|connection closed|error) after) (.{1,200})", re.IGNORECASE)
_NOT_TRIED = re.compile(r"retry time not reached|retry timeout exceeded|have been failing for a long time")
_REJECTED = re.compile(
    r" (?P<words>(?:temporarily )?rejected (?:(?P<command>RCPT|MAIL|EHLO or HELO|HELO|EHLO|connection|AUTH"
    r"|STARTTLS|after DATA|during MIME ACL checks|by non-SMTP ACL|by local_scan\(\)|DATA|VRFY|ETRN)\b).*)",
    re.DOTALL,
)
_OF_CONTENT = ("after DATA", "during MIME ACL checks", "by local_scan()")
_PATH = re.compile(r" (?:RCPT|MAIL) <([^>]*)>")


class Exim:
    """Reads Exim's log entries, one by one.

    Args:
        queue: what earlier entries said about the mails; None for an empty one.
    """

    def __init__(self, queue: LogQueue | None = None) -> None:
        self._queue = LogQueue() if queue is None else queue

    def read(self, entry: LogEntry) -> tuple[Found, ...]:
        """Read the next entry and return its new failures."""
        dated = _DATE.match(entry.message)
        message = entry.message[dated.end() :] if dated else entry.message
        message_id, rest = "", message
        if found := _ID.match(message):
            message_id, rest = found[1], message[found.end() :]
            mark, _, what = rest.partition(" ")
            if mark in ("**", "=="):
                return self._was_tried(message_id, what, failed=mark == "**")
            if mark == "<=":
                self._came_in(message_id, what)
                return _NOTHING
            if rest == "Completed" or rest.startswith("Completed QT="):
                self._queue.forget(message_id)
                return _NOTHING
        if "rejected" in rest and (rest.startswith(("H=", "U=")) or " H=" in rest[:200]):
            return self._was_rejected(message_id, rest, entry.host)
        return _NOTHING

    def _came_in(self, message_id: str, what: str) -> None:
        sender = what.partition(" ")[0].removeprefix("<").removesuffix(">")
        header = _MESSAGE_ID.search(what.partition(' T="')[0])  # a subject may say anything
        self._queue.learn(
            message_id, sender=sender, message_id=f"<{header[1].strip('<>')}>" if header else None
        )

    def _was_tried(self, message_id: str, what: str, *, failed: bool) -> tuple[Found, ...]:
        if self._queue.is_told(message_id, failed, what):
            return _NOTHING
        who = _ADDRESS.match(what)
        if who is None:
            return _NOTHING
        address = who["address"].removesuffix(":")
        head = _HEAD.match(what, who.start("address") + len(address))
        fields, reason = (head[1], what[head.end() :]) if head else (what, "")
        if _NOT_TRIED.search(reason) and self._queue.mail(message_id).failed:
            return _NOTHING  # no new attempt was made
        sender = _SENDER.search(fields)
        host = _HOST.search(fields) or _HOST.search(reason)
        # The log has a newline as two characters, a backslash and an n.
        peer, why = _reason(reason.replace("\\n", "\n"), peer_of(host[1], host[2]) if host else Peer())
        original = who["original"] or ""
        recipient = _recipient(address, original)
        failure = Failure(
            recipient=recipient,
            original=original if "@" in original and original != recipient else None,
            sender=sender[1] if sender else self._queue.mail(message_id).sender,
            host=peer.host,
            address=peer.address,
            action="failed" if failed else "delayed",
            **why._asdict(),
        )
        return self._queue.found(message_id, failure)

    def _was_rejected(self, message_id: str, rest: str, host: str | None) -> tuple[Found, ...]:
        """Read that this Exim refused a mail; the refusing server is the host that wrote the log.

        The log has the reason of the ACL, not the reply that Exim made of it.
        """
        found = _REJECTED.search(rest)
        if found is None:
            return _NOTHING
        sender = _SENDER.search(rest[: found.start()])
        command, path = found["command"], _PATH.search(found["words"])
        of_sender = path[1] if path and command == "MAIL" else None
        failure = Failure(
            recipient=path[1] if path and command == "RCPT" else None,
            sender=sender[1] if sender else of_sender,
            host=host,
            stage=Stage.MESSAGE if command in _OF_CONTENT else named_stage(f"{command} command"),
            words=found["words"],
        )
        return self._queue.found(message_id, failure)


def _recipient(address: str, original: str | None) -> str | None:
    """The address that was given to a server; for a file or pipe the one that was redirected to it."""
    if "@" in address and not address.startswith(("|", "/", ":")):
        return address
    return original or address


def _reason(reason: str, peer: Peer) -> tuple[Peer, Reason]:
    if error := _SMTP_ERROR.search(reason):
        if error["host"]:
            peer = peer_of(error["host"], error["address"])
        return peer, reason_of(reason[error.end() :], named_stage(error["command"]))
    if named := _HOST_IN_REASON.search(reason):
        peer = peer_of(named[1], named[2])
    after = _AFTER.search(reason)
    why = trouble_of(reason, named_stage(after[1]) if after else None)
    if why.fault is None and "TLS session" in reason:
        why = why._replace(stage=Stage.STARTTLS)
    return peer, why
