"""DKIM keys for signing mail, and the policies of DMARC for mail that is not authenticated."""

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
    """A key that signs mail for a domain (RFC 6376). One key pair is made for each run, only for tests.

    Attributes:
        domain: the domain that it signs for, d=.
        selector: the name of the key, s=; its public half is at {selector}._domainkey.{domain}.
        private_key: RSA, 2048 bits, in PEM; for the settings of an application that signs.
    """

    domain: str
    selector: str
    private_key: str = field(repr=False)

    def sign(self, message: bytes) -> bytes:
        """Sign a message in place of an application that does not sign itself.

        Args:
            message: the bytes of the mail.

        Returns:
            The same with a DKIM-Signature field before it.

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
