"""What an application says of a mail: by what it returns, raises, or has in its database."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from pytest_mailnet.audit.settings import AuditSettings
from pytest_mailnet.audit.verdicts import Belief
from pytest_mailnet.errors import Crash, InvalidSetting, amongst, behind

__all__ = ["Mail", "Said", "asked_of_database", "of_call", "of_word"]

_WORDS = (Belief.SENT, Belief.DEFERRED, Belief.FAILED)


@dataclass(frozen=True, slots=True)
class Mail:
    """The mail that an application is to send.

    Attributes:
        sender: its sender.
        recipients: its recipients.
        message_id: its Message-ID, without angle brackets.
    """

    sender: str
    recipients: tuple[str, ...]
    message_id: str

    @property
    def content(self) -> bytes:
        """The mail as bytes."""
        return (
            f"From: {self.sender}\r\nTo: {', '.join(self.recipients)}\r\nSubject: An audit\r\n"
            f"Message-ID: <{self.message_id}>\r\n\r\nOne mail, once.\r\n"
        ).encode()


@dataclass(frozen=True, slots=True)
class Said:
    """What an application has said after a call.

    Attributes:
        text: in words: "returned None", "raised ConnectionRefusedError: ...", "exit status 1".
        believed: what it believes of each recipient.
        network: whether it has raised an error of the network.
        unended: why it has not ended; "" for one that has.
        for_good: whether it would never end.
    """

    text: str
    believed: Mapping[str, Belief]
    network: bool = False
    unended: str = ""
    for_good: bool = False


def of_call(call: Callable[[], Any], mail: Mail, fates: Mapping[str, str]) -> Said:
    """Make a call, and read what it says.

    An exception says that nothing was sent, or of which `recipients` that is so, as one of smtplib does. A
    mapping has the fates of recipients, or refusals as smtplib's `sendmail` returns them. Other values are
    fates: "sent", "deferred" or "failed", what the settings have for these, and False and 0 for not sent;
    everything else, None too, says that the mail is sent.

    Args:
        call: sends the mail.
        mail: the mail.
        fates: the application's words for "sent", "deferred" and "failed".
    """
    try:
        returned = call()
    except (KeyboardInterrupt, InvalidSetting):
        raise
    except BaseException as error:
        if any(isinstance(it, Crash) for it in behind(error)):  # the dead say nothing
            raise
        text = f"raised {type(error).__name__}: {error}".rstrip(": ")
        return Said(text, _of_exception(error, mail), isinstance(error, OSError))
    text = f"returned {returned!r}"
    if isinstance(returned, Mapping) and returned.keys() <= set(mail.recipients):
        told = {to: _of_reply(it, fates) for to, it in returned.items()}
        return Said(text, {to: told.get(to, Belief.SENT) for to in mail.recipients})
    return Said(text, dict.fromkeys(mail.recipients, _of_value(returned, fates)))


def of_word(word: Any, fates: Mapping[str, str]) -> Belief:
    """What a word of the application's says of a mail; None is no word.

    Raises:
        InvalidSetting: for a word that is unknown.
    """
    if word is None:
        return Belief.UNKNOWN
    meant = fates.get(str(word), str(word))
    if meant not in _WORDS:
        raise InvalidSetting(
            f"the application believes {word!r}: what is that{amongst(meant, _WORDS)}? "
            f'fates = {{ "{word}" = "deferred" }} in [tool.mailnet.audit] of pyproject.toml tells'
        )
    return Belief(meant)


def asked_of_database(said: Said, mail: Mail, settings: AuditSettings, folder: str) -> Said:
    """The same with what the application's database says, if the settings have a query.

    Args:
        said: what the application has said.
        mail: the mail.
        settings: the query.
        folder: the folder of the case, where the database may be.

    Raises:
        InvalidSetting: if the database or the query is wrong.
    """
    if not settings.query:
        return said
    believed, database = {}, settings.database.replace("{folder}", folder)
    for recipient in mail.recipients:
        asked = {"message_id": mail.message_id, "recipient": recipient, "sender": mail.sender}
        try:
            with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
                row = connection.execute(settings.query, asked).fetchone()
        except sqlite3.Error as error:
            raise InvalidSetting(
                f"[tool.mailnet.audit] query = {settings.query!r} of {database}: {error}"
            ) from error
        believed[recipient] = of_word(None if row is None else row[0], settings.fates)
    told = ", ".join(dict.fromkeys(believed.values()))
    return Said(f"{said.text}; its database says {told}", believed)


def _of_exception(error: BaseException, mail: Mail) -> Mapping[str, Belief]:
    refused = getattr(error, "recipients", None)
    if isinstance(refused, Mapping) and refused.keys() <= set(mail.recipients):
        return {to: Belief.NOT_SENT if to in refused else Belief.SENT for to in mail.recipients}
    return dict.fromkeys(mail.recipients, Belief.NOT_SENT)


def _of_reply(value: Any, fates: Mapping[str, str]) -> Belief:
    if isinstance(value, tuple) and value and isinstance(value[0], int):
        return Belief.SENT if value[0] < 400 else Belief.NOT_SENT
    return _of_value(value, fates)


def _of_value(value: Any, fates: Mapping[str, str]) -> Belief:
    if str(value) in {*fates, *_WORDS}:
        return of_word(value, fates)
    return Belief.NOT_SENT if value is False or (isinstance(value, int) and value == 0) else Belief.SENT
