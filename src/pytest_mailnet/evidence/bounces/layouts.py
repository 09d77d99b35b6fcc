"""How a product lays a bounce out: by what it is known, where recipients stand, what is told of each."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pytest_mailnet.evidence.bounces.deliverystatus import server_in
from pytest_mailnet.evidence.bounces.mail import BouncedMail
from pytest_mailnet.evidence.bounces.nesting import innermost
from pytest_mailnet.evidence.bounces.prose import own_words
from pytest_mailnet.evidence.failure import Failure
from pytest_mailnet.evidence.permanence import Reason, in_words
from pytest_mailnet.evidence.replies import enhanced_in, reply_in
from pytest_mailnet.evidence.stages import named_stage
from pytest_mailnet.values import Stage

__all__ = ["ADDRESS", "END", "Layout", "failure_of", "in_lines", "laid_out", "passages", "spoken", "told"]

ADDRESS = r"[<\"'(\[]?(?P<address>[^\s<>\"',;:()\[\]@]{1,64}@[A-Za-z0-9._\-]{1,255})[>\"')\]]?"
"""A recipient in a pattern; the address itself is its group "address"."""

END = r"(?=\n[ \t]*\n|\Z)"
"""The end of a paragraph in a pattern."""

_MOST_WORDS = 500
_A_WORD = re.compile(r"[^\W\d_]{2}|\d{3}")


def in_lines(pattern: str) -> re.Pattern[str]:
    """A pattern in which "^" and "$" are at each line, and "." goes on over lines."""
    return re.compile(pattern, re.MULTILINE | re.DOTALL)


class Layout(NamedTuple):
    """The layout of a product.

    Attributes:
        sign: what the product always prints.
        opens: where a recipient is named: the group "address"; what follows up to the next is told of it.
            Groups that `details` can have may stand in it as well.
        details: patterns of what is told of a recipient, the groups "reply", "stage", "server", "words".
        ends: where the product's own words end and the returned mail begins.
        field: a header field in which the sign stands; in the text, where empty.
        stages: words of the product that name a stage.
    """

    sign: re.Pattern[str]
    opens: re.Pattern[str]
    details: tuple[re.Pattern[str], ...] = ()
    ends: re.Pattern[str] | None = None
    field: str = ""
    stages: tuple[tuple[re.Pattern[str], Stage], ...] = ()

    def failures_in(self, mail: BouncedMail) -> Iterator[Failure]:
        """What a mail of the product tells; nothing for a mail that is not of it."""
        if not self.sign.search(str(mail.head[self.field] or "") if self.field else mail.text):
            return
        text = spoken(mail, self.ends)
        above: dict[str, str] = {}
        for found, passage in passages(self.opens, text, mail.sender):
            named_here = {it: value for it, value in found.groupdict().items() if value and it != "address"}
            # What stands above several recipients is told of each.
            above = named_here or ({} if _A_WORD.search(passage) else above)
            details = dict(above)
            for pattern in self.details:
                if detail := pattern.search(passage):
                    details |= {it: value for it, value in detail.groupdict().items() if value}
            failure = failure_of(
                found["address"],
                details.get("reply") or passage,
                stage=details.get("stage", ""),
                server=details.get("server", ""),
                words=details.get("words", ""),
            )
            named = next((stage for words, stage in self.stages if words.search(passage)), failure.stage)
            yield dataclasses.replace(failure, stage=named) if failure.reply else failure


def laid_out(layouts: Sequence[Layout], mail: BouncedMail) -> Iterator[Failure]:
    """What a mail tells by the first of some layouts that knows it."""
    for layout in layouts:
        if found := list(layout.failures_in(mail)):
            yield from found
            return


def spoken(mail: BouncedMail, ends: re.Pattern[str] | None = None) -> str:
    """A bounce's own words, without the mail that it returns in its text.

    Args:
        mail: the bounce.
        ends: where they end, if that is known of the product.
    """
    text = mail.text
    if ends is None:
        return own_words(text)
    found = ends.search(text)
    return text[: found.start()] if found else text


def passages(opens: re.Pattern[str], text: str, sender: str | None) -> Iterator[tuple[re.Match[str], str]]:
    """Each recipient with what is told of it.

    Recipients that are listed under each other share what is told behind the last of them, or before the
    first where nothing is.
    """
    unwelcome = (sender or "").lower()
    found: dict[str, re.Match[str]] = {}
    for it in opens.finditer(text):
        if it["address"].lower() != unwelcome:
            found.setdefault(it["address"].lower(), it)
    ends = [*(it.start() for it in found.values()), len(text)][1:]
    told_of = [text[it.end() : end] for it, end in zip(found.values(), ends, strict=True)]
    before = text[: next(iter(found.values())).start()] if found else ""
    for index, it in enumerate(found.values()):
        yield it, next(filter(_A_WORD.search, told_of[index:]), before)


def failure_of(
    recipient: str,
    text: str,
    *,
    stage: str = "",
    server: str = "",
    words: str = "",
    status: str | None = None,
) -> Failure:
    """A failed recipient, of the text that tells why.

    Args:
        recipient: the address.
        text: what is told; a reply in it may be quoted in another.
        stage: the command, or what the product calls it.
        server: the remote server, a name, an address or both.
        words: what is told in words, where that is less than the text.
        status: the enhanced status code beside it.
    """
    reply = reply_in(innermost(text))
    named = named_stage(stage) if stage else None
    why = Reason(reply, stage=named) if reply else in_words(words or text, named)
    host, address = server_in(server)
    return Failure(
        recipient=recipient.strip("."),
        host=host,
        address=address,
        status=status or (None if reply else enhanced_in(words or text)),
        **why._replace(words=told(why.words))._asdict(),
    )


def told(text: str) -> str:
    """A text in one line, as much of it as a message can show."""
    return " ".join(text[: _MOST_WORDS * 4].split())[:_MOST_WORDS]
