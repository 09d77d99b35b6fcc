"""The catalogue of replies as text, as JSON and as Markdown tables."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from pytest_mailnet.cli.tables import heading, row
from pytest_mailnet.errors import InvalidSetting, UnknownName
from pytest_mailnet.providers import Catalogue, Phrase
from pytest_mailnet.values import Reply

__all__ = [
    "ListedReply",
    "ages",
    "as_json",
    "as_markdown",
    "as_text",
    "matching_replies",
    "stale_before",
    "wire_bytes",
]

_CODE = re.compile(r"([2-5][0-9.]*)?")
_MIDDLE, _NEW = 2021, 2025


@dataclass(frozen=True, slots=True)
class ListedReply:
    """A phrase, and the name of the provider's file that it is from.

    Attributes:
        provider: "gmail", or "gmail-2009" for an era.
        phrase: the reply with its source.
    """

    provider: str
    phrase: Phrase

    @property
    def id(self) -> str:
        """The ID that `mailnet replies show` takes: "gmail/user_unknown"."""
        return f"{self.provider}/{self.phrase.name}"


def matching_replies(
    catalogue: Catalogue,
    *,
    provider: str = "",
    stage: str = "",
    code: str = "",
    text: str = "",
    before: int | None = None,
) -> list[ListedReply]:
    """The replies that match all conditions, in the order of the files; "" is no condition.

    Args:
        catalogue: the catalogue of providers.
        provider: the provider's name, an alias, or a name with an era, "gmail-2009"; "" for all, where an era
            that is `like` today's has only the replies that differ.
        stage: "rcpt", "message", …
        code: the beginning of the reply code or of the enhanced status code: "55", "5.7.26".
        text: a part of the reply's text or of its ID, in any case.
        before: a year, for the replies that are known from years before it, or from no year; None for all.

    Raises:
        UnknownName: if there is no such provider or stage; names the near misses.
        InvalidSetting: if no code can begin with `code`.
    """
    if provider:
        stem = catalogue.stem(provider)
        found = [ListedReply(stem, phrase) for phrase in catalogue.load_stem(stem).phrases.values()]
    else:
        found = [
            ListedReply(stem, phrase)
            for stem in catalogue.stems
            for phrase in catalogue.own_phrases(stem).values()
        ]
    if not _CODE.fullmatch(code):
        raise InvalidSetting(
            f"{code!r} begins no code; codes are like '550' and '5.7.26', '55' finds all 55x"
        )
    stages = sorted({entry.phrase.stage for entry in found})
    if stage and stage not in stages:
        raise UnknownName("stage", stage, stages, "These are the stages of the replies that there are.")
    return [
        entry
        for entry in found
        if stage in ("", entry.phrase.stage)
        and (
            str(entry.phrase.reply.code).startswith(code)
            or (entry.phrase.reply.enhanced or "").startswith(code)
        )
        and text.lower() in f"{entry.id}\n{entry.phrase.reply.text}".lower()
        and (before is None or entry.phrase.year is None or entry.phrase.year < before)
    ]


def stale_before(today: date, months: int) -> int:
    """The first year whose replies may be younger than so many months; those of years before are older.

    Args:
        today: the date from which to count back.
        months: the age in months, 36.

    Raises:
        InvalidSetting: if there are no such months.
    """
    if not 0 <= months < 12 * today.year:
        raise InvalidSetting(f"--stale {months}: it takes an age in months, as in --stale 36")
    return (12 * today.year + today.month - 1 - months) // 12


def ages(listed: Sequence[ListedReply]) -> str:
    """A line that tells how old the replies are: how many there are of which years."""
    years = [entry.phrase.year for entry in listed]
    counts = {
        f"of {_NEW} and later": sum(year is not None and year >= _NEW for year in years),
        f"of {_MIDDLE} to {_NEW - 1}": sum(year is not None and _MIDDLE <= year < _NEW for year in years),
        "older": sum(year is not None and year < _MIDDLE for year in years),
        "without a year": years.count(None),
    }
    return f"**{len(years):,} replies**: " + " · ".join(f"{count:,} {age}" for age, count in counts.items())


def wire_bytes(catalogue: Catalogue, identity: str) -> bytes:
    """The bytes of one reply on the wire, with its variables unfilled.

    Args:
        catalogue: the catalogue of providers.
        identity: the ID of the reply: "gmail/user_unknown".

    Raises:
        UnknownName: if there is no reply of that ID; names the near misses.
    """
    provider, _, name = identity.partition("/")
    identity = f"{catalogue.stem(provider)}/{name}"
    known = {entry.id: entry for entry in matching_replies(catalogue, provider=provider)}
    if identity not in known:
        raise UnknownName("reply", identity, known, "`mailnet replies` lists them.")
    return known[identity].phrase.reply.wire()


def as_text(listed: Iterable[ListedReply], width: int | None = None) -> Iterator[str]:
    """Two lines for each reply: its ID, stage and text; and its source.

    Args:
        listed: the replies, in order.
        width: the columns to cut the first line to; None to leave it long.
    """
    for entry in listed:
        phrase = entry.phrase
        line = f"{entry.id}  {phrase.stage}  {_in_one_line(phrase.reply)}"
        yield line if width is None else textwrap.shorten(line, width, placeholder=" ...")
        yield f"    {_known_from(phrase)}"


def as_json(listed: Iterable[ListedReply]) -> str:
    """A JSON list with an object for each reply; the lines of a reply are joined by line ends."""
    return json.dumps(
        [
            {
                "id": entry.id,
                "provider": entry.provider,
                "condition": entry.phrase.condition,
                "role": entry.phrase.role,
                "stage": entry.phrase.stage,
                "stage_evidence": entry.phrase.stage_evidence,
                "code": entry.phrase.reply.code,
                "enhanced": entry.phrase.reply.enhanced,
                "text": "\n".join(entry.phrase.reply.lines),
                "source": entry.phrase.source,
                "year": entry.phrase.year,
                "secondary": entry.phrase.secondary,
                "note": entry.phrase.note,
            }
            for entry in listed
        ],
        indent=1,
        ensure_ascii=False,
    )


def as_markdown(listed: Sequence[ListedReply]) -> Iterator[str]:
    """A line that tells the ages of the replies, and a Markdown table for each provider."""
    yield ages(listed)
    provider = ""
    for entry in listed:
        if entry.provider != provider:
            provider = entry.provider
            yield f"\n## {provider}\n"
            yield from heading("reply", "stage", "what is said", "known from")
        phrase = entry.phrase
        yield row(f"`{phrase.name}`", phrase.stage, f"`{_in_one_line(phrase.reply)}`", _known_from(phrase))


def _in_one_line(reply: Reply) -> str:
    enhanced = f"{reply.enhanced} " if reply.enhanced else ""
    return f"{reply.code} {enhanced}{reply.text}"


def _known_from(phrase: Phrase) -> str:
    second_hand = ", second-hand" if phrase.secondary else ""
    year = f" {phrase.year}" if phrase.year else ""
    note = f" ({phrase.note})" if phrase.note else ""
    return f"stage {phrase.stage_evidence}{second_hand}{year}: {phrase.source}{note}"
