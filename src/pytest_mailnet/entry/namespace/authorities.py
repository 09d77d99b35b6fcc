"""The machine's certificate authorities with one more, for programs that read them from files."""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pytest_mailnet.entry.namespace.java_store import stores, with_authority
from pytest_mailnet.system.native import lock

__all__ = ["Authorities"]

# Where programs find the certificates of authorities: Debian, Fedora, SUSE, Alpine.
_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
# Folders in which OpenSSL finds a certificate by the hash of its subject (openssl-rehash(1)): Debian and
# SUSE, Fedora.
_FOLDERS = ("/etc/ssl/certs", "/etc/pki/ca-trust/extracted/pem/directory-hash")
_MODE = 0o755  # programs may be other users'


class Authorities:
    """Copies of the machine's bundles and folders, with one authority more, to be mounted over them.

    A run has one authority, so that they are made once. One lock, for that.
    """

    def __init__(self) -> None:
        self._lock = lock()
        self._folder: Path | None = None
        self._mounts: list[tuple[str, str]] = []
        self._environment: dict[str, str] = {}

    def trusting(self, authority: str) -> tuple[list[tuple[str, str]], dict[str, str]]:
        """What makes programs trust an authority besides the machine's.

        Args:
            authority: its certificate, as PEM.

        Returns:
            Each file or folder, with that which it is mounted over; and the variables by which programs trust
            the authority that look into no bundle.
        """
        with self._lock:
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="mailnet-"))
                self._folder.chmod(_MODE)
                self._mounts = list(self._made(self._folder, authority))
            return self._mounts, self._environment

    def close(self) -> None:
        """Remove the copies."""
        with self._lock:
            folder, self._folder = self._folder, None
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)

    def _made(self, folder: Path, authority: str) -> Iterator[tuple[str, str]]:
        alone = folder / "authority.pem"
        alone.write_text(authority, "ascii")
        self._environment = {"SSL_CERT_FILE": str(alone), "NODE_EXTRA_CA_CERTS": str(alone)}
        covered: dict[Path, Path] = {}
        for machines in dict.fromkeys(Path(it).resolve() for it in _FOLDERS):
            if machines.is_dir():
                covered[machines] = ours = folder / f"folder-{len(covered)}"
                _copy(machines, ours)
                _put_hashed(ours, authority)
                yield str(ours), str(machines)
        for number, (bundle, machines_own) in enumerate(_bundles().items()):
            if bundle.parent in covered:
                ours = covered[bundle.parent] / bundle.name
            else:
                ours = folder / f"bundle-{number}.pem"
                yield str(ours), str(bundle)
            ours.write_bytes(bundle.read_bytes() + b"\n" + authority.encode())
            if machines_own:
                self._environment["SSL_CERT_FILE"] = str(bundle)
        for number, store in enumerate(stores()):
            around = next((it for it in store.parents if it in covered), None)
            if around is not None:
                ours = covered[around] / store.relative_to(around)
            else:
                ours = folder / f"store-{number}.jks"
                yield str(ours), str(store)
            ours.write_bytes(with_authority(store.read_bytes(), authority))


def _bundles() -> dict[Path, bool]:
    """The bundles on this machine, and whether each is the machine's, and not that of Python's programs."""
    found = {Path(it).resolve(): True for it in _BUNDLES}
    certifi = importlib.util.find_spec("certifi")
    if certifi is not None and certifi.origin:
        found.setdefault(Path(certifi.origin).with_name("cacert.pem").resolve(), False)
    return {bundle: machines for bundle, machines in found.items() if bundle.is_file()}


def _copy(machines: Path, ours: Path) -> None:
    """Copy a folder; its links lead where they led, though another folder is mounted in its place."""
    ours.mkdir()
    for entry in machines.iterdir():
        try:
            if entry.is_symlink():
                (ours / entry.name).symlink_to(entry.resolve())
            elif entry.is_dir():
                shutil.copytree(entry, ours / entry.name, symlinks=True)
            else:
                shutil.copy2(entry, ours / entry.name)
        except OSError:  # a file that this user may not read
            continue


def _put_hashed(folder: Path, authority: str) -> None:
    number = 0
    name = _subject_hash(authority)
    while (folder / f"{name}.{number}").is_symlink():
        number += 1
    (folder / f"{name}.{number}").write_text(authority, "ascii")


def _subject_hash(certificate: str) -> str:
    """The hash of a certificate's subject, as OpenSSL names files by it (X509_NAME_hash_ex(3)).

    It is taken over the names without the outermost header, in lower case and with single spaces.
    """
    from cryptography import x509  # noqa: PLC0415  # slow; a run without TLS does not need it

    subject = x509.load_pem_x509_certificate(certificate.encode()).subject
    plain = [x509.NameAttribute(it.oid, " ".join(str(it.value).lower().split())) for it in subject]
    encoded = x509.Name(plain).public_bytes()
    names = encoded[2 + (encoded[1] & 0x7F if encoded[1] > 0x7F else 0) :]
    return hashlib.sha1(names, usedforsecurity=False).digest()[3::-1].hex()
