"""What `on_login(...)` and its sisters return: a test says by it what those are answered who read mail."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType

from pytest_mailnet.errors import InvalidReply, amongst
from pytest_mailnet.handles.attributes import flag, steady
from pytest_mailnet.handles.written import Written
from pytest_mailnet.reading.response import Response
from pytest_mailnet.scripting.matching import AnswerMatcher, Match
from pytest_mailnet.scripting.scripted_answer import ScriptedAnswer
from pytest_mailnet.scripting.turns import AnswerTurns
from pytest_mailnet.values import Stage

__all__ = ["ReadingExpectation"]

_REPLY = ".reply('NO [UNAVAILABLE] Try later') says what is answered"
_INSTEAD: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(
            ("respond", "respond_with", "answer_with", "returns", "return_value", "send"), _REPLY
        ),
        **dict.fromkeys(("once", "twice", "time"), ".times(1) says how often"),
        **dict.fromkeys(("close", "drop", "hang_up"), ".disconnect(), or .reply('BYE Shutting down')"),
        **dict.fromkeys(("delay", "late", "sleep", "wait"), ".delayed(seconds=90) lets wait"),
    }
)
_METHODS = {Stage.AUTH: "on_login"}


@steady("an answer", _INSTEAD)
class ReadingExpectation(AnswerTurns[Response]):
    """One scripted answer by IMAP or POP3. Each method returns it again.

    Args:
        owner: the name of the servers that answer, "gmail.imap".
        stage: the stage at which they answer.
        match: a glob or a predicate; None for all.
        pop3: whether they speak POP3.
        variables: the names that a response can leave open, as in "{user}".

    Raises:
        InvalidSetting: for what cannot match.
    """

    def __init__(
        self, owner: str, stage: Stage, match: Match | None, variables: Collection[str], *, pop3: bool
    ) -> None:
        __tracebackhide__ = True
        self._variables, self._pop3 = variables, pop3
        super().__init__(
            ScriptedAnswer(AnswerMatcher(owner, stage, match, None, _METHODS.get(stage, "")), Written.here())
        )

    def reply(self, response: str, *, close: bool = False) -> ReadingExpectation:
        """Answer with a response, every time unless `times` says otherwise.

        Args:
            response: its text without the tag, "NO [UNAVAILABLE] Try later"; in POP3 "-ERR [SYS/TEMP] Later".
            close: whether to hang up after it; after BYE the server always does.

        Raises:
            InvalidReply: if the text is no response, or has an unknown variable.
        """
        __tracebackhide__ = True
        self._scripted.attempted = True
        self._scripted.say(self._checked(response, close=close))
        return self

    def reply_in_turn(self, *responses: str) -> ReadingExpectation:
        """Answer with each response once, in this order, and then no more.

        Args:
            responses: their texts.

        Raises:
            InvalidReply: if there is none, or for one that `reply` refuses.
        """
        __tracebackhide__ = True
        self._scripted.attempted = True
        if not responses:
            raise InvalidReply(f"{self}.reply_in_turn() takes at least one response")
        self._scripted.say(*[self._checked(it, close=False) for it in responses])
        return self.times(len(responses))

    def _checked(self, response: str, *, close: bool) -> Response:
        if not isinstance(response, str):
            raise InvalidReply(f"{self}.reply({response!r}): a response is a text")
        parsed = Response.parse(response, closes=flag(close, f"{self}.reply(close=...)"), pop3=self._pop3)
        for variable in parsed.variables:
            if variable not in self._variables:
                raise InvalidReply(
                    f"{self}.reply({response!r}): no variable {{{variable}}}"
                    f"{amongst(variable, self._variables)}"
                )
        return parsed
