"""Reads bounces by their layouts: what is in every bounce of a product, and where each thing stands."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Literal, NamedTuple, TypeAlias

from pytest_mailnet.evidence.bounces.deliverystatus import server_in
from pytest_mailnet.evidence.bounces.mail import BouncedMail, unfolded
from pytest_mailnet.evidence.bounces.nesting import innermost
from pytest_mailnet.evidence.bounces.prose import without_returned_mail
from pytest_mailnet.evidence.failure import Failure
from pytest_mailnet.evidence.permanence import Reason, in_words
from pytest_mailnet.evidence.replies import enhanced_in, reply_in
from pytest_mailnet.evidence.stages import named_stage
from pytest_mailnet.handles.names import FaultName
from pytest_mailnet.values import Stage

__all__ = ["ADDRESS", "DIALOGUE", "END", "RECIPIENT", "Layout", "Meaning", "page_of"]

ADDRESS = r"[<\"'(\[]?(?P<address>[^\s<>\"',;:()\[\]@]{1,64}@[A-Za-z0-9._\-]{1,255})[>\"')\]]?"
"""A mail address, as a part of a pattern; it is a recipient's unless it is the sender's."""

RECIPIENT = ADDRESS.replace("address", "recipient")
"""A mail address that can only be a recipient's, as a part of a pattern."""

END = r"(?=\n[ \t]*\n|\Z)"
"""The end of a paragraph, as a part of a pattern."""

DIALOGUE = (
    r"^[ \t]*>>>[ \t]*(?P<stage>[A-Za-z]{4}(?:[ \t]+\w{2,4}:)?)[^\n]{0,600}\n"
    r"(?:[ \t]*<<<[ \t]*[23]\d\d[^\n]{0,600}\n)?"
    r"[ \t]*<<<[ \t]*(?P<reply>[45]\d\d[ \-].{1,4000}?)(?=\n[ \t]*\n|\n[ \t]*>>>|\Z)"
)
"""A refused command and its reply in a transcript, as a pattern."""

_DETAILS = {"reply", "stage", "server", "status", "words", "code", "original"}
_MOST_WORDS = 500
_MOST_RECIPIENTS = 200
_MANY_BLANKS = r"[ \t]{16,}"
_MANY_LINES = r"\n(?:[ \t]*\n){4,}"
_A_WORD = r"[^\W\d_]{2}|\d{3}"
_ARROW = r"^[ \t]*<<<[ \t]?"
_IN_HEAD = ("From", "Message-ID", "X-Failed-Recipients", "X-Mailer", "X-MS-Exchange-Message-Is-Ndr")
_DELAYED = (
    "this is a warning only",
    "this is a warning message only",
    "warning: message ",
    "been delayed",
    "is delayed for more than",
    "delayed mail",
    "(delay)",
    "delay reason:",
    "not yet been delivered",
    "delivery incomplete",
    "delivery attempts will continue",
    "will be retried",
    "will retry",
    "will keep trying",
    "will continue to try",
    "still being retried",
    "transient non-fatal errors",
)
_Action: TypeAlias = Literal["failed", "delayed"]
_Groups: TypeAlias = Mapping[str, str]


class Meaning(NamedTuple):
    """What a product means by a phrase.

    Attributes:
        phrase: matches the phrase in the passage of a recipient.
        stage: the stage of the session; None if the phrase does not tell.
        fault: the id of one of `pytest_mailnet.FAULTS`, if no server replied; "" for none, whatever words
            like those of an error are in the passage. A phrase with a fault means nothing beside a reply.
        rule: the rule by which the stage is inferred; None if the phrase states it.
    """

    phrase: str
    stage: Stage | None = None
    fault: FaultName | Literal[""] | None = None
    rule: str | None = None


