"""Remarks of programs about a connection, between the lines of the session: its begin and its end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum

from pytest_mailnet.evidence.failure import Failure
from pytest_mailnet.evidence.network_errors import trouble_in
from pytest_mailnet.evidence.transcripts.overheard import Conversation

__all__ = ["CALL", "hear"]

_LONGEST = 2000


class _Is(Enum):
    NEW = "another session"
    AGAIN = "one more address of the same server"
    MADE = "the connection stands"


_PROMPT = r"(?:[$#%>] ?)?(?:\S{0,100}/)?"
_MADE = (
    r"(?:[*=]{1,3}\s+|Ncat: )?Connect(?:ed|ion) to (\S{1,300}?)[.:]?"
    r"(?: \((\S{1,300}?)\))?(?: port \d+|:\d+|\s+\d{1,5} port \[.{0,40}\] succeeded!|\.?$)"
)
# The groups are names and addresses of the server.
_BEGINS = tuple(
    (begin, re.compile(pattern))
    for begin, pattern in (
        (_Is.NEW, _PROMPT + r"(?:telnet|nc|ncat|netcat)\s(?:-\S+\s+){0,9}(\S{1,255})\s+\d{1,5}$"),
        (_Is.NEW, _PROMPT + r"openssl\s+s_client\s.{0,400}?-connect\s+(\S{1,300})"),
        (_Is.AGAIN, r"(?:[*=]{1,3}\s+)?Trying (\S{1,300}?)(?:\.\.\.|:\s)"),
        (_Is.MADE, _MADE),
        (_Is.NEW, r"Connecting to (\S{1,300})$"),
        (_Is.NEW, r"host\s+=\s+(\S{1,255})$"),  # msmtp
        (_Is.NEW, r".{0,300}\.{3} while talking to (\S{1,255}?)[.:]{0,2}$"),  # sendmail
        (_Is.NEW, r"\S+ connects to (\S+) \((\S+)\)$"),  # pytest-mailnet
    )
)
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
_ENDS_WELL = re.compile(
    r"connection #?\d* ?(?:to \S+ )?left intact|connection closed with remote host"
    r"|^(?:client quit|still open|closed by the server)",
    re.IGNORECASE,
)

CALL = re.compile(
    r"([*=]{1,3}\s+)?"
    r"(?:Trying \S{1,300}\.\.\.(?!\S)|Connected to \S{1,255}(?: \(\S{1,300}\) port \d|\.(?!\S)))"
    r"|Escape character is '|telnet: |nc: |Ncat: |msmtp: cannot connect|\(UNKNOWN\) "
    r"|Connection to \S{1,255} \d{1,5} port |connect:errno=|DEBUG SMTP: "
)
"""Matches what only clients of SMTP remark, so that it tells what a text is; the group is their mark."""


def hear(conversation: Conversation, line: str, *, ends: bool = False) -> Iterator[Failure]:
    """Read a line that is neither the client's nor the server's, and return the failures known now.

    Args:
        conversation: the session to which connections and their ends are added.
        line: "* Connected to mx.shop.example (192.0.2.8) port 25"; lines of no known form are ignored.
        ends: whether any line tells how the session began or ended, whatever its form.
    """
    line = line[:_LONGEST]
    for begin, pattern in _BEGINS:
        if found := pattern.match(line):
            if begin is not _Is.MADE or not conversation.waiting:
                yield from conversation.connects(again=begin is _Is.AGAIN)
            for name in filter(None, found.groups()):
                conversation.meets(name)
            return
    if (ends or (_PROGRAM.match(line) and (_ENDS.search(line) or trouble_in(line)))) and (
        line and not _ENDS_WELL.search(line)
    ):
        yield from conversation.breaks(line.strip("* \t"))
