"""Which of a provider's replies a client was given, read from the bytes that it got."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from pytest_mailnet.providers import Phrase
from pytest_mailnet.values import Stage

__all__ = ["MetPhrases", "tellable"]

_VARIABLE = re.compile(r"\{\{(\w+)\}\}|\{(\w+)\}", re.ASCII)
_BOUNCE = "ndr"


def tellable(phrases: Mapping[str, Phrase]) -> list[str]:
    """The names of the replies that servers give; without those of bounces."""
    return [name for name, phrase in phrases.items() if phrase.stage != _BOUNCE]


class _Pattern(NamedTuple):
    name: str
    stage: str
    role: str
    fixed: int  # how many characters are the same each time
    form: re.Pattern[str]


class MetPhrases:
    """Finds the phrases behind replies.

    Args:
        phrases: a provider's own phrases, by name.
    """

    def __init__(self, phrases: Mapping[str, Phrase]) -> None:
        self.names: list[str] = tellable(phrases)
        self._by_code: dict[bytes, list[_Pattern]] = {}
        for name in self.names:
            pattern = _pattern(name, phrases[name])
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
        found = [it for it in self._by_code.get(reply[:3], ()) if it.form.fullmatch(said)]
        # The longest text says most; what else they differ by counts only where there is a choice.
        found = [it for it in found if it.fixed == max(each.fixed for each in found)]
        found = [it for it in found if it.stage == stage] or found
        found = [it for it in found if it.role == role] or found
        return [it.name for it in found]


def _pattern(name: str, phrase: Phrase) -> _Pattern:
    written = str(phrase.reply).replace("\n", "\r\n")
    form, fixed, begin = "", 0, 0
    for variable in _VARIABLE.finditer(written):
        text = written[begin : variable.start()]
        fixed += len(text)
        braces = variable[1]
        form += re.escape(text) + (re.escape(f"{{{braces}}}") if braces else r"[^\r\n]*?")
        begin = variable.end()
    rest = written[begin:]
    return _Pattern(name, phrase.stage, phrase.role, fixed + len(rest), re.compile(form + re.escape(rest)))
