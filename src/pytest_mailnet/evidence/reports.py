"""Reads a mail: finds the report of a failure in it, its own or one that somebody has forwarded or quoted."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import Message
from typing import NamedTuple

from pytest_mailnet.evidence.bounces import BouncedMail, failures_of
from pytest_mailnet.evidence.bounces.mail import LONGEST_TEXT, TooDeep
from pytest_mailnet.evidence.bounces.recognition import is_automatic, is_bounce
from pytest_mailnet.evidence.decoding import counted
from pytest_mailnet.evidence.pieces import is_mail
from pytest_mailnet.evidence.plain import forwarded, unquoted
from pytest_mailnet.evidence.texts import ReadAs, of_text_in_a_mail

__all__ = ["of_mail"]

_DEEPEST = 3  # mails that are forwarded in each other
_READ = ("text", "multipart", "message")
_MISSING = "neither its delivery status nor its text tells of a failed recipient"


class _Report(NamedTuple):
    """What may tell of a failure: a mail, or a text that stands in one; and what was left out on the way."""

    told: BouncedMail | str
    left_out: tuple[str, ...]


def of_mail(content: bytes) -> ReadAs:
    """Read a mail: the surest report in it that tells of a failure."""
    left_out: tuple[str, ...] = ()
    try:
        mail = BouncedMail.parse(content)
        for report in _reports_in(mail, (), _DEEPEST):
            told = report.told
            found = list(of_text_in_a_mail(told)) if isinstance(told, str) else failures_of(told)
            if found:
                return ReadAs("", "", found, report.left_out)
            left_out += report.left_out
    except TooDeep as error:
        return ReadAs(f"a mail that {error}", "no bounce has so many", ())
    if mail.feedback:
        return ReadAs("a feedback report (RFC 5965): a complaint about a mail that arrived", _MISSING, ())
    called = "a delivery status notification" if mail.status else "a mail"
    return ReadAs(called, _MISSING, (), tuple(dict.fromkeys(left_out)), mail.subject[:80])


def _reports_in(mail: BouncedMail, left_out: tuple[str, ...], deepest: int) -> Iterator[_Report]:
    """The reports in a mail, the surest first.

    A program that writes a mail tells of what itself has done, a person of what somebody else has.
    """
    own = _Report(mail, left_out + _unread_of(mail, deepest))
    is_own = bool(mail.status) or is_automatic(mail)
    if is_own:
        yield own
    if not mail.feedback and deepest:
        yield from _passed_on(mail, left_out, deepest - 1)
    if not is_own:
        yield own


def _passed_on(mail: BouncedMail, left_out: tuple[str, ...], deepest: int) -> Iterator[_Report]:
    for attached in mail.attached():
        yield from _reports_in(attached, left_out, deepest)
    plain = unquoted(mail.text, answered=True)
    inner = forwarded(plain.text)
    left_out += plain.left_out + inner.left_out
    if is_mail(inner.text):
        content = inner.text.encode("utf-8", "replace")
        yield from _reports_in(BouncedMail.parse(content), left_out, deepest)
        return
    yield _Report(inner.text, left_out + _unread_of(mail, deepest + 1))
    if inner.text != mail.text and is_bounce(mail):  # by its subject, which an answer repeats
        yield _Report(BouncedMail.of_text(inner.text), left_out)


def _unread_of(mail: BouncedMail, deepest: int) -> tuple[str, ...]:
    """The parts of a mail that are not read, and what is too long or too deep in it."""
    kinds = [it for it in _kinds(mail.head) if it.partition("/")[0] not in _READ]
    unread = counted(len(kinds), "attachment", f"({', '.join(dict.fromkeys(kinds))})")
    if len(mail.text) >= LONGEST_TEXT:
        unread += (f"text behind its first {LONGEST_TEXT >> 10} KiB",)
    if deepest == 0 and next(mail.attached(), None) is not None:
        unread += (f"mails attached to each other more than {_DEEPEST} deep",)
    return unread


def _kinds(part: Message) -> Iterator[str]:
    """The types of a mail's parts, without those of mails in it."""
    yield part.get_content_type()
    held = part.get_payload() if part.get_content_maintype() == "multipart" else []
    for it in held if isinstance(held, list) else ():
        if isinstance(it, Message):
            yield from _kinds(it)
