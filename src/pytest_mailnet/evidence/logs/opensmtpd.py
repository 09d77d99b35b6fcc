"""OpenSMTPD's log, of version 5.4 and later.

Sources: smtpd(8), and the messages of its mta.c, mda.c and smtp_session.c.
"""

from __future__ import annotations

import re

from pytest_mailnet.evidence.logs.log_reader import LogLine, Program

__all__ = ["OPENSMTPD"]

# An envelope's id begins with its message's id.
_ENVELOPE = r"(?P<id>(?P<message>[0-9a-f]{8})[0-9a-f]{8})"
_SESSION = r"(?P<{}>[0-9a-f]{{16}})"
_FAILED = r"(?P<result>PermFail|TempFail)\b"
_REASON = r'(?P<reason>.*?)"?\Z'
_COMMAND = (
    r'"(?P<command>(?:\s*(?:RCPT TO|MAIL FROM): ?<(?P<path>[^>]*)>'
    r'|(?=[^"]*\b(?:EHLO|HELO|LHLO|STARTTLS|AUTH|DATA|RCPT|MAIL)\b)|(?=")).*)"'
)


def _line(text: str) -> re.Pattern[str]:
    return re.compile(text, re.DOTALL)


OPENSMTPD = Program(
    read_as="an OpenSMTPD log",
    lines=(
        LogLine(
            "tried",
            "delivery evpid=",
            _line(
                rf"(?:{_SESSION.format('session')} )?(?:mta|mda) (?:event=)?delivery evpid={_ENVELOPE} "
                rf'(?=.* result="?{_FAILED})(?P<fields>.*?)[ ,]stat="?{_REASON}'
            ),
        ),
        LogLine(
            "tried",
            ": session=",
            _line(
                rf"(?:relay|delivery): {_FAILED} for {_ENVELOPE}: "
                rf'session={_SESSION.format("session")}, (?P<fields>.*?)[ ,]stat="?{_REASON}'
            ),
        ),
        LogLine(
            "tried",
            " for ",
            _line(rf'(?:relay|delivery): {_FAILED} for {_ENVELOPE}: (?P<fields>.*?)[ ,]stat="?{_REASON}'),
        ),
        LogLine(
            "rejected",
            "failed-command",
            _line(
                rf"{_SESSION.format('id')} smtp (?:event=)?failed-command (?:address=\S+ host=\S+ )?"
                rf'command={_COMMAND} result="(?=[45][0-9]{{2}}[ \-]){_REASON}'
            ),
        ),
        LogLine(
            "rejected",
            "Failed command on session",
            _line(
                rf"smtp-in: Failed command on session {_SESSION.format('id')}: {_COMMAND} => "
                rf"(?=[45][0-9]{{2}}[ \-]){_REASON}"
            ),
        ),
    ),
    fields=(
        re.compile(r"\bfrom=<(?P<sender>[^>]*)>"),
        re.compile(r"\bto=<(?P<recipient>[^>]*)>"),
        # The name in brackets is the address's name in the reverse zone. Without an address, "relay" is a
        # domain, and no server was connected to.
        re.compile(r'\brelay="?\[?(?:IPv6:)?(?P<address>[0-9A-Fa-f.:]+)\]? \((?P<host>[^)]*)\)'),
    ),
)
"""What OpenSMTPD writes."""
