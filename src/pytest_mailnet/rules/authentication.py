"""Whether a mail comes from its stated sender: SPF, DKIM and DMARC.

These rules wait until the test has published something about the sender's domain, or asks for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pytest_mailnet.rules.auth import authentication_of
from pytest_mailnet.rules.rule import Condition, Refusal, RefusingRule, RuleContext, When
from pytest_mailnet.values import Stage

if TYPE_CHECKING:
    from pytest_mailnet.rules.auth.results import Authentication
    from pytest_mailnet.smtp.state import Step

__all__ = ["DkimFail", "DmarcReject", "FromNotAligned", "NotAuthenticated", "SpfResultIs", "told"]

_AFTER_MAIL = frozenset({Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.MESSAGE})


class SpfResultIs(RefusingRule):
    """Refuses mail by the SPF result of its reverse-path (RFC 7208).

    The reply can tell {domain}.

    Attributes:
        results: which results are refused: "fail", "softfail", "permerror", "temperror", "none".
    """

    stages: ClassVar[frozenset[Stage]] = _AFTER_MAIL

    stage: Stage = Stage.MESSAGE
    when: When = When.PUBLISHED
    results: tuple[str, ...] = ("fail",)
    reply: Condition = "spf_fail"

    def decide(self, step: Step, context: RuleContext) -> Refusal | None:
        spf = authentication_of(step, context).spf
        if spf.result not in self.results:
            return None
        why = f"SPF of {spf.domain} for {step.client.ip}: {spf.result}, {spf.why}"
        return Refusal(self.reply, why, {"domain": spf.domain})


class _OfMessages(RefusingRule):
    stages: ClassVar[frozenset[Stage]] = frozenset({Stage.MESSAGE})

    stage: Stage = Stage.MESSAGE
    when: When = When.PUBLISHED


class NotAuthenticated(_OfMessages):
    """Refuses mail for which neither SPF nor any DKIM signature passes.

    The reply can tell {domain}.
    """

    reply: Condition = "unauthenticated_no_spf_no_dkim"

    def decide(self, step: Step, context: RuleContext) -> Refusal | None:
        found = authentication_of(step, context)
        if found.spf.result == "pass" or found.dkim == "pass":
            return None
        return Refusal(self.reply, told(found), {"domain": found.spf.domain})


class DkimFail(_OfMessages):
    """Refuses signed mail none of whose signatures verifies.

    The reply can tell {domain}.
    """

    reply: Condition = "dkim_fail"

    def decide(self, step: Step, context: RuleContext) -> Refusal | None:
        found = authentication_of(step, context)
        if found.dkim in ("pass", "none"):
            return None
        return Refusal(self.reply, told(found), {"domain": found.signatures[0].domain})


class DmarcReject(_OfMessages):
    """Refuses mail that fails DMARC, if the policy of the author's domain asks for refusal.

    The reply can tell {domain}.

    Attributes:
        policies: the policies of the domain that lead to refusal: "reject", "quarantine".
    """

    policies: tuple[str, ...] = ("reject",)
    reply: Condition = "dmarc_reject"

    def decide(self, step: Step, context: RuleContext) -> Refusal | None:
        found = authentication_of(step, context)
        if found.dmarc.result != "fail" or found.dmarc.policy not in self.policies:
            return None
        return Refusal(self.reply, told(found), {"domain": found.author})


class FromNotAligned(_OfMessages):
    """Refuses mail whose author's domain is neither that of SPF nor that of a signature.

    The reply can tell {domain}.
    """

    reply: Condition = "from_header_not_aligned"

    def decide(self, step: Step, context: RuleContext) -> Refusal | None:
        found = authentication_of(step, context)
        if found.dmarc.aligned_spf or found.dmarc.aligned_dkim:
            return None
        return Refusal(self.reply, told(found), {"domain": found.author})


def told(found: Authentication) -> str:
    """The results in words, for the test to read."""
    signed = ", ".join(
        f"DKIM of {it.domain or '?'}: {it.result}{f' ({it.why})' if it.why else ''}"
        for it in found.signatures
    )
    dmarc = found.dmarc
    policy = f" ({dmarc.wish})" if dmarc.wish else ""
    return (
        f"SPF of {found.spf.domain}: {found.spf.result}, {signed or 'DKIM: none'}, "
        f"DMARC of {found.author or '?'}: {dmarc.result}{policy}"
    )
