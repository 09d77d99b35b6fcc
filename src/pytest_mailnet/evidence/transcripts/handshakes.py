"""TLS handshakes that failed, by the words that TLS libraries have for it."""

from __future__ import annotations

import re

from pytest_mailnet.evidence.connections import Trouble, trouble_in
from pytest_mailnet.model import Stage

__all__ = ["trouble_on"]

_FAILED = tuple(
    (re.compile(pattern, re.IGNORECASE), fault)
    for pattern, fault in (
        (r"certificate (?:has )?expired", "expired-at-starttls"),
        (
            r"hostname mismatch|certificate is not valid for|no alternative certificate subject",
            "wrong-name-at-starttls",
        ),
        (r"self[- ]signed certificate", "self-signed-at-starttls"),
        (r"(?:alert|unsupported) protocol(?: version)?\b", "old-protocol-at-starttls"),
        (r"alert handshake failure", "handshake-refused-at-starttls"),
        (r"\bssl\b.{0,60}\beof\b|\beof\b.{0,20}violation of protocol", "handshake-closed-at-starttls"),
    )
)


def trouble_on(text: str, stage: Stage | None) -> Trouble | None:
    """What went wrong on a connection: `trouble_in`, and handshakes too.

    Args:
        text: "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired".
        stage: where, if that is known.
    """
    if stage in {None, Stage.CONNECT, Stage.STARTTLS}:
        plain = text.replace("_", " ")
        for pattern, fault in _FAILED:
            if pattern.search(plain):
                return Trouble(fault, Stage.STARTTLS)
    return trouble_in(text, stage)
