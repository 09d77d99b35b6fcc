"""Which of a provider's replies a client was given, read from the bytes that it got."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pytest_mailnet.providers import Phrase
from pytest_mailnet.values import Stage

__all__ = ["MetPhrases", "tellable"]

_VARIABLE = re.compile(r"\{\{(\w+)\}\}|\{(\w+)\}", re.ASCII)
_BOUNCE = "ndr"


def tellable(phrases: Mapping[str, Phrase]) -> list[str]:
    """The names of the replies that servers give; without those of bounces."""
    return [name for name, phrase in phrases.items() if phrase.stage != _BOUNCE]


@dataclass(frozen=True)
class _Pattern:
    """A phrase, prepared for comparison."""

    phrase: Phrase
    begins: str  # the text before the first variable, which rules most of them out

    @functools.cached_property
    def form(self) -> re.Pattern[str]:
        return re.compile("".join(re.escape(it) if fixed else r"[^\r\n]*?" for fixed, it in self._pieces))

    @functools.cached_property
    def fixed(self) -> int:
        """How many characters are the same each time."""
        return sum(len(it) for fixed, it in self._pieces if fixed)

    @property
    def _pieces(self) -> Iterator[tuple[bool, str]]:
        """The texts, and the variables; variables in double braces are texts."""
        first, *found = _VARIABLE.split(_written(self.phrase))
        yield True, first
        for escaped, name, text in zip(found[::3], found[1::3], found[2::3], strict=True):
            yield (False, name) if name else (True, f"{{{escaped}}}")
            yield True, text


class MetPhrases:
    """Finds the phrases behind replies.

    Args:
        phrases: a provider's own phrases, by name.
    """

    def __init__(self, phrases: Mapping[str, Phrase]) -> None:
        self.names: list[str] = tellable(phrases)
        self._by_code: dict[bytes, list[_Pattern]] = {}
        for name in self.names:
            pattern = _Pattern(phrases[name], _VARIABLE.split(_written(phrases[name]), maxsplit=1)[0])
            self._by_code.setdefault(b"%d" % phrases[name].reply.code, []).append(pattern)

    def of(self, reply: bytes, stage: str, role: str) -> list[str]:
        """The names of the phrases that a reply was made of: several if their texts are the same.

        Args:
            reply: the bytes as they went out.
            stage: the stage at which it was given; of equal texts, that stage's counts.
            role: "mx" or "submission"; likewise.
        """
        said = reply.decode("utf-8", "backslashreplace").rstrip("\r\n")
        if stage == Stage.EHLO and said[:4] == "250-":  # the extensions are no part of the phrase
            said = "250 " + said[4:].partition("\r\n")[0]
        found = [
            it
            for it in self._by_code.get(reply[:3], ())
            if said.startswith(it.begins) and it.form.fullmatch(said)
        ]
        if len(found) > 1:  # the longest text says most; the rest counts only where there is a choice
            longest = max(it.fixed for it in found)
            found = [it for it in found if it.fixed == longest]
            found = [it for it in found if it.phrase.stage == stage] or found
            found = [it for it in found if it.phrase.role == role] or found
        return [it.phrase.name for it in found]


def _written(phrase: Phrase) -> str:
    return str(phrase.reply).replace("\n", "\r\n")
