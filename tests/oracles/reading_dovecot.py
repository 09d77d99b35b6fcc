"""Dovecot beside the net: one server on loopback, which has a mailbox for every name, with the same password."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
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
    def started(cls, certificate: bytes = b"") -> Iterator[Dovecot]:
        """Run Dovecot until the context ends.

        Args:
            certificate: in PEM, with its chain and key, for TLS; b"" for no TLS.
        """
        ports = dict(zip(("imap", "pop3", "imaps", "pop3s"), _free_ports(4), strict=True))
        addresses = {name: (_HOST, port) for name, port in ports.items()}
        # A folder of its own: those of pytest are its user's alone, and so closed to Dovecot's.
        with tempfile.TemporaryDirectory(prefix="dovecot-") as name:
            folder = Path(name)
            folder.chmod(0o711)
            _configure(folder, ports, certificate)
            command = (_program(), "-F", "-c", str(folder / "dovecot.conf"))
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
            try:
                for it in ("imap", "pop3"):
                    _wait_for(addresses[it], process, folder / "log")
                yield cls(version(), **addresses)
            finally:
                process.terminate()
                process.wait(_PATIENCE)


def _configure(folder: Path, ports: Mapping[str, int], certificate: bytes) -> None:
    pem = folder / "certificate.pem"
    pem.write_bytes(certificate)
    tls = f"ssl = yes\nssl_cert = <{pem}\nssl_key = <{pem}" if certificate else "ssl = no"
    folders = "\n".join(map(_FOLDER.format, ("Drafts", "Junk", "Sent", "Trash")))
    text = _CONFIGURATION.format(
        folder=folder, host=_HOST, password=PASSWORD, tls=tls, folders=folders, **ports
    )
    (folder / "dovecot.conf").write_text(text)
    mail = folder / "mail"
    mail.mkdir()
    shutil.chown(mail, "mail", "mail")


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
