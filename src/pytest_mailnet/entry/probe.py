"""Finds out which authorities a TLS context trusts, by showing it certificates with forged issuers.

A trust store cannot be listed: OpenSSL reads a certificate from a directory only when it needs it. So the
context verifies a certificate that names an authority as its issuer, but was signed by another key. A context
that trusts the authority refuses the signature. All others complain of an unknown issuer.
"""

from __future__ import annotations

import functools
import re
import ssl
import sys
import tempfile
import warnings
import weakref
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

__all__ = ["Issuer", "Trusting", "pretender", "refused_by"]

_NAME = "mailnet.invalid"
_HASHED = re.compile(r"[0-9a-f]{8}\.\d")  # what OpenSSL looks for in a directory
_END = "-----END CERTIFICATE-----\n"
_ROUNDS = 4  # a handshake takes three at most until the client has seen the certificate
# X509_V_ERR_...: no issuer was found, or the certificate itself is the only one.
_UNKNOWN_ISSUER = frozenset({2, 18, 19, 20, 21})


class Issuer(NamedTuple):
    """An authority.

    Attributes:
        name: its distinguished name.
        rsa: whether its key is RSA. OpenSSL takes no authority for the issuer of another kind of signature.
    """

    name: x509.Name
    rsa: bool


class Trusting:
    """The contexts that trust the authorities of the machine, of certifi, or of another public bundle.

    Each context is probed until it is found to trust them; then it is remembered for as long as it exists.
    """

    def __init__(self) -> None:
        self._known: weakref.WeakSet[Any] = weakref.WeakSet()

    def add(self, context: Any) -> None:
        """Remember a context without a probe. This also holds if the machine has no authorities."""
        self._known.add(context)

    def has(self, context: Any, refuse: Callable[[Issuer], int | None]) -> bool:
        """Whether a context is one of them.

        Args:
            context: a context of any library.
            refuse: lets the context verify a certificate with a forged issuer. Returns OpenSSL's number of
                the error; None if nothing was verified.
        """
        if context not in self._known:
            errors = (refuse(issuer) for issuer in _public_authorities())
            if not any(error is not None and error not in _UNKNOWN_ISSUER for error in errors):
                return False
            self._known.add(context)
        return True


def refused_by(wrap: Callable[..., ssl.SSLObject], issuer: Issuer) -> int | None:
    """OpenSSL's number of the error by which a context of Python's refuses a forged issuer; None for none.

    Args:
        wrap: the context's `_wrap_bio`.
        issuer: the authority that the certificate names.
    """
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = wrap(back, there, False, _NAME)  # noqa: FBT003  # of a function in C
    server = _server(issuer).wrap_bio(there, back, server_side=True)
    for end in (client, server) * _ROUNDS:
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLCertVerificationError as error:
            return error.verify_code
        except ssl.SSLError:
            return None
    return None


@functools.lru_cache(16)
def pretender(issuer: Issuer) -> x509.Certificate:
    """A server's certificate with a forged issuer: an authority that has not signed it."""
    from cryptography import x509  # noqa: PLC0415  # slow; a run without TLS does not need it
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415

    return (
        x509.CertificateBuilder()
        .issuer_name(issuer.name)
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, _NAME)]))
        .public_key(_key().public_key())
        .serial_number(1)
        .not_valid_before(datetime(2000, 1, 1))  # noqa: DTZ001  # X.509 knows UTC alone
        .not_valid_after(datetime(2100, 1, 1))  # noqa: DTZ001
        .sign(_rsa_key() if issuer.rsa else _key(), hashes.SHA256())
    )


def _public_authorities() -> Iterator[Issuer]:
    """One authority that all public bundles have, then one each of the machine's and of certifi's."""
    yield _well_known()
    paths = ssl.get_default_verify_paths()
    if paths.cafile:
        yield from _first_in(Path(paths.cafile))
    if paths.capath:
        hashed = (it for it in Path(paths.capath).iterdir() if _HASHED.fullmatch(it.name))
        for file in hashed:
            yield from _first_in(file)
            break
    if "certifi" in sys.modules:  # code that trusts its authorities has imported it
        yield from _first_in(Path(sys.modules["certifi"].where()))


@functools.cache
def _well_known() -> Issuer:
    """An authority that all browsers and systems trust, until 2035."""
    from cryptography import x509  # noqa: PLC0415

    oid = x509.NameOID
    parts = {
        oid.COUNTRY_NAME: "US",
        oid.ORGANIZATION_NAME: "Internet Security Research Group",
        oid.COMMON_NAME: "ISRG Root X1",
    }
    return Issuer(x509.Name([x509.NameAttribute(*part) for part in parts.items()]), rsa=True)


def _first_in(file: Path) -> Iterator[Issuer]:
    """The first authority in a file; none if there is no such file or it cannot be read."""
    from cryptography import x509  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415

    try:
        text = file.read_text("ascii", "replace")
        with warnings.catch_warnings():  # of serial numbers and keys of old authorities
            warnings.simplefilter("ignore")
            found = x509.load_pem_x509_certificate((text.partition(_END)[0] + _END).encode())
            yield Issuer(found.subject, isinstance(found.public_key(), rsa.RSAPublicKey))
    except (OSError, ValueError):
        return


@functools.lru_cache(16)
def _server(issuer: Issuer) -> ssl.SSLContext:
    from cryptography.hazmat.primitives import serialization as form  # noqa: PLC0415

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    private = _key().private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    with tempfile.NamedTemporaryFile() as file:
        file.write(private + pretender(issuer).public_bytes(form.Encoding.PEM))
        file.flush()
        context.load_cert_chain(file.name)
    return context


@functools.cache
def _key() -> ec.EllipticCurvePrivateKey:
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

    return ec.generate_private_key(ec.SECP256R1())


@functools.cache
def _rsa_key() -> rsa.RSAPrivateKey:
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415

    return rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505  # made quickly
