"""Matches failures with the catalogue: finds the provider, the entry of the reply, and the stage."""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass

from pytest_mailnet.evidence import Failure
from pytest_mailnet.evidence.stages import inferred_stage, stage_of_status
from pytest_mailnet.faults import FAULTS, Fault
from pytest_mailnet.providers import Catalogue, Phrase
from pytest_mailnet.providers.zones import customer_zones, exchanges, exchanges_in
from pytest_mailnet.values import DELIVERY, Stage

__all__ = ["Recognised", "Recogniser"]

_VARIABLE = re.compile(r"\\\{[a-z_]+\\\}")
_STATUS = re.compile(r"^[245]\d\d[ -]?(?:[245]\.\d{1,3}\.\d{1,3}(?: |$))?")
_CUSTOMER = "customer.example"
_LEFT_OVER = 60  # characters that may follow a known reply: queue ids, codes of servers
_SOMEWHERE = "the evidence does not tell where the connection ended"
_SURE = ("captured", "documented", "source code")


@dataclass(frozen=True, slots=True)
class Recognised:
    """A failure, and its matches in the catalogue.

    Attributes:
        failure: the failure; its stage is inferred if the evidence does not state it.
        provider: the name of the provider that the failure is from; None if unknown.
        matches: the ID of the catalogue's reply, "gmail/user_unknown", or of the fault,
            "refused-at-connect"; None if it is new.
    """

    failure: Failure
    provider: str | None
    matches: str | None


@dataclass(frozen=True)
class _Known:
    """A reply of the catalogue, prepared for comparison."""

    id: str
    provider: str
    stage: str
    evidence: str
    literal: str  # the longest piece without variables, to rule most replies out quickly
    text: str
    length: int

    @functools.cached_property
    def pattern(self) -> re.Pattern[str]:
        return re.compile(_VARIABLE.sub(r".{0,120}?", re.escape(self.text)))


class Recogniser:
    """Compares failures with a catalogue, which is read as a whole at the first use.

    Args:
        catalogue: the catalogue of providers.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def recognise(self, failure: Failure) -> Recognised:
        """Match a failure with the catalogue, and infer its stage if it has none."""
        provider = self._by_host(failure)
        known = self._entry(failure, provider) if failure.reply else None
        staged = _with_stage(failure, known)
        if provider is None and known is not None:
            provider = known.provider
        if provider is None and failure.host is None:
            provider = self._by_domain(failure)
        return Recognised(staged, provider, known.id if known else failure.fault)

    def _by_host(self, failure: Failure) -> str | None:
        name = (failure.host or "").lower()
        owner = self._catalogue.owner(name) if name else None
        while owner is None and name.count("."):
            owners = self._suffixes.get(name, ())
            of_domain = self._by_domain(failure)
            owner = of_domain if of_domain in owners else next(iter(owners), None)
            name = name.partition(".")[2]
        return owner

    def _by_domain(self, failure: Failure) -> str | None:
        return self._catalogue.owner((failure.recipient or "").rpartition("@")[2].lower())

    def _entry(self, failure: Failure, provider: str | None) -> _Known | None:
        text = _compared(failure.reply)
        found = [
            it
            for it in self._by_code.get(failure.code or 0, ())
            if it.literal in text
            and (match := it.pattern.match(text))
            and len(text) - match.end() <= _LEFT_OVER
        ]
        return max(found, key=lambda it: (it.provider == provider, it.length), default=None)

    @functools.cached_property
    def _suffixes(self) -> dict[str, tuple[str, ...]]:
        """The providers of MX hosts, by the hosts' names and by the domains above them."""
        found: dict[str, dict[str, None]] = {}
        for name in self._catalogue.names:
            facts = self._catalogue.load(name)
            of_customers = exchanges_in(customer_zones(facts, _CUSTOMER)) if facts.customer else ()
            for host in (*exchanges(facts), *(it for it in of_customers if not it.endswith(f".{_CUSTOMER}"))):
                below = host
                while below.count("."):
                    found.setdefault(below, {})[name] = None
                    below = below.partition(".")[2]
        return {suffix: tuple(providers) for suffix, providers in found.items()}

    @functools.cached_property
    def _by_code(self) -> dict[int, list[_Known]]:
        found: dict[int, list[_Known]] = {}
        for stem in self._catalogue.stems:
            facts = self._catalogue.load_stem(stem)
            for phrase in self._catalogue.own_phrases(stem).values():
                if not phrase.reply.positive and (known := _known(stem, facts.name, phrase)):
                    found.setdefault(phrase.reply.code, []).append(known)
        return found


def _known(stem: str, provider: str, phrase: Phrase) -> _Known | None:
    text = _compared(str(phrase.reply).split("\n"))
    literals = [it.strip() for it in re.split(r"\{[a-z_]+\}", text)]
    literal = max(literals, key=len)
    if sum(map(len, literals)) < 4:  # a reply of variables alone would match everything
        return None
    length = sum(map(len, literals))
    return _Known(
        f"{stem}/{phrase.name}", provider, phrase.stage, phrase.stage_evidence, literal, text, length
    )


def _compared(lines: Iterable[str]) -> str:
    """The text of a reply for comparison: in one line, without codes, in lower case."""
    return " ".join(" ".join(_STATUS.sub("", line) for line in lines).split()).lower()


def _with_stage(failure: Failure, known: _Known | None) -> Failure:
    if failure.stage is not None:
        return failure
    if failure.fault is not None and isinstance(fault := FAULTS.get(failure.fault), Fault):
        return dataclasses.replace(failure, stage=fault.stage, stage_rule=_SOMEWHERE)
    if known is not None and known.evidence in _SURE and known.stage in DELIVERY:
        rule = f"the catalogue has it there: {known.id} ({known.evidence})"
        return dataclasses.replace(failure, stage=Stage(known.stage), stage_rule=rule)
    inferred = (
        inferred_stage(failure.reply, failure.status) if failure.reply else stage_of_status(failure.status)
    )
    if inferred is None:
        return failure
    return dataclasses.replace(failure, stage=inferred[0], stage_rule=inferred[1])
