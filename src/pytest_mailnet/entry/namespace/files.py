"""What programs in a namespace read in place of the machine's own files: name servers and hosts."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

__all__ = ["Files"]

_ETC = ("etc", "var/spool/postfix/etc")  # and the chroot of Postfix's programs
# Sockets of the machine's own resolvers, which glibc asks before the name servers in resolv.conf.
_RESOLVERS = ("/run/nscd", "/run/systemd/resolve", "/run/avahi-daemon")
_MODE = 0o755  # programs may be other users'


class Files:
    """A folder with files that are mounted over those of the machine.

    Args:
        resolver: the address of the name server.
    """

    def __init__(self, resolver: str) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="mailnet-"))
        self._folder.chmod(_MODE)
        machines = Path("/etc/hosts")  # read now: ours may be mounted there soon
        self._machines = machines.read_text("utf-8", "replace") if machines.exists() else ""
        self._resolv, self._hosts = self._folder / "resolv.conf", self._folder / "hosts"
        # No search domain: it would be that of the host's name. By the dots no name is tried as it is before
        # the root is searched: it would be asked for twice.
        # Go up to 1.19 tells then that it "cannot marshal" where it should say "no such host", as beside
        # systemd-resolved: golang/go#54124.
        self._resolv.write_text(f"nameserver {resolver}\nsearch .\noptions ndots:15\n", "ascii")
        self.name("localhost", ())

    def name(self, name: str, addresses: Iterable[str]) -> None:
        """Write the hosts file: the programs' host itself, and what the machine's file has.

        Args:
            name: the host's own name.
            addresses: its addresses, which the name leads to.
        """
        names = " ".join(dict.fromkeys((name, name.partition(".")[0])))
        own = [f"{ip} {names}" for ip in addresses]
        lines = ["127.0.0.1 localhost", "::1 localhost ip6-localhost", *own, self._machines]
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

    def close(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self._folder, ignore_errors=True)


def _over(mine: Path, machines: Path) -> Iterator[tuple[str, str]]:
    there = machines.resolve()
    if there.is_file():
        yield str(mine), str(there)
