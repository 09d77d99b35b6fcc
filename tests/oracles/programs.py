"""Programs that send one mail and end, in the language that each is written in, as far as the machine has them.

Those of `sources` are a few lines around the library with which a program of that language sends mail. They look MX
records up by the resolver of their language. curl and msmtp are told a host, and look its addresses up.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["HELO", "LETTER", "PROGRAMS", "Program", "Unavailable"]

HELO = "app.sender.example"
LETTER = "From: bob@app.example\nSubject: hi\n\nhello\n"

_SOURCES = Path(__file__).with_name("sources")
_JAVA = Path("/usr/share/java")
_MAIL = ("javax.mail.jar", "javax.activation.jar")


class Unavailable(Exception):
    """A program is not to be had; the message says what it lacks."""


@dataclass(frozen=True)
class Program:
    """A program.

    Attributes:
        build: makes it ready in an empty folder; returns its command line up to the recipient and whether TLS is
            verified. Raises `Unavailable`.
        asks_for_mx: whether it looks MX records up; else it is told the host, mx. and the recipient's domain.
        families: the records of addresses that it asks for.
        mail: its MAIL command.
        after_refusal: what it says once its only recipient is refused.
        quits: whether it says QUIT after a mail.
        checks_name: whether it compares the name in a certificate.
        tells_words: whether it tells the words of a refusal; else its code alone.
    """

    build: Callable[[Path], Callable[[str, bool], list[str]]]
    asks_for_mx: bool = True
    families: tuple[str, ...] = ("A", "AAAA")
    mail: str = "MAIL FROM:<bob@app.example>"
    after_refusal: tuple[str, ...] = ("QUIT",)
    quits: bool = True
    checks_name: bool = True
    tells_words: bool = True

    def dialogue(self, recipient: str, *, encrypts: bool = False) -> list[str]:
        """The commands with which it sends a mail."""
        hello = [f"EHLO {HELO}"]
        begin = [*hello, "STARTTLS", *hello] if encrypts else hello
        return [*begin, self.mail, f"RCPT TO:<{recipient}>", "DATA", *(["QUIT"] if self.quits else [])]

    def refused(self, recipient: str) -> list[str]:
        """The commands of a session in which the recipient is refused."""
        return [f"EHLO {HELO}", self.mail, f"RCPT TO:<{recipient}>", *self.after_refusal]

    def tells(self, refusal: str) -> str:
        """What it prints of a refusal."""
        return refusal if self.tells_words else refusal[:3]


def _found(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        raise Unavailable(f"{program} is not installed")
    return found


def _swaks(_folder: Path) -> Callable[[str, bool], list[str]]:
    swaks = _found("swaks")
    modules = ["perl", "-MNet::DNS", "-MNet::SSLeay", "-e", "1"]
    if subprocess.run(modules, capture_output=True, check=False).returncode:
        raise Unavailable("swaks has no Net::DNS or Net::SSLeay (libnet-dns-perl, libnet-ssleay-perl)")
    usual = [swaks, "--helo", HELO, "--from", "bob@app.example", "--data", "-"]
    return lambda to, verify: [*usual, "--to", to, *(["--tls", "--tls-verify"] if verify else [])]


def _node(_folder: Path) -> Callable[[str, bool], list[str]]:
    node, modules = _found("node"), Path(os.environ.get("MAILNET_NODE_MODULES", ""))
    if not (modules / "nodemailer").is_dir():
        raise Unavailable("MAILNET_NODE_MODULES names no folder with nodemailer: `tox -e oracles` makes one")
    usual = ["env", f"NODE_PATH={modules}", node, str(_SOURCES / "send.js")]
    return lambda to, verify: [*usual, to, _word(verify)]


def _go(folder: Path) -> Callable[[str, bool], list[str]]:
    made = folder / "send"
    caches = {"GOCACHE": str(folder / "cache"), "GOPATH": str(folder / "path"), "GO111MODULE": "off"}
    command = [_found("go"), "build", "-o", made, _SOURCES / "send.go"]
    subprocess.run(command, check=True, env={**os.environ, **caches})
    # By its own resolver, as without cgo, and not by the C library's.
    return lambda to, verify: ["env", "GODEBUG=netdns=go", str(made), to, _word(verify)]


def _java(folder: Path) -> Callable[[str, bool], list[str]]:
    java, compiler = _found("java"), _found("javac")
    if not all((_JAVA / it).exists() for it in _MAIL):
        raise Unavailable("JavaMail is not installed (libmail-java)")
    path = ":".join(str(it) for it in (folder, *(_JAVA / it for it in _MAIL)))
    subprocess.run([compiler, "-cp", path, "-d", folder, _SOURCES / "Send.java"], check=True)
    return lambda to, verify: [java, "-cp", path, "Send", to, _word(verify)]


def _curl(_folder: Path) -> Callable[[str, bool], list[str]]:
    usual = [_found("curl"), "-sS", "--mail-from", "bob@app.example", "--upload-file", "-"]
    return lambda to, verify: [
        *usual,
        *(["--ssl-reqd"] if verify else []),
        *("--mail-rcpt", to, f"smtp://{_host(to)}/{HELO}"),
    ]


def _msmtp(_folder: Path) -> Callable[[str, bool], list[str]]:
    usual = [_found("msmtp"), "--file=/dev/null", "--port=25", f"--domain={HELO}", "--auth=off"]
    return lambda to, verify: [
        *usual,
        *(["--tls=on", "--tls-trust-file=system"] if verify else ["--tls=off"]),
        *(f"--host={_host(to)}", "--from=bob@app.example", "--", to),
    ]


def _host(recipient: str) -> str:
    return f"mx.{recipient.partition('@')[2]}"


def _word(verify: bool) -> str:  # noqa: FBT001
    return "verify" if verify else "may"


PROGRAMS = {
    "swaks": Program(_swaks, families=("A",), checks_name=False),
    "nodemailer": Program(_node, after_refusal=("DATA",), quits=False),
    "go": Program(_go, mail="MAIL FROM:<bob@app.example> BODY=8BITMIME SMTPUTF8", after_refusal=()),
    "java": Program(_java, after_refusal=("RSET", "QUIT")),
    "curl": Program(_curl, asks_for_mx=False, tells_words=False),
    "msmtp": Program(_msmtp, asks_for_mx=False, after_refusal=("DATA",)),
}
