"""What a test did not allow and got, and what it scripted and did not get: in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from pytest_mailnet.config import MailNetConfig
from pytest_mailnet.errors import amongst
from pytest_mailnet.faults.weather import Turns
from pytest_mailnet.journal import Journal, Query, Session
from pytest_mailnet.script import Script
from pytest_mailnet.unmet import unmet_text
from pytest_mailnet.written import Written

__all__ = ["Complaint", "complaints"]

_ALL_IN_TURN = "\n  If they need not all be given: @pytest.mark.mailnet(strict=False)"
_NEED_NOT = "\n  If it need not be given: leave out .times(...), or @pytest.mark.mailnet(strict=False)"


@dataclass(frozen=True, slots=True)
class Complaint:
    """One reason for which a test fails at its end.

    Attributes:
        text: what happened, what there was (nearest first), the way out.
        error: the exception behind it, where there is one.
        written: the line of the test that it is about, where there is one.
    """

    text: str
    error: BaseException | None = None
    written: Written | None = None


def complaints(
    journal: Journal,
    scripts: Iterable[tuple[Script, list[Session]]],
    config: MailNetConfig,
    names: Callable[[], Iterable[str]],
    turns: Iterable[Turns] = (),
) -> Iterator[Complaint]:
    """Everything that the journal and the scripts have against a test.

    Args:
        journal: what happened.
        scripts: the scripted answers of every provider, with the sessions that they can answer.
        config: says what counts.
        names: tells what the net's DNS holds, for near misses.
        turns: the schedules of faults.
    """
    for incident in journal.incidents:
        if incident.fails:
            yield Complaint(incident.text, incident.error)
    if config.unknown_names == "fail":
        yield from _unknown_names(journal.queries, list(names()))
    if config.strict:
        yield from _unmet(scripts, journal.sessions)
        for each in turns:
            if each.left:
                left = ", ".join("None" if step is None else repr(step.id) for step in each.left)
                yield Complaint(
                    f"{each} of {each.domain} is longer than the application has tried: not met were {left}"
                )


def _unknown_names(queries: Iterable[Query], names: list[str]) -> Iterator[Complaint]:
    for name in dict.fromkeys(query.name for query in queries if query.rcode == "NXDOMAIN"):
        yield Complaint(
            f"a look-up of {name!r} was answered NXDOMAIN: it is not in this mailnet{amongst(name, names)}. "
            f"To have it: mailnet.add_server('mx.shop.example', domain={name!r}), or "
            f"mailnet.dns.add({name!r}, ...); to allow it: unknown_names='answer'"
        )


def _unmet(scripts: Iterable[tuple[Script, list[Session]]], sessions: list[Session]) -> Iterator[Complaint]:
    for script, own in scripts:
        for expectation in script:
            if missing := expectation.unused:
                text = unmet_text(expectation, missing, script, own, sessions)
                if expectation.complete:
                    text += _ALL_IN_TURN if expectation.in_turn else _NEED_NOT
                yield Complaint(text, written=expectation.written)
