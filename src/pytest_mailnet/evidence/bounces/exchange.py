"""Bounces of Microsoft Exchange 5.5, 2000 and 2003, and of the SMTP service of Windows, once Hotmail's too.

The format is in Microsoft's articles Q195671 (Exchange 2000 and later), Q251152 and Q246881 (the Internet
Mail Service of Exchange 5.5).
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

from pytest_mailnet.evidence.bounces.layouts import (
    ADDRESS,
    failure_of,
    failure_words,
    passages,
    spoken,
)
from pytest_mailnet.evidence.bounces.mail import BouncedMail
from pytest_mailnet.evidence.failure import Failure
from pytest_mailnet.evidence.network_errors import trouble_in

__all__ = ["failures_in"]

# "alice@shop.example on Thu, 29 Apr 2010 …", "Alice (alice@shop.example) on 1/30/2006 5:39 PM", or in X.400's
# form "c=US;a= ;p=ORG;o=SITE;dda:SMTP=alice@shop.example; on Fri, 4 Oct 2002". For "on", other languages of
# Exchange have "am", "le", "el", "il", "op", "em", "den", "dnia".
_DATED = re.compile(
    rf"^[ \t]*[^\n@]{{0,80}}?(?:SMTP=)?{ADDRESS}[)'\";]{{0,2}}[ \t]+"
    rf"(?:\w{{1,5}}[ \t]+)?(?:\w{{2,12}}[.,]{{1,2}}[ \t]+)?\d{{1,4}}[ ./\-][^\n]{{4,60}}$",
    re.MULTILINE,
)
# "MSEXCH:IMS:ORG:SITE:SERVER 0 (000C05A6) Unknown Recipient": the reason stands behind the event's number.
_CONNECTOR = re.compile(
    r"\bMSEXCH:[^\n]{1,300}?[ \t]\d{1,6} \([0-9A-Fa-f]{8}\)[ \t]*\n?(?P<said>.{0,2000}?)(?=\n[ \t]*\n|\Z)",
    re.DOTALL,
)
# "<mx.shop.example #5.5.0 smtp;550 5.7.1 …>"; "<mx.shop.example #5.1.1>" has no reply.
_MARK = re.compile(
    r"<[ \t]*(?P<server>[\w.\-]{0,255})[ \t]*#(?P<status>[245]\.\d{1,3}\.\d{1,3})"
    r"(?P<said>[ \t\n]+[\w\-]{1,12};.{1,2000})?>[ \t]*$",
    re.DOTALL | re.MULTILINE,
)
_ENDS = re.compile(
    r"^[ \t]*(?:received: (?:from|by) |-{5,}[ \t]*original|message-id:)", re.IGNORECASE | re.MULTILINE
)

_SERVICE = re.compile(
    r"^(?P<sentence>(?:Delivery to the following recipients?"
    r"|Unable to deliver message to the following recipients?)"
    r"[^\n]{0,200}(?:\n[^\n@]{1,200}){0,2})$",
    re.MULTILINE,
)
_ALONE = re.compile(rf"^[ \t]+(?:\*[ \t]+)?{ADDRESS}[ \t]*$", re.MULTILINE)


def failures_in(mail: BouncedMail) -> Iterator[Failure]:
    """The failed recipients in a bounce by Exchange up to 2003 or by the SMTP service of Windows."""
    text = spoken(mail, _ENDS)
    dated = list(_of_exchange(text, mail.sender)) if "#" in text or "MSEXCH" in text else []
    yield from dated
    if not dated and (sentence := _SERVICE.search(text)):
        yield from _of_the_service(sentence, text, mail.sender)


def _of_exchange(text: str, sender: str | None) -> Iterator[Failure]:
    for found, passage in passages(_DATED, text, sender):
        if said := _CONNECTOR.search(passage):
            # If it has no reply, the connector found the error by itself.
            yield failure_of(found["address"], said["said"], words=_first_line(said["said"]))
        elif mark := _MARK.search(passage):
            words = failure_words(passage[: mark.start()])
            failure = failure_of(
                found["address"], mark[0], server=mark["server"], words=words, status=mark["status"]
            )
            yield (
                failure
                if failure.reply or not mark["said"]
                else dataclasses.replace(failure, words=failure_words(mark["said"]))
            )


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0].strip()


def _of_the_service(sentence: re.Match[str], text: str, sender: str | None) -> Iterator[Failure]:
    words = failure_words(sentence["sentence"])
    trouble = trouble_in(words)
    for found, passage in passages(_ALONE, text[sentence.end() :], sender):
        failure = failure_of(found["address"], passage, words=words)
        if trouble and not failure.reply:
            failure = dataclasses.replace(failure, fault=trouble.fault, stage=trouble.stage)
        yield dataclasses.replace(failure, action="delayed") if "delayed" in words else failure
