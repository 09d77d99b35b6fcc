"""A key for signing mail, and what a domain can want done with mail that is not authenticated."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from pytest_mailnet.errors import MissingExtra
from pytest_mailnet.handles.attributes import steady

__all__ = ["DkimKey", "DmarcPolicy"]

DmarcPolicy = Literal["none", "quarantine", "reject"]


@steady("a DKIM key")
@dataclass(frozen=True, slots=True)
class DkimKey:
    """A key with which mail is signed for a domain (RFC 6376). One is made a run, for tests alone.

    Attributes:
        domain: what it signs for, d=.
        selector: where its public half is, s=: at {selector}._domainkey.{domain}.
        private_key: RSA, 2048 bits, in PEM; what an application that signs is configured with.
    """

    domain: str
    selector: str
    private_key: str = field(repr=False)

    def sign(self, message: bytes) -> bytes:
        """The message with a DKIM-Signature field before it, for applications that leave that to others.

        Raises:
            MissingExtra: if dkimpy is not installed.
        """
        try:
            import dkim  # noqa: PLC0415  # an extra
        except ImportError as error:
            raise MissingExtra("signing a message", "dkimpy", "auth") from error
        signature: bytes = dkim.sign(
            message, self.selector.encode(), self.domain.encode(), self.private_key.encode()
        )
        return signature + message
