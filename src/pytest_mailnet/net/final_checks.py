"""Checks at the end of a test: unused answers, leaks, errors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_mailnet.errors import amongst

if TYPE_CHECKING:
    from pytest_mailnet.config import MailNetConfig
    from pytest_mailnet.faults.schedule import Turns
    from pytest_mailnet.handles.written import Written
    from pytest_mailnet.record.journal import Journal, Query
    from pytest_mailnet.record.session import Session
    from pytest_mailnet.scripting.script import Script

__all__ = ["Objection", "objections"]

_ALL_IN_TURN = "\n  If they need not all be given: @pytest.mark.mailnet(strict=False)"
_NEED_NOT = "\n  If it need not be given: leave out .times(...), or @pytest.mark.mailnet(strict=False)"


class Objection(NamedTuple):
    """A reason for a test to fail at its end.

    Attributes:
        text: what happened, what came instead (nearest first), and the remedy.
        error: the exception behind it; None for none.
        written: the line of the test that it is about; None for none.
    """

    text: str
    error: BaseException | None = None
    written: Written | None = None


def objections(
    journal: Journal,
    scripts: Iterable[tuple[Script[Any], list[Session]]],
    config: MailNetConfig,
    names: Callable[[], Iterable[str]],
    turns: Iterable[Turns] = (),
) -> Iterator[Objection]:
    """Find the reasons for a test to fail: incidents, unknown names, unused answers and faults.

    Args:
        journal: the record of the net.
        scripts: the scripted answers of every provider, with the sessions that they can answer.
        config: the settings; `strict` and `unknown_names` say what counts.
        names: returns the names of hosts and domains, for near misses.
        turns: the schedules of faults.
    """
    for incident in journal.incidents:
        if incident.fails:
            yield Objection(incident.text, incident.error)
    if config.unknown_names == "fail":
        yield from _unknown_names(journal.queries, list(names()))
    if config.strict:
        yield from _unmet(scripts, journal.sessions)
        for each in turns:
            if each.left:
                left = ", ".join("None" if step is None else repr(step.id) for step in each.left)
                yield Objection(
                    f"{each} of {each.domain} is longer than the application has tried: not met were {left}"
                )


def _unknown_names(queries: Iterable[Query], names: list[str]) -> Iterator[Objection]:
    for name in dict.fromkeys(query.name for query in queries if query.rcode == "NXDOMAIN"):
        yield Objection(
            f"a look-up of {name!r} was answered NXDOMAIN: it is not in this mailnet{amongst(name, names)}. "
            f"To have it: mailnet.add_server('mx.shop.example', domain={name!r}), or "
            f"mailnet.dns.add({name!r}, ...); to allow it: unknown_names='answer'"
        )


def _unmet(
    scripts: Iterable[tuple[Script[Any], list[Session]]], sessions: list[Session]
) -> Iterator[Objection]:
    for script, own in scripts:
        for scripted in script:
            if missing := scripted.unused:
                from pytest_mailnet.timeline.unmet import unmet_text  # noqa: PLC0415  # of a failing test

                text = unmet_text(scripted, missing, script, own, sessions)
                if scripted.complete:
                    text += _ALL_IN_TURN if scripted.in_turn else _NEED_NOT
                yield Objection(text, written=scripted.written)
