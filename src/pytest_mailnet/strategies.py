"""Hypothesis strategies for replies, faults, crashes, domains and mails; they need the extra `hypothesis`.

Drawn values are printed as code: a falsifying example can be pasted into a test.
"""

from __future__ import annotations

from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP

from pytest_mailnet.errors import InvalidSetting, MissingExtra
from pytest_mailnet.faults import DnsFault, Fault, FaultSchedule, faults_of
from pytest_mailnet.handles.names import FaultKind, StageName
from pytest_mailnet.net.inhabitants import Inhabitants
from pytest_mailnet.values import Reply, Stage

try:
    from hypothesis import strategies as st
except ImportError as _error:
    raise MissingExtra("pytest_mailnet.strategies", "hypothesis", "hypothesis") from _error

__all__ = ["World", "faults", "messages", "places", "replies", "schedules", "worlds"]

_TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters="{}"), max_size=60)
_WORD = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=12)


@dataclass(frozen=True, slots=True)
class World:
    """A domain and its mail hosts.

    Attributes:
        domain: the domain's name: "shop.example".
        exchanges: for each host, the preference of its MX record and whether it takes connections.
    """

    domain: str
    exchanges: tuple[tuple[int, bool], ...]

    def put_into(self, net: Inhabitants) -> None:
        """Add the hosts to a net; each that is up takes mail for any address of the domain."""
        for number, (preference, up) in enumerate(self.exchanges, start=1):
            name = f"mx{number}.{self.domain}"
            net.add_server(name, domain=self.domain, preference=preference)
            if not up:
                net.host(name).refuse_connections()


def replies(*, permanent: bool | None = None) -> st.SearchStrategy[Reply]:
    """Refusals, in one line or more, with and without an enhanced status code.

    Args:
        permanent: True for only 5yz, False for only 4yz, None for both.
    """
    first = {None: "45", True: "5", False: "4"}[permanent]

    def enhanced(code: int) -> st.SearchStrategy[str | None]:
        detail = st.tuples(st.integers(0, 7), st.integers(0, 30))
        return st.none() | detail.map(lambda it: f"{code // 100}.{it[0]}.{it[1]}")

    def reply(code: int) -> st.SearchStrategy[Reply]:
        lines = st.lists(_TEXT.filter(_is_plain), min_size=1, max_size=3).map(tuple)
        return st.builds(Reply, st.just(code), lines, enhanced(code))

    codes = [it for it in (450, 421, 451, 452, 455, 550, 551, 552, 553, 554, 555) if str(it)[0] in first]
    return st.sampled_from(codes).flatmap(reply)


def faults(
    *, stage: StageName | Stage | None = None, kind: FaultKind | None = None
) -> st.SearchStrategy[Fault | DnsFault]:
    """One of the faults of a stage, of a kind, or of both.

    Args:
        stage: the stage, as `Stage` or by its name, "rcpt"; also "lookup". None for any.
        kind: "dns", "connection", "reply" or "tls"; None for any.

    Raises:
        InvalidSetting: if there is no such stage or kind, with near misses; or no fault is of both.
    """
    return st.sampled_from(faults_of(stage=stage, kind=kind))


def schedules(
    tries: int,
    *,
    longest: int | None = None,
    stage: StageName | Stage | None = None,
    kind: FaultKind | None = None,
) -> st.SearchStrategy[FaultSchedule]:
    """Schedules of faults for an application that tries several times; they shrink to the fewest faults.

    Args:
        tries: how often the application tries, 1 or more.
        longest: how many steps a schedule has at most; None for as many as tries.
        stage: only faults of this stage, as in `faults`; None for any.
        kind: only faults of this kind, as in `faults`; None for any.

    Raises:
        InvalidSetting: if `longest` is more than `tries` or less than 1; or for a stage or kind as `faults`.
    """
    most = tries if longest is None else longest
    if not 1 <= most <= tries:
        raise InvalidSetting(
            f"schedules({tries}, longest={longest}): a schedule has 1 step or more, and at most one for each "
            "try"
        )
    step = st.none() | faults(stage=stage, kind=kind)
    return st.lists(step, min_size=1, max_size=most).map(lambda steps: FaultSchedule(*steps))


def places(most: int) -> st.SearchStrategy[int]:
    """The number of a place to die at, for `Crasher(net, at=...)`; it shrinks to the first.

    Args:
        most: the number of the last one: `len(crasher.places)` after a run without a death. At a place that
            the application does not come to, it does not die.
    """
    return st.integers(1, most)


def worlds(domain: str = "shop.example") -> st.SearchStrategy[World]:
    """A domain with one to four mail hosts, at least one of which is up."""
    exchange = st.tuples(st.sampled_from([10, 20, 30]), st.booleans())
    exchanges = st.lists(exchange, min_size=1, max_size=4).filter(lambda it: any(up for _, up in it))
    # Not `map`: Hypothesis would print the mapping function, with names that only this module has.
    return st.builds(World, st.just(domain), st.builds(tuple, exchanges))


@st.composite
def messages(
    draw: st.DrawFn, sender: str = "app@sender.example", recipient: str = "alice@shop.example"
) -> bytes:
    """Mails, as bytes, that trip senders up: dots at line starts, long lines, any script, no text.

    Args:
        draw: passed by Hypothesis, not by the caller.
        sender: the address in the From field.
        recipient: the address in the To field.
    """
    line = st.sampled_from(["", ".", "..", ". x", "From x", "x" * 998]) | st.text(
        st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=80
    )
    message = EmailMessage()
    message["From"], message["To"] = sender, recipient
    message["Message-ID"] = f"<{draw(_WORD)}@sender.example>"
    message["Subject"] = draw(st.text(st.characters(exclude_categories=["C", "Z"]), max_size=40))
    message.set_content("\n".join(draw(st.lists(line, max_size=5))) + "\n")
    return message.as_bytes(policy=SMTP)


def _is_plain(text: str) -> bool:
    """Whether a text cannot be mistaken for one that begins with an enhanced status code."""
    return text == text.strip() and not text[:1].isdigit()
