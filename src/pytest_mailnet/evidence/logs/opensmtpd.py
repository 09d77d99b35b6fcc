"""OpenSMTPD's log, of version 5.4 and later.

Sources: smtpd(8), and the messages of its mta.c, mda.c and smtp_session.c.
"""

from __future__ import annotations

from pytest_mailnet.evidence.logs.log_reader import Program

__all__ = ["OPENSMTPD"]

# An envelope's id begins with its message's id.
_ENVELOPE = r"(?P<id>(?P<message>[0-9a-f]{8})[0-9a-f]{8})"
_SESSION = "(?P<session>[0-9a-f]{16})"
_ID = "(?P<id>[0-9a-f]{16})"
_DELIVERY = "(?:mta|mda) (?:event=)?delivery evpid="
_REFUSED = r"(?:event=)?failed-command (?:address=\S+ host=\S+ )?"
_FAILED = r"(?P<result>PermFail|TempFail)\b"
_OUTCOME = r'(?P<fields>.*?)[ ,]stat="?(?P<reason>.*?)"?\Z'
_COMMAND = (
    r'"(?P<command>(?:\s*(?:RCPT TO|MAIL FROM): ?<(?P<path>[^>]*)>'
    r'|(?=[^"]*\b(?:EHLO|HELO|LHLO|STARTTLS|AUTH|DATA|RCPT|MAIL)\b)|(?=")).*)"'
)
_REPLY = r'(?=[45][0-9]{2}[ \-])(?P<reason>.*?)"?\Z'

OPENSMTPD = Program(
    read_as="an OpenSMTPD log",
    called="smtpd",
    shape=r"(?:[0-9a-f]{16} )?(?:mta|mda) (?:event=)?delivery evpid=",
    begins="",
    lines=(
        (
            "tried",
            "delivery evpid=",
            rf'(?:{_SESSION} )?{_DELIVERY}{_ENVELOPE} (?=.* result="?{_FAILED}){_OUTCOME}',
        ),
        (
            "tried",
            " for ",
            rf"(?:relay|delivery): {_FAILED} for {_ENVELOPE}: (?:session={_SESSION}, )?{_OUTCOME}",
        ),
        (
            "rejected",
            "failed-command",
            rf'{_ID} smtp {_REFUSED}command={_COMMAND} result="{_REPLY}',
        ),
        (
            "rejected",
            "Failed command on session",
            rf"smtp-in: Failed command on session {_ID}: {_COMMAND} => {_REPLY}",
        ),
    ),
    fields=(
        r"\bfrom=<(?P<sender>[^>]*)>",
        r"\bto=<(?P<recipient>[^>]*)>",
        # The name in brackets is the address's name in the reverse zone. Without an address, "relay" is a
        # domain, and no server was connected to.
        r'\brelay="?\[?(?:IPv6:)?(?P<address>[0-9A-Fa-f.:]+)\]? \((?P<host>[^)]*)\)',
    ),
)
"""What OpenSMTPD writes."""
