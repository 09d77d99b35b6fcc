"""The certificates of a run. One authority signs a host's certificate at the first handshake with it."""

from __future__ import annotations

import contextlib
import datetime as dt
import ssl
import tempfile
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_mailnet.handles.attributes import steady

if TYPE_CHECKING:
    import trustme

from pytest_mailnet.system.native import reentrant_lock

__all__ = ["Authority", "Certificate"]

_EXPIRED = datetime(2020, 1, 1, tzinfo=UTC)
_LONGEST_COMMON_NAME = 64


class Certificate(Enum):
    """The certificate that a host shows to its clients, by what is wrong with it."""

    VALID = "valid"
    EXPIRED = "expired"
    WRONG_NAME = "for another name"
    SELF_SIGNED = "self-signed"
    OLD_PROTOCOL = "valid, by TLS 1.1 at most"
    NONE = "none"


@steady("a mailnet's ca")
class Authority:
    """The certificate authority of a test run. It makes certificates at their first use, and keeps them.

    Each run makes new keys: elliptic ones, because they are quick to make. Private keys never leave the
    process, except while a context reads them from a file that no other user can open. One lock guards the
    certificates: servers ask for them in the engine's turn, and tests in threads of their own.
    """

    def __init__(self) -> None:
        self._lock = reentrant_lock()
        self._ca: trustme.CA | None = None
        self._pem = ""
        self._contexts: dict[tuple[str, Certificate], ssl.SSLContext] = {}
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    @property
    def pem(self) -> str:
        """The authority's own certificate as PEM text, for clients that are to trust it."""
        with self._lock:
            self._made()
            return self._pem

    @property
    def bundle(self) -> Path:
        """The path of a file with that certificate, for clients that take a CA file; deleted at the end."""
        with self._lock:
            if self._folder is None:
                self._folder = tempfile.TemporaryDirectory(prefix="mailnet-")
                (Path(self._folder.name) / "ca.pem").write_text(self.pem, "ascii")
            return Path(self._folder.name) / "ca.pem"

    def context(self, name: str, certificate: Certificate) -> ssl.SSLContext:
        """The TLS context of a server.

        Args:
            name: the server's host name.
            certificate: the kind of certificate that it shows.
        """
        with self._lock:
            found = self._contexts.get((name, certificate))
            if found is None:
                self._made()
                found = self._contexts[name, certificate] = self._context(name, certificate)
            return found

    def close(self) -> None:
        """Remove the bundle's file."""
        with self._lock:
            folder, self._folder = self._folder, None
        if folder is not None:
            folder.cleanup()

    def _made(self) -> trustme.CA:
        if self._ca is None:
            with _true_datetime():
                self._ca = _authority("pytest-mailnet's authority of this run")
            self._pem = self._ca.cert_pem.bytes().decode("ascii")
        return self._ca

    def _context(self, name: str, certificate: Certificate) -> ssl.SSLContext:
        match certificate:
            case Certificate.EXPIRED:
                # On one day for all runs: clients look at the machine's clock, and a test may freeze ours.
                return self._signed(name, until=_EXPIRED)
            case Certificate.WRONG_NAME:
                return self._signed(f"not-{name}")
            case Certificate.SELF_SIGNED:
                return _self_signed(name)
            case Certificate.OLD_PROTOCOL:
                return _limited_to_old_protocols(self._signed(name))
            case Certificate.NONE:
                # Without a certificate no cipher can be agreed on: the handshake ends in an alert.
                return ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            case _:
                return self._signed(name)

    def _signed(self, name: str, until: datetime | None = None) -> ssl.SSLContext:
        import trustme  # noqa: PLC0415  # takes 30 ms, which a run without TLS is spared

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        since = until and until - timedelta(days=90)
        # fetchmail takes no certificate without a common name (RFC 5280, A.1: 64 characters).
        common = name if len(name) <= _LONGEST_COMMON_NAME else None
        issued = self._made().issue_cert(
            name, common_name=common, key_type=trustme.KeyType.ECDSA, not_before=since, not_after=until
        )
        issued.configure_cert(context)
        return context


@contextlib.contextmanager
def _true_datetime() -> Iterator[None]:
    """Put Python's own `datetime.datetime` back for a moment, in case a test has frozen it.

    cryptography keeps the class that it finds when it signs for the first time. If that is a frozen one, it
    refuses all dates of other classes for the rest of the run.
    """
    found = dt.datetime
    module: Any = dt
    module.datetime = next(cls for cls in found.__mro__ if cls.__module__ == "datetime")
    try:
        yield
    finally:
        module.datetime = found


def _self_signed(name: str) -> ssl.SSLContext:
    context, own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), _authority(name)
    with own.private_key_pem.tempfile() as key, own.cert_pem.tempfile() as certificate:
        context.load_cert_chain(certificate, key)
    return context


def _limited_to_old_protocols(context: ssl.SSLContext) -> ssl.SSLContext:
    with warnings.catch_warnings():  # that they are deprecated is the point
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def _authority(name: str) -> trustme.CA:
    import trustme  # noqa: PLC0415  # as above

    return trustme.CA(organization_name=name[:64], key_type=trustme.KeyType.ECDSA)
