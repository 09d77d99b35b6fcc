"""What is known of the web hooks of one operator, and the reading of failures by it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from pytest_mailnet.evidence.failure import Failure
from pytest_mailnet.evidence.permanence import Reason
from pytest_mailnet.evidence.webhooks.diagnosis import operator_words, reading, refusal
from pytest_mailnet.evidence.webhooks.members import (
    JsonObject,
    address_in,
    carried,
    holds,
    host_in,
    mailbox_in,
    needed,
    objects_in,
    status_in,
    text_at,
    value_at,
)

__all__ = ["WebHook"]

_Fate: TypeAlias = Literal["no_failure", "refused", "delayed", "failed", "doubtful", "unclear"]

_FATES: tuple[tuple[_Fate, Literal["failed", "delayed"] | None], ...] = (
    ("no_failure", None),
    ("refused", "failed"),
    ("delayed", "delayed"),
    ("failed", "failed"),
    ("doubtful", None),
    ("unclear", None),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebHook:
    """A row of the table: how an operator's web hooks are recognised, and where the facts stand in them.

    Paths and conditions are those of `members.value_at` and `members.holds`. Of the conditions from
    `no_failure` to `unclear` the first that holds decides; an event for which none holds is no failure.

    Attributes:
        name: what its web hooks are called in messages, with an article.
        source: where their form is documented.
        signs: the condition under which an object is the operator's.
        carriers: the names of the members in which events are carried.
        no_failure: of events that look like a failure and are none.
        refused: of mails that the operator itself did not send, so that no server was asked.
        delayed: of mails that will be tried again.
        failed: of mails that were given up.
        doubtful: of mails that failed if a server's reply is quoted.
        unclear: of mails that failed, perhaps not for good.
        missing: a clause for messages that says why a web hook has no failure.
        parts: takes an event and returns it with other members, or one event for each recipient.
        recipient: the path of the recipient, or of an array of recipients.
        sender: the path of the sender.
        texts: the paths of texts about the failure: the first with a server's reply is read, or else the
            first, as the operator's own words.
        code: the path of the reply code, if it stands apart from its text.
        status: the path of the enhanced status code.
        host: the path of the server's name or address.
        address: the path of the server's address.
        address_if: the condition under which that is the server that refused.
        peer: matches the server in one of the texts, in the groups "address" and "host".
        quoted: matches an operator's text that quotes a server's reply, which is its first group.
        own: matches a text of the operator's that looks like a server's reply.
    """

    name: str
    source: str
    signs: str
    carriers: str = ""
    no_failure: str = ""
    refused: str = ""
    delayed: str = ""
    failed: str = ""
    doubtful: str = ""
    unclear: str = ""
    missing: str
    parts: Callable[[JsonObject], Iterable[JsonObject]] = lambda event: (event,)
    recipient: str
    sender: str = ""
    texts: str
    code: str = ""
    status: str = ""
    host: str = ""
    address: str = ""
    address_if: str = ""
    peer: re.Pattern[str] | None = None
    quoted: re.Pattern[str] | None = None
    own: re.Pattern[str] | None = None

    def recognises(self, document: Any) -> bool:
        """Whether a parsed document is of this operator."""
        if isinstance(document, dict) and needed(self.signs, self.carriers).isdisjoint(document):
            return False  # as almost every line of a log that is JSON
        return any(holds(self.signs, it) for it in carried(document, self.carriers.split()))

    def failures(self, document: Any) -> Iterator[Failure]:
        """Read the failures in a parsed document of this operator."""
        for it in filter(self.recognises, objects_in(document)):
            for event in carried(it, self.carriers.split()):
                for part in self.parts(event):
                    yield from self._failures_of(part)

    def _failures_of(self, event: JsonObject) -> Iterator[Failure]:
        fates = (it for it in _FATES if (condition := getattr(self, it[0])) and holds(condition, event))
        fate, action = next(fates, _FATES[0])
        if fate == "no_failure":
            return
        texts = [text for path in self.texts.split() if (text := text_at(event, path))]
        told = refusal(next(iter(texts), None)) if fate == "refused" else self._told(event, texts)
        if fate == "doubtful" and not told.reply:
            return
        host, address = (None, None) if fate == "refused" else self._server(event, texts)
        recipients = value_at(event, self.recipient)
        for recipient in recipients if isinstance(recipients, list) else (recipients,):
            yield Failure(
                recipient=mailbox_in(recipient),
                sender=mailbox_in(value_at(event, self.sender)),
                host=host,
                address=address,
                status=status_in(text_at(event, self.status)) or status_in("" if told.reply else told.words),
                action=action,
                read_as=(self.name,),
                **told._asdict(),
            )

    def _told(self, event: JsonObject, texts: list[str]) -> Reason:
        code = value_at(event, self.code)
        readings = [self._read(text, code) for text in texts] or [reading(code, None)]
        return next((it for it in readings if it.reply), readings[0])

    def _read(self, text: str, code: Any) -> Reason:
        quoted = self.quoted.search(text) if self.quoted else None
        inner = quoted[1] if quoted else text
        if self.own and self.own.search(inner):
            return operator_words(text)
        found = reading(code, inner)
        return operator_words(text) if quoted and not found.reply else found

    def _server(self, event: JsonObject, texts: list[str]) -> tuple[str | None, str | None]:
        if self.peer and (found := self.peer.search("\n".join(texts))):
            return host_in(found.groupdict().get("host")), address_in(found["address"])
        named = text_at(event, self.host)
        told = not self.address_if or holds(self.address_if, event)
        return host_in(named), address_in(text_at(event, self.address) if told else None) or address_in(named)
