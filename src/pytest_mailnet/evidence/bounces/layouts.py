"""The layouts of bounces: what identifies a product, where it puts recipients, and the reasons for each."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pytest_mailnet.evidence.bounces.deliverystatus import server_in
from pytest_mailnet.evidence.bounces.mail import BouncedMail
from pytest_mailnet.evidence.bounces.nesting import innermost
from pytest_mailnet.evidence.bounces.prose import without_returned_mail
from pytest_mailnet.evidence.failure import Failure
from pytest_mailnet.evidence.permanence import Reason, in_words
from pytest_mailnet.evidence.replies import enhanced_in, reply_in
from pytest_mailnet.evidence.stages import named_stage
from pytest_mailnet.values import Stage

__all__ = [
    "ADDRESS",
    "END",
    "Layout",
    "failure_of",
    "failure_words",
    "in_lines",
    "laid_out",
    "passages",
    "spoken",
]

ADDRESS = r"[<\"'(\[]?(?P<address>[^\s<>\"',;:()\[\]@]{1,64}@[A-Za-z0-9._\-]{1,255})[>\"')\]]?"
"""A recipient, as a part of a pattern; its group "address" is the bare address."""

END = r"(?=\n[ \t]*\n|\Z)"
"""The end of a paragraph, as a part of a pattern."""

_MOST_WORDS = 500
_A_WORD = re.compile(r"[^\W\d_]{2}|\d{3}")


def in_lines(pattern: str) -> re.Pattern[str]:
    """Compile a pattern in which "^" and "$" match at each line, and "." matches line ends too."""
    return re.compile(pattern, re.MULTILINE | re.DOTALL)


class Layout(NamedTuple):
    r"""The layout of one product's bounces.

    Attributes:
        sign: matches a text that is in every bounce of the product. The search is in the text with a line
            end in front. So "\n" stands before every line, and is found much faster than "^".
        opens: matches a recipient, with the group "address". The text from there to the next recipient is
            this one's passage. It may have the groups of `details` too.
        details: patterns for a passage, with some of the groups "reply", "stage", "server", "words".
        ends: matches where the product's own text ends and the returned mail begins; None if unknown.
        field: the header field in which `sign` is looked for; "" for the text.
        stages: phrases of the product, each with the stage that it means.
    """

    sign: re.Pattern[str]
    opens: re.Pattern[str]
    details: tuple[re.Pattern[str], ...] = ()
    ends: re.Pattern[str] | None = None
    field: str = ""
    stages: tuple[tuple[re.Pattern[str], Stage], ...] = ()

    def failures_in(self, mail: BouncedMail) -> Iterator[Failure]:
        """The failed recipients in a bounce by this product; none in any other mail."""
        if not self.sign.search(str(mail.head[self.field] or "") if self.field else f"\n{mail.text}"):
            return
        text = spoken(mail, self.ends)
        above: dict[str, str] = {}
        for found, passage in passages(self.opens, text, mail.sender):
            named_here = {it: value for it, value in found.groupdict().items() if value and it != "address"}
            # A reason above several recipients is for each of them.
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
    """Read a mail by the first layout that finds a failure in it.

    Args:
        layouts: the layouts to try, in order.
        mail: the bounce.

    Returns:
        The failed recipients; none if no layout fits.
    """
    for layout in layouts:
        if found := list(layout.failures_in(mail)):
            yield from found
            return


def spoken(mail: BouncedMail, ends: re.Pattern[str] | None = None) -> str:
    """The text of a bounce without the mail that it returns in its text.

    Args:
        mail: the bounce.
        ends: matches where the bounce's own text ends; None to find the end by common phrases.
    """
    text = mail.text
    if ends is None:
        return without_returned_mail(text)
    found = ends.search(text)
    return text[: found.start()] if found else text


def passages(opens: re.Pattern[str], text: str, sender: str | None) -> Iterator[tuple[re.Match[str], str]]:
    """The recipients in a text, each with its passage: the text up to the next recipient.

    Recipients that are listed under each other share the passage behind the last of them; if that is empty,
    the text before the first.

    Args:
        opens: matches a recipient, with the group "address".
        text: the bounce's own text.
        sender: the address that got the bounce, which is no recipient; None if unknown.

    Returns:
        The first match of each address, and its passage.
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
    """Make a failure from the text that gives its reason.

    Args:
        recipient: the address.
        text: the reason; its reply may be quoted within another reply.
        stage: the command, or the product's name for it; "" for none.
        server: the remote server: a name, an address or both; "" if unknown.
        words: the part of the text to show if there is no reply; "" for all of it.
        status: the enhanced status code given beside the text; None for none.
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
        **why._replace(words=failure_words(why.words))._asdict(),
    )


def failure_words(text: str) -> str:
    """A text as the `words` of a failure: in one line, at most 500 characters."""
    return " ".join(text[: _MOST_WORDS * 4].split())[:_MOST_WORDS]
