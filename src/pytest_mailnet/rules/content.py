"""What a message must contain, and must not."""

from __future__ import annotations

import email
import re
from collections.abc import Iterator
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from typing import TYPE_CHECKING, ClassVar

from pytest_mailnet.errors import InvalidSetting
from pytest_mailnet.rules.rule import Condition, Refusal, RefusingRule, RuleContext
from pytest_mailnet.smtp.headers import addresses_of
from pytest_mailnet.values import Stage

if TYPE_CHECKING:
    from pytest_mailnet.smtp.state import Step

__all__ = [
    "BareLineFeed",
    "DuplicateHeader",
    "ForbiddenAttachment",
    "Gtube",
    "MissingHeader",
    "SeveralAuthors",
    "UndecodableHeader",
]

# The Generic Test for Unsolicited Bulk Email, https://spamassassin.apache.org/gtube/, in two parts so that
# this file may be mailed.
_GTUBE = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL" + b"*C.34X"
_LINE_FEED = ord("\n")
# What the email package raises over junk.
_STUMBLES = (AttributeError, LookupError, RecursionError, TypeError, ValueError)
_BARE_LF = re.compile(rb"(?<!\r)\n")
# A field of a part that may have a file's name in it, to the end of its last line.
_OF_A_FILE = re.compile(rb"(?is)content-(?:type|disposition):[^\n]*(?:\n[ \t][^\n]*)*")


class _OfContent(RefusingRule):
    stages: ClassVar[frozenset[Stage]] = frozenset({Stage.MESSAGE})

    stage: Stage = Stage.MESSAGE


class Gtube(_OfContent):
    """Refuses messages that contain GTUBE, the string for testing spam filters."""

    reply: Condition = "content_spam"

    def decide(self, step: Step, context: RuleContext) -> Refusal | None:  # noqa: ARG002
        if _GTUBE not in (step.content or b""):
            return None
        return Refusal(self.reply, "the message has the GTUBE string in it")


class BareLineFeed(_OfContent):
    """Refuses messages with a line feed without a carriage return before it (RFC 5321, 2.3.8)."""

    reply: Condition = "bare_lf"

    def decide(self, step: Step, context: RuleContext) -> Refusal | None:  # noqa: ARG002
        content = step.content or b""
        if content.count(b"\n") == content.count(b"\r\n"):
            return None
        found = _BARE_LF.search(content)
        line = content.count(b"\n", 0, found.start()) + 1 if found else 0
        return Refusal(self.reply, f"line {line} of the message ends with a bare line feed")


class MissingHeader(_OfContent):
    """Refuses messages without a field.

    The reply can tell {header}.

    Attributes:
        header: its name: "From", "Date" (RFC 5322, 3.6), "Message-ID".
    """

    header: str = "From"
    reply: Condition = "missing_from_header"

    def decide(self, step: Step, context: RuleContext) -> Refusal | None:  # noqa: ARG002
        wanted = self.header.lower()
        if any(name == wanted and value for name, value in step.header_fields):
            return None
        return Refusal(self.reply, f"the message has no {self.header} field", {"header": self.header})


class DuplicateHeader(_OfContent):
    """Refuses messages that repeat a field which may occur only once (RFC 5322, 3.6).

    The reply can tell {header} and {count}.

    Attributes:
        headers: their names.
    """

    headers: tuple[str, ...] = (
        "From",
        "Sender",
        "Reply-To",
        "To",
        "Cc",
        "Bcc",
        "Message-ID",
        "In-Reply-To",
        "References",
        "Subject",
        "Date",
    )
    reply: Condition = "duplicate_header"

    def decide(self, step: Step, context: RuleContext) -> Refusal | None:  # noqa: ARG002
        names = [name for name, _ in step.header_fields]
        if len(set(names)) == len(names):
            return None
        for header in self.headers:
            count = names.count(header.lower())
            if count > 1:
                why = f"the message has {count} {header} fields"
                return Refusal(self.reply, why, {"header": header, "count": str(count)})
        return None


class SeveralAuthors(_OfContent):
    """Refuses messages with several addresses in From: RFC 5322, 3.6.2 allows them, DMARC does not."""

    reply: Condition = "multiple_addresses_in_from"

    def decide(self, step: Step, context: RuleContext) -> Refusal | None:  # noqa: ARG002
        values = [value for name, value in step.header_fields if name == "from"]
        if len(values) < 2 and not any("," in value for value in values):
            return None
        authors = [address for value in values for address in addresses_of(value)]
        if len(authors) < 2:
            return None
        return Refusal(self.reply, f"From has {len(authors)} addresses: {', '.join(authors)}")


class UndecodableHeader(_OfContent):
    """Refuses messages with a field that cannot be decoded: a broken encoded word (RFC 2047), or no UTF-8.

    The reply can tell {header}.

    Attributes:
        headers: the names of the fields that are decoded.
    """

    headers: tuple[str, ...] = ("From", "Subject")
    reply: Condition = "headers_not_rfc"

    def decide(self, step: Step, context: RuleContext) -> Refusal | None:  # noqa: ARG002
        wanted = {header.lower(): header for header in self.headers}
        for name, value in step.header_fields:
            header = wanted.get(name)
            if header is not None and not _decodable(value):
                return Refusal(self.reply, f"{header} cannot be decoded: {value!r}", {"header": header})
        return None


class ForbiddenAttachment(_OfContent):
    """Refuses messages with an attached file whose name has a forbidden extension. Archives are not opened.

    The reply can tell {reason}, the file's name.

    Attributes:
        extensions: the forbidden ones, in lower case and without the dot: "exe".

    Raises:
        InvalidSetting: for an extension that no name can end with.
    """

    extensions: tuple[str, ...]
    reply: Condition = "blocked_attachment_type"

    def __post_init__(self) -> None:
        for it in self.extensions:
            if not it or it != it.lower() or "." in it:
                raise InvalidSetting(f"extensions: {it!r} is to be in lower case and without dots: 'exe'")

    def decide(self, step: Step, context: RuleContext) -> Refusal | None:  # noqa: ARG002
        # Parsing costs more than all the other rules: most messages have no file in them.
        if not _may_have_a_file(step.content or b""):
            return None
        for name in _file_names(step.content or b""):
            if "." in name and name.lower().rpartition(".")[2] in self.extensions:
                return Refusal(self.reply, f"{name!r} is attached, of a forbidden type", {"reason": name})
        return None


def _decodable(value: str) -> bool:
    if "=?" in value:
        try:
            make_header(decode_header(value))
        except (HeaderParseError, LookupError, ValueError):
            return False
    return "\ufffd" not in value


def _may_have_a_file(content: bytes) -> bool:
    lowered = content.lower()
    at = lowered.find(b"content-")
    while at >= 0:
        found = _OF_A_FILE.match(lowered, at) if at == 0 or lowered[at - 1] == _LINE_FEED else None
        if found and b"name" in found[0]:
            return True
        at = lowered.find(b"content-", at + 1)
    return False


def _file_names(content: bytes) -> Iterator[str]:
    # By the email package's old policy: the modern one fails as a whole on junk in a field of one part.
    try:
        parts = list(email.message_from_bytes(content).walk())
    except RecursionError:  # parts in parts in parts, deeper than anybody looks
        return
    for part in parts:
        yield _decoded(part.get_filename(""))


def _decoded(name: str) -> str:
    """A file's name out of encoded words, in which many programs put it (against RFC 2047, 5)."""
    try:
        return str(make_header(decode_header(name)))
    except (HeaderParseError, LookupError, ValueError):
        return name
