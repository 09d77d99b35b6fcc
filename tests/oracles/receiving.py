"""Debian's Postfix and Dovecot as an application's own servers, to which a net delivers.

They listen on loopback. Of their configuration is changed who may say who connects, and the case that a test is about.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .servers import SERVERS, start

__all__ = ["BANNED", "FULL", "Receiving", "dovecot", "postfix"]

_PATIENCE = 30  # seconds
BANNED = "203.0.113.66"
"""From there Postfix takes no mail."""
FULL = "full"
"""The user whose mailbox at Dovecot is full."""

# Of a client without a name nothing is taken where XCLIENT has told it; by PROXY none is told.
_OPTIONS = {
    "XCLIENT": "smtpd_helo_restrictions=reject_unknown_client_hostname",
    "PROXY": "smtpd_upstream_proxy_protocol=haproxy",
}
_DOVECOT = """\
protocols = lmtp
listen = 127.0.0.1
ssl = no
log_path = /dev/stderr
mail_location = maildir:~/mail
mail_plugins = quota
login_trusted_networks = 127.0.0.0/8
lmtp_proxy = no
lmtp_add_received_header = yes
auth_username_format = %n
passdb {{
  driver = passwd-file
  args = /etc/dovecot/users
}}
userdb {{
  driver = passwd-file
  args = /etc/dovecot/users
}}
protocol lmtp {{
  mail_plugins = quota
}}
plugin {{
  quota = count:User quota
  quota_vsizes = yes
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {port}
  }}
}}
"""


@dataclass(frozen=True)
class Receiving:
    """A server that takes mail.

    Attributes:
        root: its system.
        ports: where it listens at 127.0.0.1, by how it is told who connects.
    """

    root: Path
    ports: dict[str, int]

    def wait_for(self, *texts: str) -> None:
        """Wait until texts stand in its log.

        Raises:
            TimeoutError: if that takes too long; with the log.
        """
        until = time.monotonic() + _PATIENCE
        while not all(it in self._said for it in texts):
            if time.monotonic() > until:
                raise TimeoutError(self._said[-3000:])
            time.sleep(0.02)

    @property
    def _said(self) -> str:
        return (self.root / "oracle.log").read_text(errors="replace")


@contextlib.contextmanager
def postfix(systems: Path) -> Iterator[Receiving]:
    """Run Postfix while the context lasts; it is told who connects by XCLIENT, by PROXY, or not at all."""
    ports: dict[str, int] = {}

    def configure(root: Path, port: int) -> tuple[str, ...]:
        command = SERVERS["postfix"](root, port)
        ports.update({"": port, "XCLIENT": _free(), "PROXY": _free()})
        with (root / "etc/postfix/main.cf").open("a") as main:
            main.write(
                "maillog_file = /dev/stdout\n"
                "smtpd_authorized_xclient_hosts = 127.0.0.1/32\n"
                f"smtpd_client_restrictions = check_client_access inline:{{ {{ {BANNED} = REJECT banned }} }}\n"
            )
        with (root / "etc/postfix/master.cf").open("a") as master:
            for told, option in _OPTIONS.items():
                master.write(f"127.0.0.1:{ports[told]} inet n - y - - smtpd -o {option}\n")
        return command

    with start("postfix", systems, configure) as real:
        yield Receiving(real.root, ports)


@contextlib.contextmanager
def dovecot(systems: Path) -> Iterator[Receiving]:
    """Run Dovecot's LMTP while the context lasts."""
    ports: dict[str, int] = {}

    def configure(root: Path, port: int) -> tuple[str, ...]:
        ports["LMTP"] = port
        settings = root / "etc/dovecot"
        (settings / "dovecot.conf").write_text(_DOVECOT.format(port=port))
        ids = next(it for it in (root / "etc/passwd").read_text().splitlines() if it.startswith("a:")).split(
            ":"
        )
        (settings / "users").write_text(
            f"a::{ids[2]}:{ids[3]}::/home/a::\n"
            f"{FULL}::{ids[2]}:{ids[3]}::/home/a/{FULL}::userdb_quota_rule=*:storage=1B\n"
        )
        return ("dovecot", "-F")

    with start("dovecot", systems, configure) as real:
        yield Receiving(real.root, ports)


def _free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port: int = reserved.getsockname()[1]
    return port
