"""How hosts of one kind answer: by the test's own answers, then by rules, in the phrasebook's words."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pytest_mailnet.printable import printable
from pytest_mailnet.providers.policy import OWN_ANSWER, Policy
from pytest_mailnet.scripting.script import Script
from pytest_mailnet.smtp.state import UsualYes

if TYPE_CHECKING:
    from pytest_mailnet.providers.phrasebook import Phrasebook
    from pytest_mailnet.record.session import Session
    from pytest_mailnet.rules import RuleContext
    from pytest_mailnet.smtp.state import HangUp, Step
    from pytest_mailnet.values import Reply, Stage

__all__ = ["Decisions"]


class Decisions:
    """The script, rules and replies of a provider's MX hosts, or of its submission hosts.

    Args:
        name: what messages call the hosts: "gmail", "gmail.submission".
        policy: the rules.
        phrasebook: the replies.
        elapsed: returns the seconds since the net began.
        behind: a script that is asked after this one's own; None for none.

    Attributes:
        script: the test's own answers.
    """

    def __init__(
        self,
        name: str,
        policy: Policy,
        phrasebook: Phrasebook,
        elapsed: Callable[[], float],
        behind: Script[Reply] | None = None,
    ) -> None:
        self.name: str = name
        self.policy: Policy = policy
        self.phrasebook: Phrasebook = phrasebook
        self.script: Script[Reply] = Script(elapsed)
        self._behind = behind

    def phrase(self, condition: str) -> Reply:
        """The phrasebook's reply for a condition."""
        return self.phrasebook[condition].reply

    def decide(self, stage: Stage, step: Step, context: RuleContext) -> Reply | HangUp | None:
        """The first answer of the script, or else of the rules; None lets the session go on.

        Args:
            stage: the stage of the command.
            step: the session so far.
            context: the evidence for the rules.
        """
        scripted = self.script.decide(stage, step)
        if scripted is None and self._behind is not None:
            scripted = self._behind.decide(stage, step)
        if scripted is not None:
            step.finding = OWN_ANSWER
            return self.phrase("ok_queued") if isinstance(scripted, UsualYes) else scripted
        refusal = self.policy.decide(stage, step, context)
        if refusal is None:
            return None
        step.details = refusal.details
        return self.phrase(refusal.condition)

    def explain(self, session: Session) -> str:
        """Explain the replies of a session, rule by rule, in printable lines."""
        return "\n".join(map(printable, self.policy.explain(session)))
