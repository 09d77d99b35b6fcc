"""The client side of a connection between two servers, over which mails are relayed (RFC 5321, 3)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from typing import Literal

from pytest_mailnet.relay.loopback import LineLost, Loopback
from pytest_mailnet.relay.queue_entry import DeliveryOutcome, QueuedMail, QueuedRecipient
from pytest_mailnet.smtp.parameters import NOTHING, Offer, offer_of, parameter_of, parameters_to_relay
from pytest_mailnet.values import Reply, Stage

__all__ = ["Refused", "RelayClient", "settle", "verdict"]


class Refused(Exception):
    """The server refuses the connection, or the relay's greeting.

    Attributes:
        reply: the server's reply.
        stage: the stage of that reply.
    """

    def __init__(self, reply: Reply, stage: Stage) -> None:
        super().__init__(str(reply))
        self.reply: Reply = reply
        self.stage: Stage = stage


class RelayClient:
    """A connection to one server, on which mails are handed over.

    Args:
        line: the connection, before the server's banner.
        host: the server's name.
        ip: its address.
    """

    def __init__(self, line: Loopback, host: str, ip: str) -> None:
        self.host: str = host
        self.ip: str = ip
        self._line = line
        self._offer = NOTHING

    async def begin(self, helo: str, *, tls: bool) -> None:
        """Wait for the banner, and greet the server with EHLO or HELO.

        Args:
            helo: the relay's name.
            tls: whether to encrypt if the server offers STARTTLS.

        Raises:
            Refused: if the server refuses the connection, or EHLO and HELO.
            LineLost: if it hangs up.
        """
        line = self._line
        self._checked(await line.reply(), Stage.CONNECT)
        self._offer = await self._hello(helo)
        if tls and "STARTTLS" in self._offer.keywords and (await line.say(b"STARTTLS\r\n")).positive:
            line.encrypt(self.host)
            self._offer = await self._hello(helo)

    async def transact(self, mail: QueuedMail, recipients: list[QueuedRecipient]) -> None:
        """Hand a mail over, and note the outcome at each recipient.

        Args:
            mail: the mail.
            recipients: those of its recipients whose mail goes to this server.

        Raises:
            LineLost: if the server hangs up before the outcome is known.
        """
        missing = self._missing(mail, recipients)
        if missing:
            status, extension = missing
            why = f"{self.host} does not offer {extension}, which the mail needs"
            settle(recipients, DeliveryOutcome("failed", status, why=why, host=self.host, ip=self.ip))
            return
        reply = await self._said(f"MAIL FROM:<{mail.sender}>{self._mail_parameters(mail)}")
        if not reply.positive:
            await self._refused(recipients, reply, Stage.MAIL)
            return
        taken: list[QueuedRecipient] = []
        for number, recipient in enumerate(recipients):
            reply = await self._named(recipient)
            if reply.closes:
                await self._refused(taken + recipients[number:], reply, Stage.RCPT)
                return
            if reply.positive:
                taken.append(recipient)
            else:
                recipient.outcome = self._refusal(reply, Stage.RCPT)
        if not taken:
            await self._said("RSET")
            return
        stage, reply = await self._content(mail)
        if reply.positive:
            confirms = "DSN" in self._offer.keywords
            status = reply.enhanced or "2.0.0"
            settle(
                taken,
                DeliveryOutcome("sent", status, str(reply), host=self.host, ip=self.ip, confirms=confirms),
            )
        else:
            await self._refused(taken, reply, stage)

    async def quit(self) -> None:
        """Say QUIT, and close the connection."""
        with contextlib.suppress(LineLost):
            await self._said("QUIT")
        self._line.hang_up()

    def hang_up(self) -> None:
        """Close the connection without QUIT."""
        self._line.hang_up()

    @property
    def open(self) -> bool:
        """Whether the connection is still open."""
        return self._line.open

    async def _hello(self, helo: str) -> Offer:
        reply = await self._said(f"EHLO {helo}")
        if reply.code < 500:
            return offer_of(self._checked(reply, Stage.EHLO).lines[1:])
        self._checked(await self._said(f"HELO {helo}"), Stage.EHLO)
        return NOTHING

    async def _named(self, recipient: QueuedRecipient) -> Reply:
        options = parameters_to_relay("RCPT", recipient.options, self._offer)
        return await self._said(" ".join((f"RCPT TO:<{recipient.address}>", *options)))

    async def _content(self, mail: QueuedMail) -> tuple[Stage, Reply]:
        """Send a mail's content; the last reply, and the stage that it was given at."""
        if _binary(mail):
            chunk = b"BDAT %d LAST\r\n" % len(mail.content) + mail.content
            return Stage.MESSAGE, await self._line.say(chunk)
        reply = await self._said("DATA")
        if not reply.positive:
            return Stage.DATA, reply
        content = mail.content if mail.content.endswith(b"\r\n") else mail.content + b"\r\n"
        stuffed = (b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:]
        return Stage.MESSAGE, await self._line.say(stuffed + b".\r\n")

    async def _refused(self, recipients: list[QueuedRecipient], reply: Reply, stage: Stage) -> None:
        settle(recipients, self._refusal(reply, stage))
        if reply.closes:
            self.hang_up()
        else:
            await self._said("RSET")

    def _refusal(self, reply: Reply, stage: Stage) -> DeliveryOutcome:
        status = _status(reply)
        return DeliveryOutcome(verdict(status), status, str(reply), host=self.host, ip=self.ip, stage=stage)

    def _mail_parameters(self, mail: QueuedMail) -> str:
        given = [f"SIZE={len(mail.content)}"] if "SIZE" in self._offer.keywords else []
        given += parameters_to_relay("MAIL", mail.options, self._offer)
        return "".join(f" {it}" for it in given)

    def _missing(self, mail: QueuedMail, recipients: list[QueuedRecipient]) -> tuple[str, str] | None:
        """The status code for an extension that the mail needs and the server lacks, and the extension."""
        offered = self._offer.keywords
        addresses = (mail.sender, *(it.address for it in recipients))
        if "SMTPUTF8" not in offered and not all(address.isascii() for address in addresses):
            return "5.6.7", "SMTPUTF8"
        if _binary(mail) and not {"CHUNKING", "BINARYMIME"} <= offered:
            return "5.6.3", "BINARYMIME"
        return None

    def _checked(self, reply: Reply, stage: Stage) -> Reply:
        if not reply.positive:
            self._line.hang_up()
            raise Refused(reply, stage)
        return reply

    async def _said(self, command: str) -> Reply:
        return await self._line.say(f"{command}\r\n".encode())


def settle(recipients: Iterable[QueuedRecipient], outcome: DeliveryOutcome) -> None:
    """Note the outcome of an attempt at several recipients.

    Args:
        recipients: the recipients.
        outcome: the outcome, the same for all of them.
    """
    for recipient in recipients:
        recipient.outcome = outcome


def verdict(status: str) -> Literal["failed", "deferred"]:
    """Whether an enhanced status code ends the attempts ("failed") or lets them go on ("deferred")."""
    return "failed" if status.startswith("5") else "deferred"


def _status(reply: Reply) -> str:
    # An enhanced code of another class than the reply's is the server's mistake; the reply counts.
    digit = str(reply.code)[0]
    return reply.enhanced if reply.enhanced and reply.enhanced.startswith(digit) else f"{digit}.0.0"


def _binary(mail: QueuedMail) -> bool:
    return parameter_of(mail.options, "BODY").upper() == "BINARYMIME"
