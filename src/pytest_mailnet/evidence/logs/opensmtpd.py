"""Reads OpenSMTPD's log, of version 5.4 and later.

Sources: smtpd(8), and the messages of its mta.c, mda.c and smtp_session.c.
"""

from __future__ import annotations

import re

from pytest_mailnet.evidence.failure import Failure
from pytest_mailnet.evidence.logs.explanations import Peer, peer_of, reason_of
from pytest_mailnet.evidence.logs.lines import LogEntry
from pytest_mailnet.evidence.logs.queued import Found, LogQueue
from pytest_mailnet.evidence.stages import named_stage

__all__ = ["OpenSMTPD"]

_NOTHING: tuple[Found, ...] = ()

_DELIVERY = re.compile(
    r"(?:(?P<session>[0-9a-f]{16}) )?(?:mta|mda) (?:event=)?delivery "
    r"evpid=(?P<envelope>[0-9a-f]{16}) (?P<rest>.*)",
    re.DOTALL,
)
_OLDER_DELIVERY = re.compile(
    r"(?:relay|delivery): (?P<result>\w+) for (?P<envelope>[0-9a-f]{16}): "
    r"(?:session=(?P<session>[0-9a-f]{16}), )?(?P<rest>.*)",
    re.DOTALL,
)
_RESULT = re.compile(r' result="?(\w+)')
_SENDER = re.compile(r"from=<([^>]*)>")
_RECIPIENT = re.compile(r"\bto=<([^>]*)>")
_RELAY = re.compile(r'\brelay="?\[?(?:IPv6:)?([0-9A-Fa-f.:]+)\]? \(([^)]*)\)')
_REASON = re.compile(r'[ ,]stat="?')
_FAILED = ("PermFail", "TempFail")

_FAILED_COMMAND = re.compile(
    r"(?P<session>[0-9a-f]{16}) smtp (?:event=)?failed-command (?:address=\S+ host=\S+ )?"
    r'command="(?P<command>.*)" result="(?P<reply>[45][0-9]{2}[ \-].*)',
    re.DOTALL,
)
_OLDER_FAILED_COMMAND = re.compile(
    r'smtp-in: Failed command on session (?P<session>[0-9a-f]{16}): "(?P<command>.*)" => '
    r"(?P<reply>[45][0-9]{2}[ \-].*)",
    re.DOTALL,
)
_PATH = re.compile(r"\s*(RCPT TO|MAIL FROM): ?<([^>]*)>", re.IGNORECASE)


class OpenSMTPD:
    """Reads OpenSMTPD's log entries, one by one.

    Args:
        queue: what earlier entries said about the mails; None for an empty one.
    """

    def __init__(self, queue: LogQueue | None = None) -> None:
        self._queue = LogQueue() if queue is None else queue

    def read(self, entry: LogEntry) -> tuple[Found, ...]:
        """Read the next entry and return its new failures."""
        message = entry.message
        if found := _DELIVERY.match(message):
            result = _RESULT.search(found["rest"])
            return self._was_tried(found, result[1]) if result else _NOTHING
        if found := _OLDER_DELIVERY.match(message):
            return self._was_tried(found, found["result"])
        if found := _FAILED_COMMAND.match(message) or _OLDER_FAILED_COMMAND.match(message):
            return self._was_rejected(found, entry.host)
        return _NOTHING

    def _was_tried(self, found: re.Match[str], result: str) -> tuple[Found, ...]:
        if result not in _FAILED:
            return _NOTHING
        rest, envelope = found["rest"], found["envelope"]
        reason = _REASON.search(rest)
        if reason is None:
            return _NOTHING
        fields, text = rest[: reason.start()], rest[reason.end() :].removesuffix('"')
        why = reason_of(text)
        sender, recipient, relay = _SENDER.search(fields), _RECIPIENT.search(fields), _RELAY.search(fields)
        # The name in brackets is the address's name in the reverse zone. Without an address, "relay" is a
        # domain, and no server was connected to.
        peer = peer_of(relay[2], relay[1]) if relay else Peer()
        failure = Failure(
            recipient=recipient[1] if recipient else None,
            sender=sender[1] if sender else None,
            host=peer.host,
            address=peer.address,
            action="failed" if result == "PermFail" else "delayed",
            **why._asdict(),
        )
        # An envelope's id begins with its message's id.
        return self._queue.found(envelope, failure, envelope[:8], *filter(None, [found["session"]]))

    def _was_rejected(self, found: re.Match[str], host: str | None) -> tuple[Found, ...]:
        """Read that this OpenSMTPD refused a mail; the refusing server is the host that wrote the log."""
        command = found["command"]
        stage = named_stage(command)
        if command and stage is None:
            return _NOTHING  # no command of SMTP
        path = _PATH.match(command)
        verb = path[1].upper() if path else ""
        failure = Failure(
            recipient=path[2] if path and verb == "RCPT TO" else None,
            sender=path[2] if path and verb == "MAIL FROM" else None,
            host=host,
            stage=stage,
            reply=reason_of(found["reply"].removesuffix('"'), stage).reply,
        )
        return self._queue.found(found["session"], failure)
