"""What the hosts of one kind answer by: a test's own answers, then rules, then the phrasebook."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pytest_mailnet.printable import printable
from pytest_mailnet.providers.policy import OWN_ANSWER, Policy
from pytest_mailnet.scripting.script import Script

if TYPE_CHECKING:
    from pytest_mailnet.providers.phrasebook import Phrasebook
    from pytest_mailnet.record.session import Session
    from pytest_mailnet.rules import RuleContext
    from pytest_mailnet.smtp.state import HangUp, Step
    from pytest_mailnet.values import Reply, Stage

__all__ = ["Decisions"]


class Decisions:
    """The answers of a provider's MX hosts, or of its submission hosts.

    Args:
        name: how messages call those who decide: "gmail", "gmail.submission".
        policy: the rules.
        phrasebook: the replies.
        elapsed: tells how many seconds the net has lasted.
        behind: the script that is asked after their own.

    Attributes:
        script: the test's own answers.
    """

    def __init__(
        self,
        name: str,
        policy: Policy,
        phrasebook: Phrasebook,
        elapsed: Callable[[], float],
        behind: Script | None = None,
    ) -> None:
        self.name, self.policy, self.phrasebook = name, policy, phrasebook
        self.script = Script(elapsed)
        self._behind = behind

    def phrase(self, condition: str) -> Reply:
        """The phrasebook's reply for a condition."""
        return self.phrasebook[condition].reply

    def decide(self, stage: Stage, step: Step, context: RuleContext) -> Reply | HangUp | None:
        """The first answer of the script, then of the rules; None lets the session go on."""
        scripted = self.script.decide(stage, step)
        if scripted is None and self._behind is not None:
            scripted = self._behind.decide(stage, step)
        if scripted is not None:
            step.finding = OWN_ANSWER
            return scripted
        refusal = self.policy.decide(stage, step, context)
        if refusal is None:
            return None
        step.details = refusal.details
        return self.phrase(refusal.condition)

    def explain(self, session: Session) -> str:
        """Tell, rule by rule, why a session got the replies that it got."""
        return "\n".join(map(printable, self.policy.explain(session)))
