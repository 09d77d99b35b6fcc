"""Bounces: mails in which a server reports that another mail was not delivered."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator

from pytest_mailnet.evidence.bounces import (
    courier,
    deliverystatus,
    domino,
    dragonfly,
    exchange,
    exim,
    gateways,
    google,
    intermail,
    mailservers,
    mdaemon,
    microsoft365,
    opensmtpd,
    postfix,
    prose,
    qmail,
    sendmail,
    zoho,
)
from pytest_mailnet.evidence.bounces.mail import BouncedMail
from pytest_mailnet.evidence.bounces.recognition import is_bounce, is_success
from pytest_mailnet.evidence.failure import Failure

__all__ = ["BouncedMail", "failures_of"]

# One reader for each program or operator with known wording; the first that recognises a mail decides.
_READERS: tuple[Callable[[BouncedMail], Iterable[Failure]], ...] = (
    google.failures_in,
    microsoft365.failures_in,
    exchange.failures_in,
    zoho.failures_in,
    domino.failures_in,
    intermail.failures_in,
    gateways.failures_in,
    mdaemon.failures_in,
    mailservers.failures_in,
    postfix.failures_in,
    exim.failures_in,
    qmail.failures_in,
    courier.failures_in,
    opensmtpd.failures_in,
    dragonfly.failures_in,
    sendmail.failures_in,
)


def failures_of(mail: BouncedMail) -> list[Failure]:
    """The failed recipients in a bounce; empty for a complaint or a report of success."""
    if mail.feedback or is_success(mail):
        return []
    told = list(deliverystatus.failures_in(mail.status or mail.text))
    said = _said(mail)
    return [dataclasses.replace(it, sender=it.sender or mail.sender) for it in _together(told, said)]


def _said(mail: BouncedMail) -> list[Failure]:
    for reader in _READERS:
        if found := list(reader(mail)):
            return found
    return list(prose.failures_in(mail.text, mail.sender)) if is_bounce(mail) else []


def _together(told: list[Failure], said: list[Failure]) -> Iterator[Failure]:
    if not told:
        yield from said
        return
    for failure in told:
        other = _of_the_same(failure, said, alone=len(told) == 1)
        yield failure if other is None else _completed(failure, other)


def _of_the_same(failure: Failure, others: Iterable[Failure], *, alone: bool) -> Failure | None:
    others = list(others)
    same = [it for it in others if (it.recipient or "").lower() == (failure.recipient or "").lower()]
    if same:
        return same[0]
    return others[0] if alone and len(others) == 1 else None


def _completed(failure: Failure, other: Failure) -> Failure:
    """Complete a failure of the delivery status by the same failure of the text.

    The longer of two replies with the same code is taken, since a delivery status may cut a reply short.
    """
    if failure.code == other.code and len(other.reply) > len(failure.reply):
        failure = dataclasses.replace(failure, reply=other.reply)
    if failure.reply and other.reply and failure.code != other.code:
        other = dataclasses.replace(other, reply=(), status=None)
    if failure.reply:  # it says more than words or a fault
        other = dataclasses.replace(other, fault=None, words="")
    elif other.reply:
        failure = dataclasses.replace(failure, fault=None, stage=None, words="")
    return failure.completed_by(other)
