"""What can go wrong when a name is looked up."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, cast

from pytest_mailnet.errors import ZoneError, amongst
from pytest_mailnet.handles.names import DnsFailure, FaultName

__all__ = [
    "MX_MANNERS",
    "RCODES",
    "SLOW_ANSWER",
    "UNHEARD",
    "ArmedLookups",
    "DnsFault",
    "DnsManner",
    "lookup_fault_named",
]

SLOW_ANSWER = 3.0
"""How long a slow answer takes, in seconds: longer than most resolvers wait before they ask again."""

STALE_SECONDS = 300
"""The time to live of records that have changed meanwhile."""


class DnsManner(StrEnum):
    """What goes wrong; `DnsFault.does` explains each."""

    SERVFAIL = "servfail"
    REFUSED = "refused"
    NXDOMAIN = "nxdomain"
    NOTIMP = "notimp"
    FORMERR = "formerr"
    NODATA = "nodata"
    LAME = "lame"
    CNAME_LOOP = "cname-loop"
    TIME_OUT = "time-out"
    WRONG_ADDRESS = "wrong-address"
    WRONG_ID = "wrong-id"
    TRUNCATED = "truncated"
    SLOW = "slow"
    ONE_SERVER_DOWN = "one-server-down"
    CNAME_AT_MX = "cname-at-mx"
    MX_IS_ADDRESS = "mx-is-address"
    MX_TO_LOCALHOST = "mx-to-localhost"
    MX_DANGLING = "mx-dangling"
    MX_CHANGED = "mx-changed"
    MANY_MX = "many-mx"


@dataclass(frozen=True, slots=True, repr=False)
class DnsFault:
    """One thing that can go wrong when a domain is looked up.

    Attributes:
        manner: what goes wrong.
    """

    manner: DnsManner

    @property
    def id(self) -> FaultName:
        """Its name: "dns-servfail"."""
        return cast("FaultName", f"dns-{self.manner}")

    @property
    def stage(self) -> Literal["lookup"]:
        """Where it happens: at "lookup", before there is a connection."""
        return "lookup"

    @property
    def kind(self) -> Literal["dns"]:
        """What is wrong: the "dns"."""
        return "dns"

    @property
    def taken(self) -> None:
        """None: the client decides whether to send in spite of it."""
        return

    @property
    def does(self) -> str:
        """What goes wrong, in a sentence."""
        return _DOES[self.manner]

    def __str__(self) -> str:
        return self.id

    def __repr__(self) -> str:
        return f"fault_named({self.id!r})"

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:  # noqa: FBT001
        # Asked for by hypothesis and IPython, which show a dataclass by its fields otherwise.
        printer.text(repr(self))


RCODES = frozenset(
    {
        DnsManner.SERVFAIL,
        DnsManner.REFUSED,
        DnsManner.NXDOMAIN,
        DnsManner.NOTIMP,
        DnsManner.FORMERR,
    }
)
"""The faults that are an rcode (RFC 6895, 2.3)."""

UNHEARD = frozenset(
    {DnsManner.TIME_OUT, DnsManner.WRONG_ADDRESS, DnsManner.WRONG_ID, DnsManner.TRUNCATED, DnsManner.LAME}
)
"""The faults that leave a resolver without an answer."""

MX_MANNERS = frozenset(
    {
        DnsManner.CNAME_AT_MX,
        DnsManner.MX_IS_ADDRESS,
        DnsManner.MX_TO_LOCALHOST,
        DnsManner.MX_DANGLING,
        DnsManner.MX_CHANGED,
        DnsManner.MANY_MX,
    }
)
"""The faults of a domain's MX records."""

_AT_TIMES = frozenset({DnsManner.MX_CHANGED, DnsManner.ONE_SERVER_DOWN})

_DOES = {
    DnsManner.SERVFAIL: "the resolver says SERVFAIL",
    DnsManner.REFUSED: "the resolver says REFUSED",
    DnsManner.NXDOMAIN: "the name does not exist (NXDOMAIN)",
    DnsManner.NOTIMP: "the resolver says NOTIMP",
    DnsManner.FORMERR: "the resolver says FORMERR",
    DnsManner.NODATA: "the name has no such records (RFC 2308, 2.2)",
    DnsManner.LAME: "the zone's name servers do not know the zone, and the resolver says SERVFAIL",
    DnsManner.CNAME_LOOP: "the name is an alias that leads back to itself",
    DnsManner.TIME_OUT: "questions get no answer",
    DnsManner.WRONG_ADDRESS: "the answer comes from another address than was asked (RFC 5452, 9.1)",
    DnsManner.WRONG_ID: "the answer has another id than the question (RFC 5452, 9.1)",
    DnsManner.TRUNCATED: "the answer is truncated, and TCP is reset",
    DnsManner.SLOW: f"the answer takes {SLOW_ANSWER:g} s",
    DnsManner.ONE_SERVER_DOWN: "every other question gets no answer, as where one of two servers is down",
    DnsManner.CNAME_AT_MX: "the MX leads to an alias (RFC 2181, 10.3)",
    DnsManner.MX_IS_ADDRESS: "the MX names an IP address in place of a host",
    DnsManner.MX_TO_LOCALHOST: "the MX leads to localhost",
    DnsManner.MX_DANGLING: "the MX leads to a host that does not exist",
    DnsManner.MX_CHANGED: f"the MX leads to a host that does not exist, until its {STALE_SECONDS} s are over",
    DnsManner.MANY_MX: "the domain has fifty MX, of which only the last exists",
}


