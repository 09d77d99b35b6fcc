"""What `fail` returns: the way to end what it began."""

from __future__ import annotations

from collections.abc import Callable

from pytest_mailnet.handles.attributes import steady

__all__ = ["Disruption"]


@steady("a failure", {"times": ".fail(..., times=1) says how often"})
class Disruption:
    """A fault that a test has asked for: `failure = mailnet.dns.fail("shop.example", "SERVFAIL")`.

    Args:
        told: the fault, and what it happens to, as in "dns-servfail of shop.example".
        ends: each called to end it, at one host.
    """

    def __init__(self, told: str, *ends: Callable[[], object]) -> None:
        self._told, self._ends = told, ends

    def end(self) -> None:
        """End the fault: the server is back, the link is mended. A second call does nothing."""
        for end in self._ends:
            end()

    def __repr__(self) -> str:
        return f"<failure: {self._told}>"
