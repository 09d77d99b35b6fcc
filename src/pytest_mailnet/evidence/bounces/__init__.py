"""Bounces: mails in which a server reports that another mail was not delivered."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from pytest_mailnet.evidence.bounces import deliverystatus, prose
from pytest_mailnet.evidence.bounces.layouts import page_of
from pytest_mailnet.evidence.bounces.mail import BouncedMail
from pytest_mailnet.evidence.bounces.recognition import is_bounce, is_success
from pytest_mailnet.evidence.bounces.servers import SERVERS
from pytest_mailnet.evidence.bounces.services import SERVICES
from pytest_mailnet.evidence.failure import Failure

__all__ = ["BouncedMail", "failures_of"]


def failures_of(mail: BouncedMail) -> list[Failure]:
    """The failed recipients in a bounce; empty for a complaint or a report of success.

    A delivery status tells who has failed. What its product says to people, or else what any product says,
    completes that, or stands for it where there is none.
    """
    if mail.feedback or is_success(mail):
        return []
    told = _read_as("a delivery status (RFC 3464)", deliverystatus.failures_in(mail.status or mail.text))
    said = _said(mail)
    failures = [_completed(it, _of_the_same(it, said, alone=len(told) == 1)) for it in told] or said
    return [it if it.sender else dataclasses.replace(it, sender=mail.sender) for it in failures]


def _said(mail: BouncedMail) -> list[Failure]:
    """What a mail says to people; the first product that recognises it decides."""
    page = page_of(mail)
    for layout in (*SERVICES, *SERVERS):
        if layout.recognises(page) and (found := list(layout.failures_in(mail))):
            return found
    return (
        _read_as("the words of a bounce", prose.failures_in(mail.text, mail.sender))
        if is_bounce(mail)
        else []
    )


def _read_as(name: str, failures: Iterable[Failure]) -> list[Failure]:
    return [dataclasses.replace(it, read_as=(name,)) for it in failures]


def _of_the_same(failure: Failure, others: Sequence[Failure], *, alone: bool) -> Failure | None:
    recipient = (failure.recipient or "").lower()
    same = next((it for it in others if (it.recipient or "").lower() == recipient), None)
    return same or (others[0] if alone and len(others) == 1 else None)


def _completed(failure: Failure, other: Failure | None) -> Failure:
    """Complete a failure of the delivery status by the same failure of the text.

    The longer of two replies with the same code is taken, since a delivery status may cut a reply short.
    """
    if other is None:
        return failure
    if failure.code == other.code and len(other.reply) > len(failure.reply):
        failure = dataclasses.replace(failure, reply=())
    elif failure.reply and other.reply and failure.code != other.code:
        other = dataclasses.replace(other, reply=(), status=None)
    if failure.reply:  # it says more than words or a fault
        other = dataclasses.replace(other, fault=None, words="")
    elif other.reply:
        failure = dataclasses.replace(failure, fault=None, stage=None, words="")
    return failure.completed_by(other)
