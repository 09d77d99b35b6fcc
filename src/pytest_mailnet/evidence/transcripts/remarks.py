"""Remarks of programs about a connection, between the lines of the session: its begin and its end."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_mailnet.evidence.failure import Failure
from pytest_mailnet.evidence.network_errors import trouble_in
from pytest_mailnet.evidence.transcripts.overheard import Conversation
from pytest_mailnet.values import Stage

__all__ = ["CALL", "hear"]

_LONGEST = 2000


_PROMPT = r"(?:[$#%>] ?)?(?:\S{0,100}/)?"
_MADE = r"(?P<made>)Connect(?:ed|ion) to (\S{1,300}?)[.:]?(?: \((\S{1,300}?)\))?"
_PORT = r"(?: port \d+|:\d+|\s+\d{1,5} port \[.{0,40}\] succeeded!|\.?$)"
# The groups with text are names and addresses of the server; "again" marks one more address of the same one,
# and "made" a connection that stands.
_BEGINS = re.compile(
    "|".join(
        (
            _PROMPT + r"(?:telnet|nc|ncat|netcat)\s(?:-\S+\s+){0,9}(\S{1,255})\s+\d{1,5}$",
            _PROMPT + r"openssl\s+s_client\s.{0,400}?-connect\s+(\S{1,300})",
            r"(?:[*=]{1,3}\s+)?(?P<again>)Trying (\S{1,300}?)(?:\.\.\.|:\s)",
            rf"(?:[*=]{{1,3}}\s+|Ncat: )?{_MADE}{_PORT}",
            r"Connecting to (\S{1,300})$",
            r"host\s+=\s+(\S{1,255})$",  # msmtp
            r"\S{0,300}\.{3} while talking to (\S{1,255}?)[.:]{0,2}$",  # sendmail
            r"\S+ connects to (\S+) \((\S+)\)$",  # pytest-mailnet
        )
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
    if found := _BEGINS.match(line):
        if found["made"] is None or not conversation.waiting:
            yield from conversation.connects(again=found["again"] is not None)
        for name in filter(None, found.groups()):
            conversation.meets(name)
        return
    if not line or not (ends or _PROGRAM.match(line)) or _ENDS_WELL.search(line):
        return
    trouble = trouble_in(line)
    if trouble is not None and trouble.stage is Stage.CONNECT and not conversation.began:
        yield from conversation.connects()  # all that is shown
    if ends or trouble is not None or _ENDS.search(line):
        yield from conversation.breaks(line.strip("* \t"))
