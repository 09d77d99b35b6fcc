"""A small Debian for each server, in a folder: installed there by its own package, with what its package configures.

The servers' packages exclude each other, so that no one system has them all. Each gets a system of its own, which is
entered by `chroot`. `python -m tests.oracles.debian FOLDER` makes them, for root, where debootstrap and apt are.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

__all__ = [
    "CLIENT",
    "HOSTNAME",
    "NAMESERVER",
    "PACKAGES",
    "SUITE",
    "as_its_machine",
    "build",
    "built",
    "version_of",
]

SUITE = "bookworm"
HOSTNAME = "mail.shop.example"
NAMESERVER = "127.0.0.99"
"""Where the systems' name server is, with `names.name_server`."""
CLIENT = "127.0.0.2"
"""Where the client calls from: no server's default configuration trusts it, as all do 127.0.0.1."""

PACKAGES = {
    "postfix": ("postfix", "ssl-cert"),
    "exim": ("exim4-daemon-light",),
    "opensmtpd": ("opensmtpd",),
    "sendmail": ("sendmail-bin", "sensible-mda"),
    "nullmailer": ("nullmailer",),
    "dovecot": ("dovecot-lmtpd",),
}
_BASE = "base"
_DONE = "etc/installed-for-oracles"


def build(folder: Path) -> None:
    """Make the systems that are not there yet; raises CalledProcessError where the packages are not to be had."""
    folder.mkdir(parents=True, exist_ok=True)
    base = folder / _BASE
    if not (base / _DONE).exists():
        shutil.rmtree(base, ignore_errors=True)
        _run("debootstrap", "--variant=minbase", SUITE, str(base), _mirror())
        (base / _DONE).touch()
    for server, packages in PACKAGES.items():
        root = folder / server
        if (root / _DONE).exists():
            continue
        shutil.rmtree(root, ignore_errors=True)
        # The files are the same ones: packages replace files, and do not write into them.
        _run("cp", "--archive", "--link", str(base), str(root))
        (root / _DONE).unlink()
        _install(root, packages)
        (root / _DONE).touch()


def built(folder: Path) -> bool:
    """Whether all systems are there."""
    return all((folder / server / _DONE).exists() for server in PACKAGES)


def _install(root: Path, packages: tuple[str, ...]) -> None:
    policy = root / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")  # nothing is started
    policy.chmod(0o755)
    _replace(root / "etc/mailname", "shop.example\n")
    _replace(
        root / "etc/hosts",
        f"127.0.0.1 localhost\n127.0.1.1 {HOSTNAME} mail\n" + _own_hosts(),
    )
    _replace(root / "etc/resolv.conf", Path("/etc/resolv.conf").read_text())
    for settings in Path("/etc/apt/apt.conf.d").glob("*proxy*"):
        shutil.copy(settings, root / "etc/apt/apt.conf.d")
    install = ("apt-get", "install", "--quiet", "--yes", "--no-install-recommends", *packages)
    _run(*as_its_machine(root, "env", "DEBIAN_FRONTEND=noninteractive", *install))
    _run("chroot", str(root), "useradd", "--create-home", "a")
    _replace(root / "etc/resolv.conf", f"nameserver {NAMESERVER}\n")


def as_its_machine(root: Path, *command: str) -> tuple[str, ...]:
    """The command line that runs a command in a system: with its host name, and processes that end with the first."""
    enter = 'hostname "$0" && mount -t proc proc "$1/proc" && exec chroot "$@"'
    return (
        *("unshare", "--mount", "--uts", "--pid", "--fork", "--kill-child"),
        *("sh", "-c", enter, HOSTNAME, str(root), *command),
    )


def version_of(root: Path, server: str) -> str:
    """The version of a server's package."""
    asked = subprocess.run(
        ("chroot", str(root), "dpkg-query", "--show", "--showformat=${Version}", PACKAGES[server][0]),
        check=True,
        capture_output=True,
        text=True,
    )
    return asked.stdout


def _mirror() -> str:
    """The archive that this machine's apt is told to use."""
    written = "\n".join(
        it.read_text() for it in Path("/etc/apt").glob("sources.list*/**/*") if it.is_file()
    ) + "\n".join(it.read_text() for it in Path("/etc/apt").glob("sources.list"))
    found = re.search(r"^(?:URIs:|deb(?: \[.*?\])?) +(\S+/debian)/?\s", written, re.MULTILINE)
    if found is None:
        raise FileNotFoundError("no archive of Debian is named in /etc/apt/sources.list or sources.list.d")
    return found[1]


def _own_hosts() -> str:
    return "".join(
        line + "\n"
        for line in Path("/etc/hosts").read_text().splitlines()
        if line[:1].isdigit() and not line.startswith("127.")
    )


def _replace(file: Path, text: str) -> None:
    # A new file, not new content of one that another system has too.
    file.unlink(missing_ok=True)
    file.write_text(text)


def _run(*command: str) -> None:
    subprocess.run(
        command, check=True, stdin=subprocess.DEVNULL, stdout=sys.stderr, env=dict(os.environ, LC_ALL="C")
    )


if __name__ == "__main__":
    build(Path(sys.argv[1]))
