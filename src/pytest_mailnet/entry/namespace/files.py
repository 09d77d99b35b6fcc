"""What programs in a namespace read in place of the machine's own files: name servers, hosts, authorities."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from pytest_mailnet.entry.namespace.java_store import stores, with_authority

__all__ = ["Files"]

_ETC = ("etc", "var/spool/postfix/etc")  # and the chroot of Postfix's programs
# Where programs find the certificates of authorities: Debian, Fedora, SUSE, Alpine.
_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
# Sockets of the machine's own resolvers, which glibc asks before the name servers in resolv.conf.
_RESOLVERS = ("/run/nscd", "/run/systemd/resolve", "/run/avahi-daemon")
_MODE = 0o755  # programs may be other users'


class Files:
    """A folder with files that are mounted over those of the machine.

    Args:
        resolver: the address of the name server.

    Attributes:
        environment: the variables by which programs trust an authority that look into no bundle.
    """

    def __init__(self, resolver: str) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="mailnet-"))
        self._folder.chmod(_MODE)
        self._mine = Path("/etc/hosts")
        self._resolv, self._hosts = self._folder / "resolv.conf", self._folder / "hosts"
        # Without a search domain, which would be that of the host's name. Go up to 1.19 tells then that it
        # "cannot marshal" where it should say "no such host", as beside systemd-resolved: golang/go#54124.
        self._resolv.write_text(f"nameserver {resolver}\nsearch .\n", "ascii")
        self._hosts.write_text("", "ascii")
        self.environment: dict[str, str] = {}

    def name(self, name: str, addresses: Iterable[str]) -> None:
        """Write the hosts file: the programs' host itself, and what the machine's file has.

        Args:
            name: the host's own name.
            addresses: its addresses, which the name leads to.
        """
        names = " ".join(dict.fromkeys((name, name.partition(".")[0])))
        own = [f"{ip} {names}" for ip in addresses]
        machine = self._mine.read_text("utf-8", "replace") if self._mine.exists() else ""
        lines = ["127.0.0.1 localhost", "::1 localhost ip6-localhost", *own, machine]
        # The same file as before: it is mounted.
        self._hosts.write_text("\n".join(lines), "utf-8")

    @property
    def masks(self) -> list[str]:
        """The folders that are to be empty."""
        return [it for it in _RESOLVERS if Path(it).is_dir()]

    @property
    def mounts(self) -> Iterator[tuple[str, str]]:
        """Each file, and that of the machine which it is mounted over."""
        for mine in (self._resolv, self._hosts):
            for folder in _ETC:
                yield from _over(mine, Path("/") / folder / mine.name)

    def trust(self, authority: str) -> Iterator[tuple[str, str]]:
        """Trust an authority; returns further mounts.

        Args:
            authority: its certificate, as PEM.
        """
        mine = self._folder / "authority.pem"
        mine.write_text(authority, "ascii")
        self.environment = {"SSL_CERT_FILE": str(mine), "NODE_EXTRA_CA_CERTS": str(mine)}
        for number, bundle in enumerate(dict.fromkeys(Path(it).resolve() for it in _BUNDLES)):
            if bundle.is_file():
                with_it = self._folder / f"bundle-{number}.pem"
                with_it.write_bytes(bundle.read_bytes() + b"\n" + authority.encode())
                self.environment["SSL_CERT_FILE"] = str(bundle)
                yield str(with_it), str(bundle)
        for number, store in enumerate(stores()):
            with_it = self._folder / f"store-{number}.jks"
            with_it.write_bytes(with_authority(store.read_bytes(), authority))
            yield str(with_it), str(store)

    def close(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self._folder, ignore_errors=True)


def _over(mine: Path, machines: Path) -> Iterator[tuple[str, str]]:
    there = machines.resolve()
    if there.is_file():
        yield str(mine), str(there)
