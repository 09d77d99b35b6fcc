"""What `on_rcpt(...)` and its sisters return: a test says by it what is answered, and how often."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Never

from pytest_mailnet.errors import InvalidReply, amongst
from pytest_mailnet.handles.attributes import flag, steady
from pytest_mailnet.handles.written import Written
from pytest_mailnet.scripting.matching import AnswerMatcher, Match
from pytest_mailnet.scripting.scripted_answer import ScriptedAnswer
from pytest_mailnet.scripting.turns import AnswerTurns
from pytest_mailnet.senders.sender import Sender
from pytest_mailnet.values import Fate, Reply, Stage

__all__ = ["Expectation", "Match"]

_REPLY = ".reply('550 5.1.1 No such user') says what is answered"
_INSTEAD: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(
            ("respond", "respond_with", "answer_with", "returns", "return_value", "send"), _REPLY
        ),
        **dict.fromkeys(("raw", "reply_raw", "reply_bytes"), ".reply(Reply.raw(b'\\r\\n250 OK\\r\\n'))"),
        **dict.fromkeys(("once", "twice", "time"), ".times(1) says how often"),
        **dict.fromkeys(("spam", "quarantine"), ".junk() files a mail as junk"),
        **dict.fromkeys(("silence", "swallow", "blackhole"), ".discard() lets a mail vanish after its 250"),
        **dict.fromkeys(("replies", "side_effect", "in_turn"), ".reply_in_turn('450 4.2.0 Later', '250 OK')"),
        **dict.fromkeys(
            ("close", "drop", "hang_up"), ".disconnect(), or .reply('421 4.3.2 Bye', close=True)"
        ),
        **dict.fromkeys(("delay", "late", "sleep", "wait"), ".delayed(seconds=90) lets wait"),
        **dict.fromkeys(("called", "given", "count"), "mailnet.sessions has what was said"),
    }
)


@steady("an answer", _INSTEAD)
class Expectation(AnswerTurns[Reply]):
    """One scripted answer: what to say, and how often. Each method returns it again.

    Args:
        owner: the name of the provider or server that answers.
        stage: the stage at which it answers.
        match: a glob or a predicate; None for all.
        sender: the sender, or a glob for it; None for all.
        variables: the names that a reply can leave open, as in "{ip}".

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
        __tracebackhide__ = True
        self._variables = variables
        super().__init__(ScriptedAnswer(AnswerMatcher(owner, stage, match, sender), Written.here()))

    def reply(self, reply: str | Reply, *more: Never, close: bool = False) -> Expectation:
        """Answer with a reply, every time unless `times` says otherwise.

        Args:
            reply: a `Reply`, or its text: "452 4.2.2 Mailbox full".
            more: nothing; a reply is one text.
            close: whether to hang up after it; after a 421 the server always does.

        Raises:
            InvalidReply: if the text is no reply, does not suit the stage, or has an unknown variable.
        """
        __tracebackhide__ = True
        self._scripted.attempted = True
        if more:
            given = ", ".join(map(repr, (reply, *more)))
            written = " ".join(map(str, (reply, *more)))
            raise InvalidReply(f"{self}.reply({given}): a reply is one text, as in .reply({written!r})")
        self._scripted.say(self._checked(reply, close=close))
        return self

    def reply_in_turn(self, *replies: str | Reply) -> Expectation:
        """Answer with each reply once, in this order, and then no more.

        Args:
            replies: each a `Reply`, or its text.

        Raises:
            InvalidReply: if there is none, or for one that `reply` refuses.
        """
        self._scripted.attempted = True
        if not replies:
            raise InvalidReply(f"{self}.reply_in_turn() takes at least one reply")
        self._scripted.say(*[self._checked(reply, close=False) for reply in replies])
        return self.times(len(replies))

    def junk(self) -> Expectation:
        """Say yes, and file the mail as junk: `mailbox.junk` has it, and `mailbox.messages` has not.

        For `on_message` alone. A glob decides about the recipients that it matches; the others get the mail.

        Raises:
            InvalidSetting: at another stage, after another fate, or beside a refusal.
        """
        self._scripted.let(Fate("junk"))
        return self

    def discard(self) -> Expectation:
        """Say yes, and throw the mail away: nobody gets it, and nobody hears of that.

        `mailnet.messages` has it all the same, since the server has taken it. Otherwise as `junk`.

        Raises:
            InvalidSetting: see `junk`.
        """
        self._scripted.let(Fate("discard"))
        return self

    def bounce(self, diagnostic: str | Reply) -> Expectation:
        """Say yes, and return the mail later: a report (DSN, RFC 3464) goes to the reverse-path.

        The report is written at the next `mailnet.deliver_all()`, in the provider's words. The null sender
        gets none. Otherwise as `junk`.

        Args:
            diagnostic: what the report gives as the reason, a reply of 4yz or 5yz: "550 5.1.1 No such user".

        Raises:
            InvalidReply: if that is no such reply, or has an unknown variable.
            InvalidSetting: see `junk`.
        """
        reply = self._checked(diagnostic, close=False, method="bounce")
        if reply.positive:
            raise InvalidReply(f"{self}.bounce({str(diagnostic)!r}): a bounce tells of a failure, 4yz or 5yz")
        self._scripted.let(Fate("bounce", reply))
        return self

    def _checked(self, reply: str | Reply, *, close: bool, method: str = "reply") -> Reply:
        if not isinstance(reply, str | Reply):
            raise InvalidReply(
                f"{self}.{method}({reply!r}): a reply is a text as in '550 5.1.1 No such user', or a Reply"
            )
        flag(close, f"{self}.reply(close=...)")
        if isinstance(reply, str):
            reply = Reply.parse(reply, closes=close)
        elif close:
            reply = reply.closing()
        for variable in reply.variables:
            if variable not in self._variables:
                raise InvalidReply(
                    f"{self}.{method}({str(reply)!r}): no variable {{{variable}}}"
                    f"{amongst(variable, self._variables)}. To send it as it stands: {{{{{variable}}}}}"
                )
        return reply.check_stage(self._scripted.stage)
