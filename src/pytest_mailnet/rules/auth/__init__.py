"""Whether a mail comes from whom it says: SPF, DKIM, ARC and DMARC, by the net's DNS and clock.

SPF is evaluated by pyspf, signatures are verified by dkimpy, and RFC 7489 finds public suffixes by
publicsuffixlist; they come with the extra `auth`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_mailnet.rules.auth.results import Authentication
    from pytest_mailnet.rules.rule import RuleContext
    from pytest_mailnet.smtp.state import Step

__all__ = ["authentication_of", "quarantined", "trace_of"]


def authentication_of(step: Step, context: RuleContext) -> Authentication:
    """The results for a session's mail, worked out once and shared by all rules.

    Args:
        step: the session, and the command that is to be answered.
        context: the provider's, with the DNS to ask.
    """
    found: Authentication | None = step.results.get("authentication")
    if found is None:
        from pytest_mailnet.rules.auth.results import Authentication  # noqa: PLC0415  # few tests publish anything

        found = step.results["authentication"] = Authentication(step, context)
    return found


def quarantined(step: Step) -> str:
    """Why DMARC wants a mail filed as junk, which a rule has looked into; "" if it does not."""
    found: Authentication | None = step.results.get("authentication")
    if found is None or found.dmarc.result != "fail" or found.dmarc.policy != "quarantine":
        return ""
    return f"DMARC of {found.author} failed ({found.dmarc.wish})"


def trace_of(step: Step) -> bytes:
    """The Authentication-Results field of a mail that a rule has looked into; b"" for any other."""
    found: Authentication | None = step.results.get("authentication")
    if found is None:
        return b""
    return f"Authentication-Results: {found.field(step.host)}\r\n".encode("utf-8", "replace")
