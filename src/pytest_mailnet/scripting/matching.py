"""What a scripted answer is given to: a stage, a glob or a predicate, a sender."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING

from pytest_mailnet.errors import InvalidSetting
from pytest_mailnet.scripting.globs import cannot_match, could_be_ip, matches
from pytest_mailnet.scripting.seen import Seen
from pytest_mailnet.senders.sender import Sender
from pytest_mailnet.values import DELIVERY, Stage

if TYPE_CHECKING:
    from pytest_mailnet.smtp.state import Step

__all__ = ["AnswerMatcher", "Match"]

Match = str | Callable[["Step"], object]


class AnswerMatcher:
    """What a scripted answer applies to.

    `mismatches` decides whether the answer applies. The failure text prints the same list, so that the two
    cannot disagree.

    Args:
        owner: the name of the provider or server that answers.
        stage: the stage at which it answers.
        match: a glob or a predicate; None for all.
        sender: the sender, or a glob for it; None for all.
        method: the name of the method by which a test asks for it; "" for that of the stage.

    Attributes:
        owner: as above.
        stage: as above.

    Raises:
        InvalidSetting: for what cannot match.
    """

    def __init__(
        self,
        owner: str,
        stage: Stage,
        match: Match | None,
        sender: Sender | str | None,
        method: str = "",
    ) -> None:
        __tracebackhide__ = True
        self.owner = owner
        self.stage = stage
        self._method = method or f"on_{stage if stage in DELIVERY else 'command'}"
        self._match = match
        self._sender = sender
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

    @property
    def has_predicate(self) -> bool:
        """Whether a function of the test has a say."""
        return callable(self._match)

    def mismatches(self, seen: Seen) -> list[str]:
        """Why the answer does not apply to what came by; empty if it does."""
        wrong = []
        if isinstance(self._match, str) and not any(matches(self._match, it) for it in seen.subjects):
            wrong.append(
                f"{_SUBJECT[self.stage]} {' '.join(map(repr, seen.subjects))} is not {self._match!r}"
            )
        if isinstance(self._sender, Sender):
            if seen.client not in self._sender.addresses:
                wrong.append(f"client {seen.client} is not {self._sender!r}")
        elif self._sender is not None:
            against = seen.reverse_path if "@" in self._sender or not self._sender else seen.client
            if not matches(self._sender, against):
                wrong.append(f"sender {against!r} is not {self._sender!r}")
        return wrong

    def numbers(self, seen: Seen) -> frozenset[int]:
        """Which of the subjects that came by the glob matches, by their numbers; all without a glob."""
        glob = self._match
        return frozenset(
            number
            for number, it in enumerate(seen.subjects)
            if not isinstance(glob, str) or matches(glob, it)
        )

    def accepts(self, step: Step) -> bool:
        """Whether the predicate, if there is one, says yes."""
        return not callable(self._match) or bool(self._match(step))

    def __str__(self) -> str:
        asked = []
        if self._match is not None:
            asked.append(_named(self._match) if callable(self._match) else repr(self._match))
        if self._sender is not None:
            asked.append(f"sender={self._sender!r}")
        return f"{self.owner}.{self._method}({', '.join(asked)})"


_SUBJECT = {
    Stage.CONNECT: "client",
    Stage.EHLO: "EHLO name",
    Stage.STARTTLS: "EHLO name",
    Stage.AUTH: "user",
    Stage.MAIL: "reverse-path",
    Stage.RCPT: "recipient",
    Stage.DATA: "recipients",
    Stage.MESSAGE: "recipients",
    Stage.RSET: "command",
    Stage.NOOP: "command",
    Stage.QUIT: "command",
    Stage.OTHER: "command",
}


def _named(predicate: Callable[..., object]) -> str:
    return getattr(predicate, "__name__", repr(predicate))
