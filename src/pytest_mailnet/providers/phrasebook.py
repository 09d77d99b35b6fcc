"""A provider's replies, by the condition under which it gives them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_mailnet.errors import ReadOnly, UnknownAttribute, UnknownName
from pytest_mailnet.values import Reply

__all__ = ["Phrase", "Phrasebook", "Replies"]

# Conditions for which a provider says the same as for another, unless it has words of its own.
_ALSO = {
    "auth_needs_tls": "starttls_required",
    "auth_not_enabled": "unrecognized_command",
    "auth_twice": "reauth_other_identity",
    "bdat_not_offered": "unrecognized_command",
    "message_too_big_declared": "message_too_big",
    "over_quota": "mailbox_full",
    "starttls_not_offered": "unrecognized_command",
    "starttls_repeated": "starttls_already_active",
    "starttls_with_parameters": "starttls_syntax",
}


@dataclass(frozen=True, slots=True)
class Phrase:
    """A reply with what is known of it.

    Attributes:
        name: what it goes by in its phrasebook; the condition, with more behind it where a provider has
            several replies for one.
        condition: why it is given: "user_unknown".
        stage: where: a `Stage` value, "any", or "ndr" for what stands only in the provider's own bounces.
        reply: the reply, its variables unfilled.
        source: the public page, file or capture that it was taken from.
        year: of that capture or page; None where it is unknown.
        stage_evidence: "captured", "documented", "source code" or "inferred".
        role: "mx", or "submission" for what only users of the provider meet.
        secondary: whether the source is somebody's list that quotes the reply.
        note: oddities.
    """

    name: str
    condition: str
    stage: str
    reply: Reply
    source: str
    year: int | None = None
    stage_evidence: str = "inferred"
    role: str = "mx"
    secondary: bool = False
    note: str = ""


class Phrasebook(Mapping[str, Phrase]):
    """The phrases of one provider, backed by those of RFC 5321 for what it has none for.

    Args:
        owner: the provider's name, for messages.
        phrases: its own.
        stock: what a server without phrases of its own says.
        role: "submission" for what submission servers say: where the provider has words for them, these go
            before those of its MX hosts.
    """

    def __init__(
        self, owner: str, phrases: Mapping[str, Phrase], stock: Mapping[str, Phrase], role: str = "mx"
    ) -> None:
        self._owner = owner
        if role != "mx":
            own: dict[str, Phrase] = {}
            for phrase in phrases.values():
                if phrase.role == role:
                    own.setdefault(phrase.condition, phrase)
            phrases = {**phrases, **own, **{it.name: it for it in own.values()}}
        self._phrases = {**stock, **phrases}
        for name, other in _ALSO.items():
            if other in phrases and name not in phrases:
                self._phrases[name] = phrases[other]

    def __getitem__(self, condition: str) -> Phrase:
        try:
            return self._phrases[condition]
        except KeyError:
            raise UnknownName(
                f"reply of {self._owner}",
                condition,
                self._phrases,
                "A reply of one's own is a text: .reply('550 5.1.1 No such user').",
            ) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._phrases)

    def __len__(self) -> int:
        return len(self._phrases)


class Replies:
    """A provider's replies as attributes: `mailnet.gmail.replies.user_unknown`."""

    def __init__(self, phrasebook: Phrasebook) -> None:
        self._phrasebook = phrasebook

    def __getattr__(self, condition: str) -> Reply:
        if condition.startswith("_"):
            raise AttributeError(condition)
        try:
            return self._phrasebook[condition].reply
        except UnknownName as unknown:
            raise UnknownAttribute(str(unknown)) from None

    if not TYPE_CHECKING:  # the type checker knows that they are not set

        def __setattr__(self, name: str, value: object) -> None:
            __tracebackhide__ = True
            if name != "_phrasebook":
                raise ReadOnly(
                    f"replies.{name} can only be read: an answer of one's own is scripted, "
                    ".on_rcpt('sales@*').reply('550 5.1.1 No such user')"
                )
            object.__setattr__(self, name, value)

    def __dir__(self) -> list[str]:
        return sorted(self._phrasebook)
