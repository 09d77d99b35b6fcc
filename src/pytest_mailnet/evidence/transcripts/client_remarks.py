"""Remarks of programs about a connection, between the lines of the session: its begin and its end."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_mailnet.evidence.failure import Failure
from pytest_mailnet.evidence.network_errors import trouble_in
from pytest_mailnet.evidence.transcripts.overheard import Conversation

__all__ = ["hear"]

_LONGEST = 2000
_CALLED = re.compile(
    r"(?:[$#%>] ?)?(?:(?:\S{0,100}/)?(?:telnet|nc|ncat|netcat)\s(?:-\S+\s+){0,9}(\S{1,255})\s+\d{1,5}$"
    r"|(?:\S{0,100}/)?openssl\s+s_client\s.{0,400}?-connect\s+(\S{1,300}))"
)
_TRYING = re.compile(r"(?:[*=]{1,3}\s+)?Trying (\S{1,300}?)(?:\.\.\.|:\s)")
_CONNECTED = re.compile(
    r"(?:[*=]{1,3}\s+|Ncat: )?Connect(?:ed|ion) to (\S{1,300}?)[.:]?"
    r"(?: \((\S{1,300}?)\))?(?: port \d+|:\d+|\s+\d{1,5} port \[.{0,40}\] succeeded!|\.?$)"
)
_CONNECTING = re.compile(r"(?:Connecting to (\S{1,300})$|(?:host\s+=\s+)(\S{1,255})$)")
_PROGRAM = re.compile(
    r"\*{1,3}\s|===\s|(?:curl|telnet|nc|Ncat|netcat|msmtp|swaks|openssl)(?:\[\d+\])?:\s|\(UNKNOWN\)\s"
    r"|Connection |(?:connect|read|write):errno=|[0-9A-F]{8,20}:error:|DEBUG SMTP: |SMTP ERROR: "
    r"|lost connection|remote host closed",
    re.IGNORECASE,
)
_ENDS = re.compile(
    r"remote host closed|response reading failed|errno=|closed by (?:foreign|remote) host|SSL_connect"
    r"|TLS startup failed|connect(?:ion)? error|unable to connect|handshake failure|alert ",
    re.IGNORECASE,
)
_KEPT = re.compile(
    r"connection #?\d* ?(?:to \S+ )?left intact|connection closed with remote host", re.IGNORECASE
)


def hear(conversation: Conversation, line: str) -> Iterator[Failure]:
    """Read a line that is neither the client's nor the server's.

    Args:
        conversation: the session to which connections and their ends are added.
        line: "* Connected to mx.shop.example (192.0.2.8) port 25"; lines of no known form are ignored.

    Returns:
        The failures that are known now.
    """
    line = line[:_LONGEST]
    if found := _CALLED.match(line):
        yield from conversation.connects(found[1] or found[2])
    elif found := _TRYING.match(line):
        yield from conversation.connects(found[1], again=True)
    elif found := _CONNECTED.match(line):
        if not conversation.waiting:
            yield from conversation.connects()
        conversation.meets(found[1])
        if found[2]:
            conversation.meets(found[2])
    elif found := _CONNECTING.match(line):
        yield from conversation.connects(found[1] or found[2])
    elif _PROGRAM.match(line) and not _KEPT.search(line) and (_ENDS.search(line) or trouble_in(line)):
        yield from conversation.breaks(line.strip("* \t"))
