"""The cases of an audit: what is done to an application, by names that play a case again."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from pytest_mailnet.crashes.place import CrashPlace
from pytest_mailnet.errors import InvalidSetting, UnknownName
from pytest_mailnet.faults import FAULTS, DnsFault, Fault
from pytest_mailnet.values import Reply, Stage

__all__ = [
    "IDLE",
    "NOTHING",
    "REFUSALS",
    "Case",
    "Rejection",
    "Step",
    "case_named",
    "case_of",
    "single_cases",
]

NOTHING = "nothing"
"""The step at which nothing goes wrong."""

IDLE = "idle-connection"
"""The case in which two mails are sent, with an hour between them."""

_ONE_OF_TWO = "one-of-two-"


@dataclass(frozen=True, slots=True)
class Rejection:
    """A refusal that a server gives once.

    Attributes:
        id: its name: "550-at-rcpt", "gmail/user_unknown".
        stage: where it is given.
        reply: what is said.
    """

    id: str
    stage: Stage
    reply: Reply

    @property
    def permanent(self) -> bool:
        """Whether it settles what becomes of the mail, so that nobody should ask again.

        A 552 to RCPT is a 452 in disguise (RFC 5321, 4.5.3.1.10). What is said before MAIL is about the
        client, and not about the mail.
        """
        if self.stage not in {Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.MESSAGE}:
            return False
        return self.reply.code >= 500 and not (self.stage is Stage.RCPT and self.reply.code == 552)


def _refusals() -> Iterator[Rejection]:
    texts = {
        Stage.CONNECT: ("421 4.3.2 System not accepting network messages", "554 5.3.2 No SMTP service here"),
        Stage.EHLO: ("421 4.3.2 System not accepting network messages",),
        Stage.MAIL: (
            "421 4.3.2 System not accepting network messages",
            "451 4.3.0 Requested action aborted: local error in processing",
            "550 5.7.1 Delivery not authorized, message refused",
        ),
        Stage.RCPT: (
            "421 4.3.2 System not accepting network messages",
            "450 4.2.0 Requested mail action not taken: mailbox unavailable",
            "452 4.2.2 Mailbox full",
            "550 5.1.1 Bad destination mailbox address",
            "552 5.2.2 Mailbox full",
        ),
        Stage.DATA: (
            "421 4.3.2 System not accepting network messages",
            "451 4.3.0 Requested action aborted: local error in processing",
            "554 5.5.0 Transaction failed",
        ),
        Stage.MESSAGE: (
            "421 4.3.2 System not accepting network messages",
            "451 4.3.0 Requested action aborted: local error in processing",
            "554 5.6.0 Transaction failed",
        ),
    }
    for stage, said in texts.items():
        where = "after-dot" if stage is Stage.MESSAGE else f"at-{stage}"
        yield from (Rejection(f"{text[:3]}-{where}", stage, Reply.parse(text)) for text in said)


REFUSALS: Mapping[str, Rejection] = MappingProxyType({it.id: it for it in _refusals()})
"""The refusals of a server without opinions, by their ids."""


Step = Fault | DnsFault | Rejection | None
"""What one connection meets; None for nothing."""


@dataclass(frozen=True, slots=True)
class Case:
    """What happens to the application's connections, one step after the other.

    Attributes:
        id: its name, which plays it again.
        steps: faults, each of which one connection meets; refusals, each of which is given once; None lets a
            connection through.
        recipients: to how many recipients the mail is; the refusal is the last one's.
        idle: whether a mail is sent before, and an hour passes.
        place: where the application dies, and is started again; None for nowhere.
    """

    id: str
    steps: tuple[Step, ...] = ()
    recipients: int = 1
    idle: bool = False
    place: CrashPlace | None = None

    @property
    def faults(self) -> tuple[Fault | DnsFault | None, ...]:
        """The faults in order, with None for connections that are let through."""
        return tuple(it for it in self.steps if not isinstance(it, Rejection))

    @property
    def refusals(self) -> tuple[Rejection, ...]:
        """The refusals in order."""
        return tuple(it for it in self.steps if isinstance(it, Rejection))

    @property
    def does(self) -> str:
        """What happens, in words."""
        if self.idle:
            return "two mails an hour apart: a connection that is kept has ended by then"
        if self.place is not None:
            when = "before it hears" if self.place.after else "right after"
            return f"the application dies {when}: {self.place.what}; and is started again"
        told = [_does(it) for it in self.steps]
        text = "; then ".join(told) or "nothing goes wrong"
        return f"of two recipients, for the second one: {text}" if self.recipients > 1 else text


def _does(step: Step) -> str:
    if step is None:
        return "nothing"
    if isinstance(step, Rejection):
        where = "after the dot" if step.stage is Stage.MESSAGE else f"at {step.stage.upper()}"
        return f"{step.reply.code} {step.reply.enhanced or ''}".strip() + f" {where}"
    return step.does


def case_of(steps: Sequence[Step]) -> Case:
    """The case of some steps. Those at the end at which nothing happens are left out."""
    kept = list(steps)
    while kept and kept[-1] is None:
        kept.pop()
    return Case(",".join(NOTHING if it is None else it.id for it in kept) or NOTHING, tuple(kept))


def single_cases(
    said: frozenset[Stage],
    refusals: Iterable[Rejection],
    places: Iterable[CrashPlace],
    *,
    several: bool,
    kept: bool,
) -> Iterator[Case]:
    """The cases of one step each, in the order of the stages.

    Args:
        said: the stages that the application comes to where nothing goes wrong.
        refusals: the refusals to try.
        places: where the application can die.
        several: whether it can send a mail to two recipients.
        kept: whether calls share a process, so that a connection may be kept.
    """
    yield from (Case(it.id, (it,)) for it in FAULTS.values() if it.stage == "lookup" or it.stage in said)
    found = [it for it in refusals if it.stage in said]
    yield from (Case(it.id, (it,)) for it in found)
    if several:
        yield from (
            Case(f"{_ONE_OF_TWO}{it.id}", (it,), recipients=2)
            for it in found
            if it.stage is Stage.RCPT and it.reply.code != 421
        )
    if kept:
        yield Case(IDLE, idle=True)
    yield from (Case(it.id, place=it) for it in places)


def case_named(name: str, refusals: Mapping[str, Rejection], places: Iterable[CrashPlace] = ()) -> Case:
    """A case by its name: "reset-after-dot", "450-at-rcpt,nothing,closed-at-quit", "one-of-two-550-at-rcpt".

    Args:
        name: the name.
        refusals: the refusals that there are, by their ids.
        places: where the application can die.

    Raises:
        UnknownName: for an unknown step; names the near misses.
        InvalidSetting: for a case of two recipients whose step is no refusal at RCPT.
    """
    if name == IDLE:
        return Case(IDLE, idle=True)
    deaths = {it.id: Case(it.id, place=it) for it in places}
    if name in deaths:
        return deaths[name]
    two = name.startswith(_ONE_OF_TWO)
    known: dict[str, Step] = {str(key): it for key, it in FAULTS.items()}
    known.update(refusals)
    steps: list[Step] = []
    for step in name.removeprefix(_ONE_OF_TWO).split(","):
        if step.strip() == NOTHING:
            steps.append(None)
        elif step.strip() in known:
            steps.append(known[step.strip()])
        else:
            names = [*known, NOTHING, IDLE, *deaths, *(f"{_ONE_OF_TWO}{it}" for it in refusals)]
            raise UnknownName(
                "case",
                step.strip(),
                names,
                "mailnet faults lists the faults, --json FILE of an audit all cases.",
            )
    if two and not all(isinstance(it, Rejection) and it.stage is Stage.RCPT for it in steps):
        raise InvalidSetting(f"--case {name}: of two recipients, one is refused at RCPT, as in 550-at-rcpt")
    return dataclasses.replace(case_of(steps), id=name, recipients=2 if two else 1)
