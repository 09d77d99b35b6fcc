"""Postfix, Exim, OpenSMTPD and Sendmail as private instances on loopback, each in the Debian that `debian` made for it.

They run with the configuration that their packages leave behind. What is changed is written here: the port, the domain and
its one mailbox, who is trusted (127.0.0.1 alone), and how long a client may be idle.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from .debian import CLIENT, HOSTNAME, as_its_machine, version_of

__all__ = ["IDLE", "SERVERS", "Configure", "Real", "start"]

IDLE = 9
"""Seconds after which a client that says nothing is told so, where a server can be configured for that."""

_BOOT = 20  # seconds


@dataclass(frozen=True)
class Real:
    """A real server that runs.

    Attributes:
        name: as in `mailnet.add_domain(..., on=name)`.
        version: of its package.
        port: at 127.0.0.1.
        root: its system.
    """

    name: str
    version: str
    port: int
    root: Path

    def connect(self) -> socket.socket:
        """A connection from an address that the server trusts in nothing."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=10, source_address=(CLIENT, 0))


def _postfix(root: Path, port: int) -> tuple[str, ...]:
    main = root / "etc/postfix/main.cf"
    # `inet_protocols` is left empty by the package's script where no network is up.
    settings = {"mynetworks": "127.0.0.1/32", "inet_protocols": "ipv4", "smtpd_timeout": f"{IDLE}s"}
    kept = [line for line in main.read_text().splitlines() if line.partition("=")[0].strip() not in settings]
    main.write_text("\n".join([*kept, *(f"{name} = {value}" for name, value in settings.items()), ""]))
    master = root / "etc/postfix/master.cf"
    master.write_text(re.sub(r"(?m)^(\S+)(\s+inet\s)", rf"127.0.0.1:{port}\2", master.read_text(), count=1))
    return ("postfix", "start-fg")


def _exim(root: Path, port: int) -> tuple[str, ...]:
    settings = root / "etc/exim4/update-exim4.conf.conf"
    settings.write_text(
        settings.read_text()
        .replace("dc_eximconfig_configtype='local'", "dc_eximconfig_configtype='internet'")
        .replace("dc_local_interfaces='127.0.0.1 ; ::1'", "dc_local_interfaces='127.0.0.1'")
    )
    (root / "etc/exim4/exim4.conf.localmacros").write_text("")
    template = root / "etc/exim4/exim4.conf.template"
    template.write_text(
        template.read_text().replace(
            "acl_smtp_mail = MAIN_ACL_CHECK_MAIL\n",
            f"smtp_receive_timeout = {IDLE}s\nacl_smtp_mail = MAIN_ACL_CHECK_MAIL\n",
        )
    )
    return ("sh", "-c", f"update-exim4.conf && exec exim4 -bdf -q30m -oX {port}")


def _opensmtpd(root: Path, port: int) -> tuple[str, ...]:
    settings = root / "etc/smtpd.conf"
    settings.write_text(
        settings.read_text()
        .replace("listen on localhost", f"listen on 127.0.0.1 port {port}")
        .replace(
            "match for local", 'match from any for domain "shop.example" action "local"\nmatch for local'
        )
    )
    (root / "etc/mailname").write_text(f"{HOSTNAME}\n")  # by which it calls itself
    return ("smtpd", "-d")


def _sendmail(root: Path, port: int) -> tuple[str, ...]:
    settings = root / "etc/mail/sendmail.cf"
    written = settings.read_text().replace("Name=MTA-v4, Port=smtp,", f"Name=MTA-v4, Port={port},")
    written = re.sub(r"(?m)^O DaemonPortOptions=.*Name=MSP-v4.*\n", "", written)
    written = written.replace("O Timeout.command=5m", f"O Timeout.command={IDLE}s")
    written = written.replace("#O Timeout.datablock=1h", f"O Timeout.datablock={IDLE}s")
    settings.write_text(written)
    (root / "etc/mail/local-host-names").write_text("shop.example\n")
    # It would relay for all of 127.0.0.0/8. How many connections strangers may make in a minute stays as for that.
    access = root / "etc/mail/access"
    access.write_text(re.sub(r"(?m)^Connect:127(?=\s)", "Connect:127.0.0.1", access.read_text()))
    return ("sh", "-c", "makemap hash /etc/mail/access < /etc/mail/access && exec sendmail -bD -q10m")


Configure: TypeAlias = Callable[[Path, int], tuple[str, ...]]
"""Writes what is changed in a system, for a port; returns the server's command."""

SERVERS: dict[str, Configure] = {
    "postfix": _postfix,
    "exim": _exim,
    "opensmtpd": _opensmtpd,
    "sendmail": _sendmail,
}


@contextlib.contextmanager
def start(name: str, folder: Path, configure: Configure | None = None) -> Iterator[Real]:
    """Run a server while the context lasts.

    Args:
        name: of a server that `debian` has.
        folder: what `debian.build` made. The server gets a copy of its system there, which is removed at the end.
        configure: what is changed there; None for what `SERVERS` says.
    """
    with tempfile.TemporaryDirectory(prefix=f"running-{name}-", dir=folder) as running:
        root = Path(running)
        root.chmod(0o755)  # the root of a system, which all its users enter
        for part in (folder / name).iterdir():
            # Programs are not written to, and need no copies.
            how = ("--archive", "--link") if part.name == "usr" else ("--archive",)
            subprocess.run(("cp", *how, str(part), str(root)), check=True)
        with socket.create_server(("127.0.0.1", 0)) as reserved:
            port = reserved.getsockname()[1]
        command = as_its_machine(root, *(configure or SERVERS[name])(root, port))
        log = root / "oracle.log"
        with log.open("wb") as told:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=told, stderr=subprocess.STDOUT
            )
        try:
            real = Real(name, version_of(root, name), port, root)
            _wait_until_it_greets(real, process, log)
            yield real
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the first process of the server's namespace; the kernel then ends all others in it."""
    if process.poll() is not None:
        return
    first = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    for child in map(int, first):
        os.kill(child, signal.SIGKILL)
    process.wait()


def _wait_until_it_greets(real: Real, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + _BOOT
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError), real.connect() as client:
            if client.recv(1):
                return
        time.sleep(0.1)
    raise RuntimeError(
        f"{real.name} did not greet within {_BOOT} s: {log.read_text(errors='replace')[-2000:]}"
    )
