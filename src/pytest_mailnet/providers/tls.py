"""How a host encrypts, and what can be wrong with that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_mailnet.certificates import Authority, Certificate
from pytest_mailnet.errors import InvalidSetting
from pytest_mailnet.handles.attributes import Flag, Setting, steady

if TYPE_CHECKING:
    import ssl

__all__ = ["HostTls"]


def _certificate(given: Any, what: str) -> Certificate:
    if not isinstance(given, Certificate):
        raise InvalidSetting(
            f"{what} takes a Certificate, as .valid(), .expired(), .wrong_name(), .self_signed() and their "
            f"sisters set it, not {given!r}"
        )
    return given


@steady("a host's tls")
class HostTls:
    """The TLS of one host: `mailnet.host("mx.shop.example").tls`. A change holds from the next connection on.

    Attributes:
        certificate: the certificate that it shows.
        stripped: whether STARTTLS is kept from clients, as a hostile network keeps it.
        required: whether it takes no mail and no log-in before STARTTLS.
    """

    certificate: Setting[Certificate] = Setting(Certificate.VALID, _certificate)
    stripped: Flag = Flag()
    required: Flag = Flag()

    __slots__ = ("__dict__", "_authority", "_name")  # the dict is made when a test sets something

    def __init__(self, name: str, authority: Authority) -> None:
        self._name, self._authority = name, authority

    def valid(self) -> None:
        """Show a valid certificate and offer STARTTLS, as in a fresh net."""
        self.certificate, self.stripped = Certificate.VALID, False

    def expired(self) -> None:
        """Show a certificate that has been out of date for a day."""
        self.certificate = Certificate.EXPIRED

    def wrong_name(self) -> None:
        """Show a certificate for another host."""
        self.certificate = Certificate.WRONG_NAME

    def self_signed(self) -> None:
        """Show a certificate that no authority has signed."""
        self.certificate = Certificate.SELF_SIGNED

    def old_protocol(self) -> None:
        """Speak nothing newer than TLS 1.1, which clients of today refuse (RFC 8996)."""
        self.certificate = Certificate.OLD_PROTOCOL

    def refuse_handshake(self) -> None:
        """Answer the client's first message with a fatal alert."""
        self.certificate = Certificate.NONE

    def strip_starttls(self) -> None:
        """Neither offer nor know STARTTLS, as if somebody on the way had removed it."""
        self.stripped = True

    def require(self) -> None:
        """Refuse mail and log-ins before STARTTLS (RFC 3207, 4): 530 5.7.0, in the provider's words."""
        self.required = True

    def context(self, certificate: Certificate) -> ssl.SSLContext:
        """The context for handshakes that show a certificate."""
        return self._authority.context(self._name, certificate)

    def __repr__(self) -> str:
        return f"<TLS of {self._name}, certificate {self.certificate.value}>"
