"""A provider's replies, by the condition under which it gives them."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from pytest_mailnet.errors import ReadOnly, UnknownAttribute, UnknownName
from pytest_mailnet.values import Reply

__all__ = ["InFront", "Phrase", "Phrasebook", "Replies", "WithOthers"]

# Conditions with the reply of another condition, unless the provider has one for them.
_ALSO = {
    "auth_needs_tls": "starttls_required",
    "auth_not_enabled": "unrecognized_command",
    "bdat_before_mail": "data_before_rcpt",
    "bdat_before_rcpt": "data_before_rcpt",
    "auth_twice": "reauth_other_identity",
    "bdat_not_offered": "unrecognized_command",
    "data_before_mail": "data_before_rcpt",
    "empty_command": "unrecognized_command",
    "etrn": "command_unimplemented",
    "etrn_syntax": "command_unimplemented",
    "expn": "command_unimplemented",
    "expn_syntax": "command_unimplemented",
    "help_syntax": "rset_syntax",
    "helo_invalid": "helo_syntax",
    "mail_body_syntax": "mail_syntax",
    "mail_option_syntax": "mail_syntax",
    "mail_size_syntax": "mail_syntax",
    "message_too_big_declared": "message_too_big",
    "noop_syntax": "rset_syntax",
    "ok_queued_chunks": "ok_queued",
    "over_quota": "mailbox_full",
    "rcpt_option_syntax": "rcpt_syntax",
    "recipient_restricted": "bad_recipient_syntax",
    "smtputf8_not_offered": "mail_parameter",
    "starttls_not_offered": "unrecognized_command",
    "starttls_repeated": "starttls_already_active",
    "starttls_with_parameters": "starttls_syntax",
    "timeout_in_content": "timeout",
    "turn": "command_unimplemented",
    **{
        f"{whose}_without_{what}": f"bad_{whose}_syntax"
        for whose in ("sender", "recipient")
        for what in ("domain", "local_part", "host")
    },
    **{
        f"{whose}_{what}": f"bad_{whose}_syntax"
        for whose in ("sender", "recipient")
        for what in ("empty", "unclosed", "unopened")
    },
    **{f"vrfy_{what}": "vrfy" for what in ("foreign", "user_known", "user_unknown", "without_domain")},
    "vrfy_before_ehlo": "helo_required",
}


class Phrase(NamedTuple):
    """A reply of a provider, with its source.

    Attributes:
        name: its key in the phrasebook: the condition, with a suffix where the provider has several replies
            for one condition.
        condition: why it is given, such as "user_unknown".
        stage: where it is given: a `Stage` value, "any", or "ndr" for the provider's own bounces only.
        reply: the reply, its variables unfilled.
        source: the public page, file or capture that it was taken from.
        year: the year of the source; None if unknown.
        stage_evidence: how the stage is known: "captured", "documented", "source code" or "inferred".
        role: "mx", or "submission" for a reply that only the provider's users get.
        secondary: whether the source is somebody's list that quotes the reply.
        note: remarks on oddities.
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


class WithOthers(Mapping[str, Phrase]):
    """Some phrases; they also stand for conditions that have none of their own among them.

    Args:
        phrases: the phrases, by name. One is read when it is asked for.
    """

    def __init__(self, phrases: Mapping[str, Phrase]) -> None:
        self._phrases = phrases
        self._others = {
            name: other for name, other in _ALSO.items() if other in phrases and name not in phrases
        }

    def __getitem__(self, condition: str) -> Phrase:
        return self._phrases[self._others.get(condition, condition)]

    def __contains__(self, condition: object) -> bool:
        return condition in self._others or condition in self._phrases

    def __iter__(self) -> Iterator[str]:
        yield from self._phrases
        yield from self._others

    def __len__(self) -> int:
        return len(self._phrases) + len(self._others)


class InFront(Mapping[str, Phrase]):
    """Phrases, and others for the conditions that are not among them. One is read when it is asked for.

    Args:
        phrases: the phrases, by condition or name.
        others: the others.
    """

    def __init__(self, phrases: Mapping[str, Phrase], others: Mapping[str, Phrase]) -> None:
        self._phrases, self._others = phrases, others

    def __getitem__(self, condition: str) -> Phrase:
        return (self._phrases if condition in self._phrases else self._others)[condition]

    def __contains__(self, condition: object) -> bool:
        return condition in self._phrases or condition in self._others

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys((*self._others, *self._phrases)))

    def __len__(self) -> int:
        return len(self._phrases.keys() | self._others.keys())


class Phrasebook(Mapping[str, Phrase]):
    """The phrases of one provider by condition or name; RFC 5321's for conditions that it has none for.

    Args:
        owner: the provider's name, for messages.
        phrases: the provider's own phrases, by name.
        stock: the phrases for conditions without one in `phrases`.
        role: "mx"; or "submission", for which the provider's submission phrases go before its MX hosts'.
    """

    def __init__(
        self, owner: str, phrases: Mapping[str, Phrase], stock: Mapping[str, Phrase], role: str = "mx"
    ) -> None:
        self._owner = owner
        self._own, self._stock, self._role = phrases, stock, role
        self._found: dict[str, Phrase] = {}

    @functools.cached_property
    def _phrases(self) -> Mapping[str, Phrase]:
        """All of them. For submission each has to be read, and few tests log in: so at the first question."""
        phrases = self._own
        if self._role != "mx":
            own: dict[str, Phrase] = {}
            for phrase in phrases.values():
                if phrase.role == self._role:
                    own.setdefault(phrase.condition, phrase)
            phrases = {**phrases, **own, **{it.name: it for it in own.values()}}
        return InFront(WithOthers(phrases), self._stock)

    def __getitem__(self, condition: str) -> Phrase:
        found = self._found.get(condition)
        if found is not None:
            return found
        try:
            return self._found.setdefault(condition, self._phrases[condition])
        except KeyError:
            raise UnknownName(
                f"reply of {self._owner}",
                condition,
                self._phrases,
                "`mailnet replies` lists those of each provider. One of your own is a text: "
                ".reply('550 5.1.1 No such user').",
            ) from None

    def __contains__(self, condition: object) -> bool:
        return condition in self._phrases

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

    if not TYPE_CHECKING:  # for the type checker, they cannot be set

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
