"""Debian's mail servers as senders: each in a namespace of a net, in the Debian that `debian` made for it.

They look MX records up, deliver, retry and write bounces by themselves. Of their configuration is changed what makes
one of them a sender: its name, and that it delivers to the Internet.
"""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pytest_mailnet import MailNet

__all__ = ["SENDERS", "Sending", "running"]

_PATIENCE = 30  # seconds
_POSTFIX = """\
postconf -e myhostname=app.sender.example mydestination={own} relayhost= inet_interfaces=all inet_protocols=all \
maillog_file=/dev/stdout smtp_tls_security_level=may smtp_tls_CAfile=/etc/mailnet.pem
{verify}
exec postfix start-fg"""
_PREPARE = """\
mount -t tmpfs none {folder}
mkdir {folder}/upper {folder}/work {folder}/root
mount -t overlay none -o lowerdir={system},upperdir={folder}/upper,workdir={folder}/work {folder}/root
cd {folder}/root
mount -t proc proc proc
mkdir -p var/spool/postfix/etc
for file in resolv.conf hosts services; do
  rm -f etc/$file && cp /etc/$file etc/ && cp /etc/$file var/spool/postfix/etc/
done
cp {authority} etc/mailnet.pem"""
_EXIM = r"""
sed -i "s/dc_eximconfig_configtype=.*/dc_eximconfig_configtype='internet'/; s/dc_local_interfaces=.*/dc_local_interfaces=''/" \
  /etc/exim4/update-exim4.conf.conf
echo "MAIN_HARDCODE_PRIMARY_HOSTNAME=app.sender.example" > /etc/exim4/exim4.conf.localmacros
{verify}
update-exim4.conf
exec exim4 -bdf -q10m"""
_OPENSMTPD = """\
echo app.sender.example > /etc/mailname
printf 'listen on lo\\naction "outbound" relay\\nmatch from any for any action "outbound"\\n' > /etc/smtpd.conf
{verify}
exec smtpd -dv"""
# As its package's script for init starts it.
_NULLMAILER = """\
echo app.sender.example > /etc/mailname
echo '{remote}' > /etc/nullmailer/remotes
mkfifo -m 622 /var/spool/nullmailer/trigger
chown mail /var/spool/nullmailer/trigger
exec setpriv --reuid mail --regid mail --clear-groups nullmailer-send"""
_POSTFIX_VERIFIES = "postconf -e smtp_tls_security_level=verify"
_EXIM_VERIFIES = r"""
sed -i "/^remote_smtp:/,/driver = smtp/ s/driver = smtp/&\n  hosts_require_tls = *\n  tls_verify_hosts = *\n  tls_verify_certificates = \/etc\/mailnet.pem/" \
  /etc/exim4/exim4.conf.template"""
_OPENSMTPD_VERIFIES = """\
sed -i 's/relay/relay tls/' /etc/smtpd.conf
mkdir -p /etc/ssl/certs && cp /etc/mailnet.pem /etc/ssl/certs/ca-certificates.crt"""
_PULL_TRIGGER = ("sh", "-c", "echo > /var/spool/nullmailer/trigger")


@dataclass(frozen=True)
class _Kind:
    start: str
    verify: str
    """What has it send by TLS alone, to hosts whose certificate is verified."""
    ready: str
    """What stands in its log when it takes mail."""
    log: str
    """Where its log is in its system; "" where the program writes it."""
    retry: tuple[str, ...]
    deferred: str
    """What stands in its log when a mail was put off."""


SENDERS = ("postfix", "exim", "opensmtpd")
"""Those that look MX records up."""
_KINDS = {
    "postfix": _Kind(
        _POSTFIX, _POSTFIX_VERIFIES, "daemon started", "", ("postqueue", "-f"), "status=deferred"
    ),
    "exim": _Kind(
        _EXIM, _EXIM_VERIFIES, "daemon started", "var/log/exim4/mainlog", ("exim4", "-qff"), " == "
    ),
    "opensmtpd": _Kind(
        _OPENSMTPD, _OPENSMTPD_VERIFIES, "queue: ", "", ("smtpctl", "schedule", "all"), 'result="TempFail"'
    ),
    "nullmailer": _Kind(_NULLMAILER, "", "Rescanning queue.", "", _PULL_TRIGGER, "Sending failed: "),
}


class Sending:
    """A server that sends.

    Args:
        net: the net that it is in.
        root: its system.
        kind: how it is used.
        log: what it prints.
    """

    def __init__(self, net: MailNet, root: Path, kind: _Kind, log: Path) -> None:
        self._net, self._root, self._kind, self._log = net, root, kind, log

    def send(self, to: str) -> None:
        """Hand it a mail from bob@app.example."""
        self._net.process().run(
            ["chroot", self._root, "sendmail", "-f", "bob@app.example", to],
            input="From: bob@app.example\nSubject: hi\n\nhello\n",
            check=True,
        )

    def retry(self) -> None:
        """Have it try what it has put off, once that is done."""
        self.wait_until(lambda: self.has_put_off)
        self._net.process().run(["chroot", self._root, *self._kind.retry], check=True)

    @property
    def has_put_off(self) -> bool:
        """Whether it has put a mail off, by its log."""
        return self._kind.deferred in self.said

    @property
    def said(self) -> str:
        """Its log."""
        if not self._kind.log:
            return self._log.read_text(errors="replace")
        return self._net.process().run(["cat", self._root / self._kind.log]).stdout

    def wait_until(self, is_so: Callable[[], object]) -> None:
        """Wait until something is the case.

        Raises:
            TimeoutError: if that takes too long; with the log.
        """
        until = time.monotonic() + _PATIENCE
        while not is_so():
            if time.monotonic() > until:
                raise TimeoutError(self.said[-3000:])
            time.sleep(0.02)


@contextlib.contextmanager
def running(
    net: MailNet,
    name: str,
    systems: Path,
    folder: Path,
    *,
    verify: bool = False,
    local: bool = False,
    remote: str = "",
) -> Iterator[Sending]:
    """Run a server in a net's namespace while the context lasts.

    Args:
        net: the net.
        name: of `SENDERS`, or nullmailer.
        systems: what `debian.build` made.
        folder: an empty one. What the server writes is there as long as the namespace, and seen by nobody else.
        verify: whether it sends by TLS alone, to hosts whose certificate it verifies; nullmailer by its `remote`.
        local: whether Postfix takes mail for its own name.
        remote: to whom nullmailer hands all mail: a line of its `remotes`.
    """
    process, kind = net.process(), _KINDS[name]
    root, own = folder / "root", folder.with_name(f"{folder.name}.log")
    prepare = _PREPARE.format(folder=folder, system=systems / name, authority=net.ca.bundle)
    process.run(["sh", "-ec", prepare], check=True)
    with own.open("wb") as told:
        start = kind.start.format(
            verify=kind.verify if verify else "", own="app.sender.example" if local else "", remote=remote
        )
        command = ["chroot", root, "sh", "-ec", start]
        program = process.popen(command, stdin=subprocess.DEVNULL, stdout=told, stderr=told)
        sending = Sending(net, root, kind, own)
        sending.wait_until(lambda: kind.ready in sending.said)
        yield sending
        program.kill()
