"""Bounces of MDaemon, which contain transcripts: bare up to version 3, later with dates and arrows.

Examples, from its users: "Thu 2022-09-15 10:38:04: --> EHLO localhost"
(https://github.com/muquit/mailsend-go, issue 52), "Attempting SMTP connection to [192.0.2.8 : 25]", "Winsock
Error 10054 Connection was reset by the other side!" (https://github.com/jstedfast/MailKit, issue 1622).
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator

from pytest_mailnet.evidence.bounces.layouts import ADDRESS, spoken
from pytest_mailnet.evidence.bounces.mail import BouncedMail
from pytest_mailnet.evidence.failure import Failure
from pytest_mailnet.evidence.network_errors import trouble_in
from pytest_mailnet.evidence.transcripts.client_lines import is_command
from pytest_mailnet.evidence.transcripts.overheard import Conversation

__all__ = ["failures_in"]

_SESSIONS = re.compile(
    r"^[ \t]*-{3} Session Transcript -{3}[ \t]*\n(?P<lines>.*?)(?:^[ \t]*-{3} End Transcript|\Z)",
    re.MULTILINE | re.DOTALL,
)
_LISTED = re.compile(rf"^[ \t]*>[ \t]*{ADDRESS}[ \t]*$", re.MULTILINE)
_DATE = re.compile(r"[ \t]*(?:\w{3} \d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?: )?(?:\*[ \t]+)?")
# Without a port the brackets hold a domain, whose hosts are looked up next.
_CALLS = re.compile(r"Attempting SMTP connection to \[(?P<host>[\w.\-]{1,255}) ?: ?\d{1,5}\]")
_ARROW = re.compile(r"(?P<arrow>-->|<--) ?(?P<said>.*)")
_REPLY = re.compile(r"[2-5]\d\d(?:[ \-]|$)")


def failures_in(mail: BouncedMail) -> Iterator[Failure]:
    """The failed recipients in a bounce by MDaemon; none if another program wrote the mail."""
    found = _SESSIONS.search(mail.text)
    if found is None:
        return
    told = list(_sessions(found["lines"].split("\n")))
    of_all = next((it for it in reversed(told) if it.recipient is None), None)
    for address in dict.fromkeys(it["address"] for it in _LISTED.finditer(spoken(mail, _SESSIONS))):
        own = next((it for it in reversed(told) if (it.recipient or "").lower() == address.lower()), of_all)
        yield dataclasses.replace(own or Failure(), recipient=address)


def _sessions(lines: Iterable[str]) -> Iterator[Failure]:
    conversation = Conversation()
    for line in lines:
        said = _DATE.sub("", line, count=1)
        if calls := _CALLS.match(said):
            yield from conversation.connects(calls["host"], again=True)
        elif arrow := _ARROW.match(said):
            speaks = conversation.client if arrow["arrow"] == "-->" else conversation.server
            yield from speaks(arrow["said"])
        elif _REPLY.match(said):
            yield from conversation.server(said)
        elif is_command(said):
            yield from conversation.client(said)
        elif trouble_in(said):
            yield from conversation.breaks(said)
    yield from conversation.end()
