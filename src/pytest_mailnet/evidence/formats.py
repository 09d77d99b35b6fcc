"""What a reader of evidence is: which texts or documents it takes, and what it finds in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pytest_mailnet.evidence.failure import Failure

__all__ = ["DocumentFormat", "LineFormat"]


@dataclass(frozen=True, slots=True)
class LineFormat:
    """A kind of text that is read line by line, in constant memory: a log, a transcript.

    Attributes:
        name: what messages call it: "a mail log".
        missing: what a text of the kind lacks in which no failure is found, as a clause: "no line in it tells
            of a failed delivery".
        recognises: whether a text is of the kind, by its beginning (some 64 KiB; its last line may be cut).
        failures: what lines tell; they come without their ends, at most 64 KiB each.
    """

    name: str
    missing: str
    recognises: Callable[[str], bool]
    failures: Callable[[Iterable[str]], Iterator[Failure]]


@dataclass(frozen=True, slots=True)
class DocumentFormat:
    """A kind of JSON document: what a web hook was called with, or what an error tracker exports.

    Attributes:
        name: what messages call it: "an Amazon SES notification".
        missing: what a document of the kind lacks in which no failure is found, as a clause.
        recognises: whether a parsed document is of the kind.
        failures: what it tells.
    """

    name: str
    missing: str
    recognises: Callable[[Any], bool]
    failures: Callable[[Any], Iterator[Failure]]
