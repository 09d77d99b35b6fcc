"""Dovecot beside the net: one server on loopback, which has a mailbox for every name, with the same password."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

__all__ = ["PASSWORD", "Dovecot", "missing", "version"]

PASSWORD = "secret"  # of all mailboxes

_HOST = "127.0.0.1"
_PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
_MODULES = ("/usr/lib/dovecot/imap", "/usr/lib/dovecot/pop3")
_PATIENCE = 20.0  # seconds

# The package's own, but for what a test needs: ports, mailboxes and a password; the folders that a server of the net
# has; no wait after a wrong password; and IDLE told at once.
_CONFIGURATION = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap pop3
listen = {host}
{tls}
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_failure_delay = 0
mail_location = sdbox:{folder}/mail/%n
mail_max_userip_connections = 100
default_vsz_limit = 512M
mailbox_idle_check_interval = 1 secs
imap_hibernate_timeout = 0
first_valid_uid = 1
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid=mail gid=mail home={folder}/mail/%n
}}
namespace inbox {{
  inbox = yes
  separator = /
  mailbox INBOX {{
    auto = subscribe
  }}
{folders}
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service imap-login {{
  service_count = 0
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
  }}
}}
service pop3-login {{
  service_count = 0
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = {pop3s}
  }}
}}
service imap {{
  service_count = 100
  process_limit = 100
}}
service pop3 {{
  service_count = 100
  process_limit = 100
}}
"""
_FOLDER = """\
  mailbox {0} {{
    auto = subscribe
    special_use = \\{0}
  }}"""


def missing() -> str | None:
    """Why Dovecot cannot be asked here; None if it can."""
    if shutil.which("dovecot", path=_PATH) is None or not all(map(os.path.exists, _MODULES)):
        return "Dovecot is not installed (Debian: dovecot-imapd, dovecot-pop3d)"
    return None if os.geteuid() == 0 else "Dovecot has to be started by root"


def version() -> str:
    """What Dovecot says that it is, "2.3.19.1"."""
    told = subprocess.run((_program(), "--version"), check=True, capture_output=True, text=True)
    return told.stdout.split(" ")[0].strip()


def _program() -> str:
    return shutil.which("dovecot", path=_PATH) or "dovecot"


_Address = tuple[str, int]


class Dovecot:
    """A running Dovecot.

    Attributes:
        version: as it tells it, "2.3.19.1".
        imap: where it speaks IMAP, without TLS.
        pop3: where it speaks POP3, without TLS.
        imaps: where it speaks IMAP over TLS, if it has a certificate.
        pop3s: where it speaks POP3 over TLS, if it has a certificate.
    """

    def __init__(
        self, version: str, imap: _Address, pop3: _Address, imaps: _Address, pop3s: _Address
    ) -> None:
        self.version, self.imap, self.pop3, self.imaps, self.pop3s = version, imap, pop3, imaps, pop3s

    @classmethod
    @contextlib.contextmanager
    def started(cls, folder: Path, certificate: Path | None = None) -> Iterator[Dovecot]:
        """Run Dovecot until the context ends.

        Args:
            folder: an empty one.
            certificate: a file with a certificate and its key, for TLS; None for no TLS.
        """
        ports = dict(zip(("imap", "pop3", "imaps", "pop3s"), _free_ports(4), strict=True))
        tls = f"ssl = yes\nssl_cert = <{certificate}\nssl_key = <{certificate}" if certificate else "ssl = no"
        configuration = folder / "dovecot.conf"
        configuration.write_text(
            _CONFIGURATION.format(
                folder=folder,
                host=_HOST,
                password=PASSWORD,
                tls=tls,
                **ports,
                folders="\n".join(map(_FOLDER.format, ("Drafts", "Junk", "Sent", "Trash"))),
            )
        )
        mail = folder / "mail"
        mail.mkdir()
        shutil.chown(mail, "mail", "mail")
        with _passable(folder):
            process = subprocess.Popen((_program(), "-F", "-c", str(configuration)), stdin=subprocess.DEVNULL)
            try:
                addresses = {name: (_HOST, port) for name, port in ports.items()}
                for name in ("imap", "pop3"):
                    _wait_for(addresses[name], process, folder / "log")
                yield cls(version(), **addresses)
            finally:
                process.terminate()
                process.wait(_PATIENCE)


@contextlib.contextmanager
def _passable(folder: Path) -> Iterator[None]:
    """Let Dovecot's own users through the folders on the way, which pytest makes for its user alone."""
    closed = {it: it.stat().st_mode for it in (folder, *folder.parents) if not it.stat().st_mode & 0o001}
    for it, mode in closed.items():
        it.chmod(mode | 0o011)
    try:
        yield
    finally:
        for it, mode in closed.items():
            it.chmod(mode & 0o7777)


def _wait_for(address: tuple[str, int], process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(address, timeout=1) as client:
            if client.recv(1):
                return
    raise TimeoutError(f"Dovecot has not answered: {log.read_text() if log.exists() else 'it said nothing'}")


def _free_ports(count: int) -> list[int]:
    """Ports that nobody has."""
    with contextlib.ExitStack() as opened:
        sockets = [opened.enter_context(socket.socket()) for _ in range(count)]
        for it in sockets:
            it.bind((_HOST, 0))
        return [it.getsockname()[1] for it in sockets]
