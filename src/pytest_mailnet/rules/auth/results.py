"""All that can be found out of who has sent one mail, each thing when it is first asked for."""

from __future__ import annotations

import functools
from collections import Counter
from typing import TYPE_CHECKING

from pytest_mailnet.rules.auth.dkim import Signature, check_arc, check_dkim
from pytest_mailnet.rules.auth.dmarc import DmarcResult, check_dmarc
from pytest_mailnet.rules.auth.spf import SpfResult, check_spf

if TYPE_CHECKING:
    from pytest_mailnet.rules.rule import RuleContext
    from pytest_mailnet.smtp.state import Step

__all__ = ["Authentication"]

_BEST_FIRST = ("pass", "temperror", "permerror", "fail", "neutral")


class Authentication:
    """What DNS and signatures say of the mail that a session is at.

    Args:
        step: the session.
        context: the provider's.
    """

    def __init__(self, step: Step, context: RuleContext) -> None:
        self._step, self._context = step, context
        self._dns, self._clock = context.dns, context.clock

    @functools.cached_property
    def spf(self) -> SpfResult:
        """SPF, which can be known from MAIL on."""
        step = self._step
        asked = "spf", step.reverse_path, step.helo, self._dns.version
        found: SpfResult | None = step.known.get(asked)
        if found is None:
            found = check_spf(self._dns, step.client.ip, step.reverse_path or "", step.helo)
            step.known[asked] = found
        return found

    @functools.cached_property
    def signatures(self) -> tuple[Signature, ...]:
        """The DKIM signatures of the message."""
        signed = any(name == "dkim-signature" for name, _ in self._step.header_fields)
        return check_dkim(self._dns, self._clock, self._content) if signed else ()

    @functools.cached_property
    def arc(self) -> str:
        """The ARC chain of the message: "pass", "fail", "none"."""
        sealed = any(name == "arc-seal" for name, _ in self._step.header_fields)
        return check_arc(self._dns, self._content) if sealed else "none"

    @functools.cached_property
    def dmarc(self) -> DmarcResult:
        """DMARC for the author's domain."""
        rfc = self._context.dmarc_rfc
        asked = "dmarc", rfc, self.author, self.spf, self.signatures, self._dns.version
        found: DmarcResult | None = self._step.known.get(asked)
        if found is None:
            found = check_dmarc(self._dns, self.author, self.spf, self.signatures, rfc)
            self._step.known[asked] = found
        if found.result != "fail" or found.percent in (0, 100):
            return found
        failures: Counter[str] = self._context.memory(Authentication, Counter)
        failures[found.domain] += 1
        return found if _is_chosen(failures[found.domain], found.percent) else found.let_off()

    @property
    def dkim(self) -> str:
        """The best that became of any signature; "none" without one."""
        results = {signature.result for signature in self.signatures}
        return next(
            (it for it in ("pass", "temperror", "permerror", "fail", "neutral") if it in results), "none"
        )

    @functools.cached_property
    def author(self) -> str:
        """The domain of the address in From; "" where there is none, or where there are several."""
        domains = self._step.author_domains
        return next(iter(domains)) if len(domains) == 1 else ""

    def field(self, server: str) -> str:
        """The value of the Authentication-Results field (RFC 8601) that a server writes.

        Args:
            server: the authserv-id, the server's name.
        """
        step = self._step
        mailfrom = f"smtp.mailfrom={step.reverse_path}" if step.reverse_path else f"smtp.helo={step.helo}"
        parts = [f"spf={self.spf.result} {mailfrom}"]
        parts += [
            f"dkim={it.result} header.d={it.domain} header.s={it.selector}" for it in self.signatures
        ] or ["dkim=none"]
        if self.arc != "none":
            parts.append(f"arc={self.arc}")
        policy = f" (p={self.dmarc.published})" if self.dmarc.published else ""
        parts.append(f"dmarc={self.dmarc.result}{policy} header.from={self.author}")
        return "; ".join([server, *parts])

    @property
    def _content(self) -> bytes:
        return self._step.content or b""


def _is_chosen(number: int, percent: int) -> bool:
    """Whether a policy for so many mails in a hundred is for this one of them.

    They are picked by their number, the first one always, where life throws dice (RFC 7489, 6.6.4): a test
    that passes once passes again.
    """
    return -(-number * percent // 100) > -(-(number - 1) * percent // 100)
