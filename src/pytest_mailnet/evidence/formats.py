"""The two kinds of evidence formats, for text and for JSON: how one is recognised and read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pytest_mailnet.evidence.failure import Failure

__all__ = ["DocumentFormat", "LineFormat"]


@dataclass(frozen=True, slots=True)
class LineFormat:
    """A text format that is read line by line, in constant memory, such as a log or a transcript.

    Attributes:
        name: its name in messages, with an article: "a mail log".
        missing: a clause for messages that says why a text of this format has no failure: "no line in it
            tells of a failed delivery".
        recognises: takes the beginning of a text (some 64 KiB; its last line may be cut) and returns whether
            it is of this format.
        failures: reads the failures in lines; the lines come without their ends, at most 65,536
            characters each.
    """

    name: str
    missing: str
    recognises: Callable[[str], bool]
    failures: Callable[[Iterable[str]], Iterator[Failure]]


@dataclass(frozen=True, slots=True)
class DocumentFormat:
    """A JSON format: the body of a web hook, or an event that an error tracker exports.

    Attributes:
        name: its name in messages, with an article: "an Amazon SES notification".
        missing: a clause for messages that says why a document of this format has no failure.
        recognises: takes a parsed document and returns whether it is of this format.
        failures: reads the failures in a parsed document.
    """

    name: str
    missing: str
    recognises: Callable[[Any], bool]
    failures: Callable[[Any], Iterator[Failure]]
