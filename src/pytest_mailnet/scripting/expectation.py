"""One of a test's own answers: what it matches, what it says, how often.

`Expectation.mismatches` decides whether an answer applies and is what the failure text prints, so
that the two cannot disagree.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Never

from pytest_mailnet.errors import InvalidReply, InvalidSetting, amongst
from pytest_mailnet.handles.attributes import flag, is_whole, steady
from pytest_mailnet.handles.written import Written
from pytest_mailnet.scripting.globs import cannot_match, could_be_ip, matches
from pytest_mailnet.scripting.seen import Seen
from pytest_mailnet.senders.sender import Sender
from pytest_mailnet.smtp.state import HANG_UP, HangUp
from pytest_mailnet.system.native import lock
from pytest_mailnet.values import Reply, Stage

if TYPE_CHECKING:
    from pytest_mailnet.smtp.state import Step

__all__ = ["Expectation", "Match"]

Match = str | Callable[["Step"], object]

_REPLY = ".reply('550 5.1.1 No such user') says what is answered"
_INSTEAD: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(
            ("respond", "respond_with", "answer_with", "returns", "return_value", "send"), _REPLY
        ),
        **dict.fromkeys(("once", "twice", "time"), ".times(1) says how often"),
        **dict.fromkeys(("replies", "side_effect", "in_turn"), ".reply_in_turn('450 4.2.0 Later', '250 OK')"),
        **dict.fromkeys(
            ("close", "drop", "hang_up"), ".disconnect(), or .reply('421 4.3.2 Bye', close=True)"
        ),
        **dict.fromkeys(
            ("delay", "sleep", "wait"), "mailnet.host('mx.shop.example').fail('late-at-rcpt') lets wait"
        ),
        **dict.fromkeys(("called", "given", "count"), "mailnet.sessions has what was said"),
    }
)


@steady("an answer", _INSTEAD)
class Expectation:
    """One scripted answer, as `on_rcpt(...)` and its sisters return it; each method returns it again.

    Args:
        owner: whose answer it is, as messages call that.
        stage: where it is given.
        match: a glob or a predicate; None for all.
        sender: to whom; None for all.
        variables: what a reply can leave open, as in "{ip}".

    Raises:
        InvalidSetting: for what cannot match.
    """

    def __init__(
        self,
        owner: str,
        stage: Stage,
        match: Match | None,
        sender: Sender | str | None,
        variables: Collection[str] = (),
    ) -> None:
        self._owner = owner
        self._stage = stage
        self._match = match
        self._sender = sender
        self._variables = variables
        self._answers: tuple[Reply | HangUp, ...] = ()
        self._times: int | None = None
        self._after = 0
        self._matched = 0
        self._given = 0
        self._lock = lock()  # the servers count, the test reads and re-scripts
        __tracebackhide__ = True
        self._written = Written.here()
        self._at = 0.0
        if not (match is None or isinstance(match, str) or callable(match)):
            raise InvalidSetting(f"{self}: it matches by a glob as in 'sales@*' or a function of the step")
        if inspect.iscoroutinefunction(match):
            raise InvalidSetting(f"{self}: servers do not wait for coroutines; it takes a plain function")
        if not (sender is None or isinstance(sender, str | Sender)):
            raise InvalidSetting(f"{self}: sender takes a Sender or a glob as in 'bob@*'")
        if isinstance(match, str) and (never := cannot_match(stage, match)):
            raise InvalidSetting(f"{self} would match nothing: {never}")
        if isinstance(sender, str) and sender and "@" not in sender and not could_be_ip(sender):
            raise InvalidSetting(
                f"{self} would match nothing: sender is an address as in 'bob@*', an IP address, or "
                "mailnet.sender"
            )

    def reply(self, reply: str | Reply, *more: Never, close: bool = False) -> Expectation:
        """Answer so, every time unless `times` says otherwise.

        Args:
            reply: a `Reply`, or its text: "452 4.2.2 Mailbox full".
            more: nothing; a reply is one text.
            close: hang up after it; a 421 does so by itself.

        Raises:
            InvalidReply: if that is no reply, or none for this stage, or has a variable that there is not.
        """
        __tracebackhide__ = True
        if more:
            given = ", ".join(map(repr, (reply, *more)))
            written = " ".join(map(str, (reply, *more)))
            raise InvalidReply(f"{self}.reply({given}): a reply is one text, as in .reply({written!r})")
        return self._answer(self._checked(reply, close=close))

    def reply_in_turn(self, *replies: str | Reply) -> Expectation:
        """Answer so once each, in this order, and then leave it to the next in line.

        Raises:
            InvalidReply: if one of them is no reply, or none for this stage, or there are none.
        """
        if not replies:
            raise InvalidReply(f"{self}.reply_in_turn() takes at least one reply")
        self._answer(*[self._checked(reply, close=False) for reply in replies])
        return self.times(len(replies))

    def disconnect(self) -> Expectation:
        """Say nothing and close the connection."""
        return self._answer(HANG_UP)

    def times(self, count: int) -> Expectation:
        """Answer so many times, no more; fewer than that fails the test at its end (in a strict net).

        Raises:
            InvalidSetting: if that is no number, or not 1 or more.
        """
        if not is_whole(count) or count < 1:
            said = (
                "it takes a number, as in .times(2)"
                if not is_whole(count)
                else "an answer can be given 1 time or more; leave the line out if it is not to be given"
            )
            raise InvalidSetting(f"{self}.times({count!r}): {said}")
        self._times = count
        return self

    def after(self, count: int) -> Expectation:
        """Let so many matches pass first.

        Raises:
            InvalidSetting: if that is no number, or a negative one.
        """
        if not is_whole(count) or count < 0:
            raise InvalidSetting(
                f"{self}.after({count!r}): it takes the number of matches to let pass, 0 or more"
            )
        self._after = count
        return self

    def mismatches(self, seen: Seen) -> list[str]:
        """Why this answer does not apply to something that came by; empty if it does."""
        wrong = []
        if isinstance(self._match, str) and not any(matches(self._match, it) for it in seen.subjects):
            wrong.append(
                f"{_SUBJECT[self._stage]} {' '.join(map(repr, seen.subjects))} is not {self._match!r}"
            )
        if isinstance(self._sender, Sender):
            if seen.client not in {self._sender.ip, self._sender.ipv6}:
                wrong.append(f"client {seen.client} is not {self._sender!r}")
        elif self._sender is not None:
            against = seen.reverse_path if "@" in self._sender or not self._sender else seen.client
            if not matches(self._sender, against):
                wrong.append(f"sender {against!r} is not {self._sender!r}")
        return wrong

    def answer(self, step: Step, seen: Seen) -> Reply | HangUp | None:
        """The answer for something that came by, counted; None if it does not apply (any more)."""
        if self._spent or self.mismatches(seen):
            return None
        # Outside the lock: a predicate is the test's code and may ask the net anything.
        if callable(self._match) and not self._match(step):
            return None
        with self._lock:
            if self._spent:  # pragma: no cover  # another thread was quicker
                return None
            self._matched += 1
            if self._matched <= self._after:
                return None
            self._given += 1
            return self._answers[(self._given - 1) % len(self._answers)]

    @property
    def complete(self) -> bool:
        """Whether it says what to answer."""
        return bool(self._answers)

    @property
    def unused(self) -> str | None:
        """What is still expected of it, in words; None if nothing is."""
        if not self.complete:
            return f"{self} has no answer: follow it by .reply(...), .reply_in_turn(...) or .disconnect()"
        if self._times is not None and self._given < self._times:
            return f"{self} was given {self._given} of {_times(self._times)}"
        return None

    @property
    def unmet(self) -> str | None:
        """Likewise where it need not be given: what the report of a test that has failed says of it."""
        if self.unused is None and self._times is None and not self._given:
            return f"{self} was not given"
        return self.unused

    @property
    def holds_back(self) -> str:
        """Why it lets pass what it matches, in words that go on a sentence; "" where it does not."""
        if self._after:
            return f", and .after({self._after}) lets the first {self._after} pass"
        return ", and its function said no, or failed" if callable(self._match) else ""

    @property
    def in_turn(self) -> bool:
        """Whether it has several answers, each of which is to be given."""
        return len(self._answers) > 1

    @property
    def written(self) -> Written:
        """The line of the test that wrote it."""
        return self._written

    @property
    def at(self) -> float:
        """When it was written, in seconds since the net began."""
        return self._at

    def begin(self, at: float) -> None:
        """Note when it was written."""
        self._at = at

    @property
    def owner(self) -> str:
        """The name of the provider or server whose answer it is."""
        return self._owner

    @property
    def stage(self) -> Stage:
        """The stage at which it is given."""
        return self._stage

    @property
    def _spent(self) -> bool:
        return not self._answers or (self._times is not None and self._given >= self._times)

    def _answer(self, *answers: Reply | HangUp) -> Expectation:
        if self._answers:
            raise InvalidSetting(
                f"{self} has its answer already; a further answer is a further line, "
                f"{self._owner}.on_{self._stage}(...), or several in .reply_in_turn(...)"
            )
        self._answers = answers
        return self

    def _checked(self, reply: str | Reply, *, close: bool) -> Reply:
        if not isinstance(reply, str | Reply):
            raise InvalidReply(
                f"{self}.reply({reply!r}): a reply is a text as in '550 5.1.1 No such user', or a Reply"
            )
        flag(close, f"{self}.reply(close=...)")
        if isinstance(reply, str):
            reply = Reply.parse(reply, closes=close)
        elif close:
            reply = Reply(reply.code, reply.lines, reply.enhanced, closes=True)
        for variable in reply.variables:
            if variable not in self._variables:
                raise InvalidReply(
                    f"{self}.reply({str(reply)!r}): no variable {{{variable}}}"
                    f"{amongst(variable, self._variables)}. To send it as it stands: {{{{{variable}}}}}"
                )
        return reply.check_stage(self._stage)

    def __str__(self) -> str:
        asked = (
            []
            if self._match is None
            else [_named(self._match) if callable(self._match) else repr(self._match)]
        )
        if self._sender is not None:
            asked.append(f"sender={self._sender!r}")
        said = f"{self._owner}.on_{self._stage}({', '.join(asked)})"
        if len(self._answers) > 1:
            said += f".reply_in_turn({', '.join(repr(str(answer)) for answer in self._answers)})"
        elif self._answers:
            [answer] = self._answers
            said += ".disconnect()" if isinstance(answer, HangUp) else f".reply({str(answer)!r})"
            if self._times is not None:
                said += f".times({self._times})"
        return said + (f".after({self._after})" if self._after else "")

    __repr__ = __str__


_SUBJECT = {
    Stage.CONNECT: "client",
    Stage.EHLO: "EHLO name",
    Stage.STARTTLS: "EHLO name",
    Stage.AUTH: "user",
    Stage.MAIL: "reverse-path",
    Stage.RCPT: "recipient",
    Stage.DATA: "recipients",
    Stage.MESSAGE: "recipients",
}


def _named(predicate: Callable[..., object]) -> str:
    return getattr(predicate, "__name__", repr(predicate))


def _times(count: int) -> str:
    return "1 time" if count == 1 else f"{count} times"
