"""Where a mail goes once its server has said yes: inbox, junk, other servers, back to its sender, nowhere."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

from pytest_mailnet.mailboxes.addressing import same_address
from pytest_mailnet.mailboxes.mailbox import forwards_of
from pytest_mailnet.record.session import Message
from pytest_mailnet.smtp.headers import header_fields
from pytest_mailnet.values import Envelope, Fate

if TYPE_CHECKING:
    from pytest_mailnet.mailboxes.mailbox import Mailbox

__all__ = ["Distribution", "Onward", "for_some", "forwarded"]


class Onward(NamedTuple):
    """A mail that a mailbox forwards to another server.

    Attributes:
        number: the recipient through whom it came there, by the number in the envelope.
        mailbox: the mailbox.
        to: the address to which it goes on.
    """

    number: int
    mailbox: Mailbox
    to: str


class Distribution:
    """What becomes of one mail for each of its recipients.

    Args:
        home_of: finds the mailbox of an address; None for none here.
        envelope: the mail's.
        content: the mail's bytes.

    Attributes:
        inboxes: the mailboxes that keep it, each once.
        junk: the mailboxes that file it as junk.
        reached: the mailboxes in which it has arrived, kept or not, with the address by which it came.
        onward: where it is forwarded.
        elsewhere: the numbers of the recipients without a mailbox here.
        bounced: the numbers of those for whom it is returned.
        discarded: the numbers of those who never hear of it.
        looping: those whose mailbox has forwarded it before, by number, with the mailbox.
        notes: what has become of it, in words, as far as that is not plain.
    """

    def __init__(self, home_of: Callable[[str], Mailbox | None], envelope: Envelope, content: bytes) -> None:
        self._home_of, self._envelope, self._content = home_of, envelope, content
        self.inboxes: list[Mailbox] = []
        self.junk: list[Mailbox] = []
        self.reached: dict[Mailbox, str] = {}
        self.onward: list[Onward] = []
        self.elsewhere: list[int] = []
        self.bounced: list[int] = []
        self.discarded: list[int] = []
        self.looping: dict[int, Mailbox] = {}
        self.notes: list[str] = []

    def decide(self, fate: Fate | None, suspicion: str) -> None:
        """Find out for each recipient what becomes of the mail.

        Args:
            fate: what the test has decided; None for nothing.
            suspicion: why the provider takes it for junk, in words; "" if it does not.
        """
        for number, to in enumerate(self._envelope.rcpt_tos):
            fated = fate.name if fate is not None and number in fate.recipients else ""
            home = self._home_of(to)
            if fated == "discard":
                self.discarded.append(number)
                self.notes.append(f"discarded for {to}")
            elif fated == "bounce":
                self.bounced.append(number)
                self.notes.append(f"to be returned for {to}")
            elif home is None:
                self.elsewhere.append(number)
            elif fated == "junk" or suspicion:
                self._file_as_junk(home, suspicion if fated != "junk" else "")
            else:
                if not same_address(home.address, to):
                    self.notes.append(f"for {to} into the mailbox {home.address}")
                self._arrive(home, number, to)

    def _file_as_junk(self, home: Mailbox, suspicion: str) -> None:
        if home not in self.junk:
            self.junk.append(home)
            self.notes.append(f"junk of {home.address}{f', since {suspicion}' if suspicion else ''}")

    def _arrive(self, home: Mailbox, number: int, to: str) -> None:
        """Put the mail into a mailbox, and go on where that forwards it; each has it once (RFC 5321, 3.9)."""
        if home in self.reached:
            return
        forwards = forwards_of(home)
        if forwards and self._has_passed(home):
            self.looping[number] = home
            self.notes.append(f"returned, since {home.address} has forwarded it before")
            return
        self.reached[home] = to
        if not forwards or all(it.keep for it in forwards):
            self.inboxes.append(home)
        for forward in forwards:
            self.notes.append(f"forwarded from {home.address} to {forward.to}")
            following = self._home_of(forward.to)
            if following is not None:
                self._arrive(following, number, forward.to)
            else:
                self.onward.append(Onward(number, home, forward.to))

    def _has_passed(self, home: Mailbox) -> bool:
        fields = header_fields(self._content)
        return any(name == "delivered-to" and same_address(value, home.address) for name, value in fields)


def for_some(message: Message, numbers: Iterable[int]) -> Message:
    """A mail for some of its recipients alone.

    Args:
        message: the mail.
        numbers: the recipients that stay, by their numbers in the envelope.
    """
    envelope, kept = message.envelope, list(numbers)
    options = envelope.rcpt_options or ((),) * len(envelope.rcpt_tos)
    left = Envelope(
        envelope.mail_from,
        tuple(envelope.rcpt_tos[it] for it in kept),
        envelope.mail_options,
        tuple(options[it] for it in kept),
    )
    return dataclasses.replace(message, envelope=left)


def forwarded(message: Message, onward: Onward) -> Message:
    """A mail as a mailbox forwards it: with its reverse-path, and a note where it has been (RFC 9228).

    Args:
        message: the mail, with the server's trace fields.
        onward: which mailbox forwards it, and to whom.
    """
    one = for_some(message, [onward.number])
    envelope = dataclasses.replace(one.envelope, rcpt_tos=(onward.to,))
    trace = f"Delivered-To: {onward.mailbox.address}\r\n".encode() + message.trace
    return dataclasses.replace(one, envelope=envelope, trace=trace)
