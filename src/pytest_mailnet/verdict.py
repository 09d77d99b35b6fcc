"""What a test did not allow and got, and what it scripted and did not get: in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from pytest_mailnet.config import MailNetConfig
from pytest_mailnet.errors import amongst
from pytest_mailnet.faults.weather import Turns
from pytest_mailnet.journal import Journal, Query
from pytest_mailnet.script import Expectation, Script, Seen

__all__ = ["Complaint", "complaints"]

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Complaint:
    """One reason for which a test fails at its end.

    Attributes:
        text: what happened, what there was (nearest first), the way out.
        error: the exception behind it, where there is one.
    """

    text: str
    error: BaseException | None = None


def complaints(
    journal: Journal,
    scripts: Iterable[Script],
    config: MailNetConfig,
    names: Callable[[], Iterable[str]],
    turns: Iterable[Turns] = (),
) -> Iterator[Complaint]:
    """Everything that the journal and the scripts have against a test.

    Args:
        journal: what happened.
        scripts: the scripted answers of every provider.
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
        for script in scripts:
            for expectation, complaint, seen in script.unused():
                yield Complaint(_unused(expectation, complaint, seen))
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


def _unused(expectation: Expectation, complaint: str, seen: list[Seen]) -> str:
    if not expectation.complete:
        return complaint
    lines = [complaint]
    if not seen:
        lines.append(f"  nothing came to {expectation.owner} at {expectation.stage.upper()}")
    else:
        told = sorted(((expectation.mismatches(it), it) for it in seen), key=lambda pair: len(pair[0]))
        lines.append(f"  what came to {expectation.owner} at {expectation.stage.upper()}, nearest first:")
        lines += [
            f"  - session {it.session}: {'; '.join(wrong) or 'it matched'}" for wrong, it in told[:_SHOWN]
        ]
        if len(told) > _SHOWN:
            lines.append(f"  - and {len(told) - _SHOWN} more")
    lines.append("  If it need not be given: leave out .times(...), or @pytest.mark.mailnet(strict=False)")
    return "\n".join(lines)
