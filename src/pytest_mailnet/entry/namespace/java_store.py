"""Java's file of authorities, which is none of OpenSSL's: it has a format of its own, JKS.

The format is what `sun.security.provider.JavaKeyStore` of the JDK reads. A JDK that keeps its own authorities
as PKCS #12, as from JDK 18 on (JDK-8275252), reads it too, unless
its `keystore.type.compat` has been turned off.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import ssl
import struct
from collections.abc import Iterator
from pathlib import Path

__all__ = ["stores", "with_authority"]

# Debian and Alpine, Fedora, SUSE.
_STORES = (
    "/etc/ssl/certs/java/cacerts",
    "/etc/pki/ca-trust/extracted/java/cacerts",
    "/var/lib/ca-certificates/java-cacerts",
)
_ITS_OWN = "lib/security/cacerts"
_HEAD = struct.Struct(">III")
_MAGIC, _VERSION, _CERTIFICATE = 0xFEEDFEED, 2, 2
_PASSWORD = "changeit"  # noqa: S105  # every JDK's; it seals the file, and hides nothing
_DIGEST = 20  # bytes


def stores() -> Iterator[Path]:
    """The files of the machine's JDKs, as far as they are known; each is there."""
    java = shutil.which("java")
    homes = [os.environ.get("JAVA_HOME"), java and str(Path(java).resolve().parent.parent)]
    places = [*map(Path, _STORES), *(Path(it) / _ITS_OWN for it in homes if it)]
    return (it for it in dict.fromkeys(it.resolve() for it in places) if it.is_file())


def with_authority(store: bytes, authority: str) -> bytes:
    """A store with one more authority; where it is in another format, one with that authority alone.

    Args:
        store: what is in the file.
        authority: the authority's certificate, as PEM.
    """
    count, entries = 0, b""
    if len(store) > _HEAD.size + _DIGEST and _HEAD.unpack_from(store)[:2] == (_MAGIC, _VERSION):
        count, entries = _HEAD.unpack_from(store)[2], store[_HEAD.size : -_DIGEST]
    certificate = ssl.PEM_cert_to_DER_cert(authority)
    own = (
        struct.pack(">I", _CERTIFICATE)
        + _text("pytest-mailnet")
        + struct.pack(">Q", 0)
        + _text("X.509")
        + struct.pack(">I", len(certificate))
        + certificate
    )
    written = _HEAD.pack(_MAGIC, _VERSION, count + 1) + entries + own
    seal = hashlib.sha1(_PASSWORD.encode("utf-16-be") + b"Mighty Aphrodite" + written, usedforsecurity=False)
    return written + seal.digest()


def _text(text: str) -> bytes:
    return struct.pack(">H", len(text)) + text.encode("ascii")
