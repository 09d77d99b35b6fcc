"""Why a client's TLS failed, in words."""

from __future__ import annotations

import ssl

from pytest_mailnet.certificates import Certificate

__all__ = ["why_failed"]

_NOT_TRUSTED = "TLSV1_ALERT_UNKNOWN_CA"
_REFUSED = ("SSLV3_ALERT_BAD_CERTIFICATE", "SSLV3_ALERT_CERTIFICATE_UNKNOWN")
_WAY_OUT = (
    "Contexts that trust the machine's authorities do, such as ssl.create_default_context(), unless trust_ca "
    "is off; for other clients there is a file to trust, mailnet.ca.bundle"
)


def why_failed(error: ssl.SSLError, host: str, shown: Certificate | None) -> str:
    """What ended TLS, in words; with the remedy, where the client does not trust the certificate.

    Args:
        error: the server's error; its reason names the client's alert, if there was one (RFC 8446, 6.2).
        host: the server's name.
        shown: the certificate shown in the handshake; None if the handshake was over.
    """
    reason = error.reason or str(error)
    if shown is None:
        return f"TLS failed: {reason}"
    if shown is not Certificate.VALID:
        why = f": as the test wants it, {host} has this certificate: {shown.value}"
    elif reason == _NOT_TRUSTED:
        why = f": the client does not trust the net's authority. {_WAY_OUT}"
    elif reason in _REFUSED:
        why = f": the client does not trust the net's authority, or calls {host} by another name. {_WAY_OUT}"
    else:
        why = ""
    return f"TLS handshake failed: {reason}{why}"