class Layout(NamedTuple):
    r"""The layout of one product's bounces. All patterns are searched with MULTILINE and DOTALL.

    Attributes:
        name: what a person calls one of them, with an article: "a Postfix bounce".
        source: where its wording is documented or can be seen.
        sign: matches what is in every bounce of the product: in the text, the delivery status, or one of
            some header fields; each line has a "\n" in front, which is found much faster than "^".
        opens: matches a recipient, by `ADDRESS` or `RECIPIENT`. The text from there to the next recipient is
            this one's passage, or the group "said" is. It may have the groups of `details` too.
        details: patterns for a passage, with some of the groups "reply", "stage", "server", "status",
            "words", and "code" if that stands apart from the reply. The first that has a group counts; the
            reply is looked for in the passage where no pattern has it.
        shared: such patterns for the whole text, for what the passage does not tell.
        ends: matches where the product's own text ends and the returned mail begins; "" if unknown.
        elsewhere: header fields with the recipients if `opens` matches none: of the bounce, or "To" of the
            returned mail; "" for the first address in the text.
        meanings: phrases of the product; the first in a passage counts.
        recipients: finds the recipients of a mail in place of `opens`, each with what is told of it and its
            passage; where a pattern cannot.
    """

    name: str
    source: str
    sign: str = ""
    opens: str = r"(?!)"
    details: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    ends: str = ""
    elsewhere: tuple[str, ...] = ()
    meanings: tuple[Meaning, ...] = ()
    recipients: Callable[[BouncedMail], Iterator[tuple[str, _Groups, str]]] | None = None

    def recognises(self, page: str) -> bool:
        """Whether this product may have written a bounce, by what `page_of` makes of it."""
        return _compiled(self.sign).search(page) is not None

    def failures_in(self, mail: BouncedMail) -> Iterator[Failure]:
        """The failed recipients in a bounce by this product."""
        text = _own_text(mail.text, self.ends)
        told_at_all = " ".join(f"{mail.subject} {text}".lower().split())
        action: _Action = "delayed" if any(it in told_at_all for it in _DELAYED) else "failed"
        for recipient, named, passage in self._recipients(mail, text):
            told = self._details(named, passage, text)
            yield self._failure(recipient, told, passage, action)

    def _recipients(self, mail: BouncedMail, text: str) -> Iterator[tuple[str, _Groups, str]]:
        """Each failed recipient, what is told where it is named, and its passage."""
        if self.recipients is not None:
            yield from self.recipients(mail)
            return
        found = list(_passages(self.opens, text, mail.sender))
        yield from found
        for field in self.elsewhere:
            if not found:
                found = [(it, {}, text) for it in _listed(mail, text, field)]
                yield from found

    def _details(self, told: _Groups, passage: str, text: str) -> _Groups:
        details: dict[str, str] = {}
        for pattern, where in (*((it, passage) for it in self.details), *((it, text) for it in self.shared)):
            news = not _compiled(pattern).groupindex.keys() <= details.keys()
            if news and (found := _found(pattern, where)):
                details = _groups(found) | details
        return {**told, **details}

    def _failure(self, recipient: str, told: _Groups, passage: str, action: _Action) -> Failure:
        said = _compiled(_ARROW).sub("", told.get("reply", passage)).strip()
        if "code" in told and not said.startswith(told["code"]):
            said = f"{told['code']} {said}"
        reply = reply_in(innermost(said))
        words = " ".join((told.get("words") or said)[: _MOST_WORDS * 4].split())
        stage = named_stage(" ".join(told["stage"].split())) if "stage" in told else None
        meaning = next((it for it in self.meanings if _means(it, passage, reply)), Meaning(""))
        stage = meaning.stage or stage
        if reply:
            why = Reason(reply, stage=stage)
        elif meaning.fault is not None:
            why = Reason(fault=meaning.fault or None, stage=stage, words=words[:_MOST_WORDS])
        else:
            why = in_words(words, stage)
            why = why._replace(words=why.words[:_MOST_WORDS])
        host, address = server_in(told.get("server", ""))
        return Failure(
            recipient=recipient.strip("."),
            original=told.get("original"),
            host=host,
            address=address,
            stage_rule=meaning.rule or told.get("rule"),
            status=told.get("status") or (None if reply else enhanced_in(words)),
            action=action,
            read_as=(self.name,),
            **why._asdict(),
        )


def page_of(mail: BouncedMail) -> str:
    """What a product is recognised in: some header fields, the text, and the delivery status."""
    head = ((name, mail.head[name]) for name in _IN_HEAD)
    fields = (f"\n{name}: {unfolded(str(value))}" for name, value in head if value is not None)
    return f"{''.join(fields)}\n\n{mail.text}\n{mail.status}"


def _own_text(text: str, ends: str) -> str:
    """A bounce's text without the mail that it returns; no pattern has to go over long runs of blanks."""
    ended = _found(ends, text) if ends else None
    text = text[: ended.start()] if ended else text if ends else without_returned_mail(text)
    return _compiled(_MANY_LINES).sub("\n" * 5, _compiled(_MANY_BLANKS).sub(" " * 16, text))


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.MULTILINE | re.DOTALL)


def _found(pattern: str, text: str) -> re.Match[str] | None:
    return _compiled(pattern).search(text)


def _groups(found: re.Match[str]) -> dict[str, str]:
    return {name: value for name, value in found.groupdict().items() if value}


def _means(meaning: Meaning, passage: str, reply: tuple[str, ...]) -> bool:
    return not (reply and meaning.fault is not None) and _found(meaning.phrase, passage) is not None


def _passages(opens: str, text: str, sender: str | None) -> Iterator[tuple[str, _Groups, str]]:
    """The recipients that a text names, what is told with each name, and the passage behind it.

    Recipients that are listed under each other share the passage behind the last of them; if that is empty,
    the text before the first. A reason above several recipients is for each of them.
    """
    named: dict[str, tuple[re.Match[str], dict[str, str]]] = {}
    for found in _compiled(opens).finditer(text):
        told = _groups(found)
        if "recipient" in told or told["address"].lower() != (sender or "").lower():
            named.setdefault((told.get("recipient") or told["address"]).lower(), (found, told))
    starts = [found.start() for found, _ in named.values()] + [len(text)]
    told_of = [
        told.get("said") or text[found.end() : end]
        for (found, told), end in zip(named.values(), starts[1:], strict=True)
    ]
    above: dict[str, str] = {}
    for index, (_, told) in enumerate(named.values()):
        own = {name: it for name, it in told.items() if name in _DETAILS}
        above = own or ({} if _found(_A_WORD, told_of[index]) else above)
        passage = next((it for it in told_of[index:] if _found(_A_WORD, it)), text[: starts[0]])
        yield told.get("recipient") or told["address"], above, passage


def _listed(mail: BouncedMail, text: str, field: str) -> list[str]:
    """The addresses in all header fields of a name; none of several in "To", since any may have failed."""
    head = mail.returned if field == "To" else mail.head
    values = [unfolded(str(it)) for it in head.get_all(field, [])[:_MOST_RECIPIENTS]] if field else [text]
    named = (it["address"] for value in values for it in _compiled(ADDRESS).finditer(value))
    others = list(dict.fromkeys(it for it in named if field or it.lower() != (mail.sender or "").lower()))
    if not field:
        return others[:1]
    return others if field != "To" or len(others) == 1 else []