def lookup_fault_named(name: str, fault: DnsFailure | DnsFault) -> DnsFault:
    """A fault by its rcode or id, for `dns.fail(name, ...)`.

    Args:
        name: the name that is to fail, for the message.
        fault: "SERVFAIL", "dns-servfail", or a fault, which is returned as it is.

    Raises:
        ZoneError: if no fault is called that; names the near misses.
    """
    if isinstance(fault, DnsFault):
        return fault
    known = {**{it.upper(): it for it in RCODES}, **{f"dns-{it}": it for it in DnsManner}}
    if fault not in known:
        raise ZoneError(f"dns.fail({name!r}, {fault!r}): no such failure{amongst(fault, known)}")
    return DnsFault(known[fault])


@dataclass(slots=True)
class _Armed:
    fault: DnsFault
    rdtype: str | None
    left: int | None
    since: float
    asked: int = 0

    @property
    def kind(self) -> str | None:
        """The type of the questions that it happens to; None for all."""
        return "MX" if self.fault.manner in MX_MANNERS else self.rdtype

    def leaves_nothing_to(self, other: _Armed) -> bool:
        """Whether it happens to every question that another could happen to."""
        return self.left is None and self.fault.manner not in _AT_TIMES and self.kind in (None, other.kind)

    @property
    def lasts(self) -> bool:
        """Whether it has not happened as often as was asked for."""
        return self.left is None or self.left > 0

    def happens(self, now: float) -> bool:
        """Whether it happens to the question that is asked now; counts."""
        self.asked += 1
        if self.fault.manner is DnsManner.MX_CHANGED and now >= self.since + STALE_SECONDS:
            return False
        if self.fault.manner is DnsManner.ONE_SERVER_DOWN and self.asked % 2 == 0:
            return False
        if self.left is None:
            return True
        self.left -= 1
        return self.left >= 0


class ArmedLookups:
    """The faults of names. It has no lock; its owner takes one.

    Args:
        now: the net's time, in seconds.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._armed: dict[str, list[_Armed]] = {}

    def add(self, name: str, fault: DnsFault, rdtype: str | None, times: int | None) -> Callable[[], object]:
        """Let questions about a name meet a fault, after the faults that were added before.

        Args:
            name: the name that is asked about.
            fault: the fault.
            rdtype: the type of the questions that meet it; None for all.
            times: how often it happens; None for every time.

        Returns:
            What ends it, as often as it is called.

        Raises:
            ZoneError: if an earlier fault leaves it no question.
        """
        added = _Armed(fault, rdtype, times, self._now())
        before = self._armed.setdefault(name, [])
        for armed in before:
            if armed.leaves_nothing_to(added):
                if (armed.fault, armed.rdtype, times) == (fault, rdtype, None):
                    return functools.partial(self._end, name, armed)
                raise ZoneError(
                    f"dns.fail({name!r}, {fault.id!r}): that would never happen, since "
                    f"{armed.fault.id!r} was asked for first, for good: that takes times=1, or .end() of "
                    "what it returned, to have an end"
                )
        before.append(added)
        return functools.partial(self._end, name, added)

    def _end(self, name: str, ended: _Armed) -> None:
        if left := [it for it in self._armed.get(name, ()) if it is not ended]:
            self._armed[name] = left
        else:
            self._armed.pop(name, None)

    def armed(self, name: str) -> bool:
        """Whether a name was given a fault."""
        return name in self._armed

    def at(self, name: str, rdtype: str) -> DnsFault | None:
        """The fault that a question meets, if any; counted.

        Args:
            name: the name that is asked about.
            rdtype: the type that is asked for.
        """
        if not self._armed:
            return None
        for armed in self._armed.get(name, ()):
            fits = armed.rdtype in (None, rdtype) and (armed.fault.manner not in MX_MANNERS or rdtype == "MX")
            if fits and armed.happens(self._now()):
                return armed.fault
        parent = name.partition(".")[2]
        while parent:
            if any(it.fault.manner is DnsManner.LAME and it.lasts for it in self._armed.get(parent, ())):
                return DnsFault(DnsManner.LAME)
            parent = parent.partition(".")[2]
        return None
