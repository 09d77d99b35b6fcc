"""The story that `mailnet demo` plays, with unmodified clients, real sockets and the replies of 2009."""

from __future__ import annotations

import re
import smtplib
from collections.abc import Callable
from datetime import UTC, datetime

import dns.resolver

from pytest_mailnet.net.mailnet import MailNet
from pytest_mailnet.record.session import Session
from pytest_mailnet.timeline.colours import BAD, BOLD, GOOD, colour_of, painted

__all__ = ["play"]

_GMAIL = "gmail-smtp-in.l.google.com"
_MAIL = b"Subject: This is test mail from Python\r\n\r\nThis is the body of mail from Python\r\n"
_ID = r"\d\dsi\d{7}[a-z]{3}\.\d\d"

_DELIVERED = f"""\
220 mx.google.com ESMTP {_ID}
250-mx.google.com at your service, \\[74.125.67.100\\]
250-SIZE 35651584
250-8BITMIME
250-ENHANCEDSTATUSCODES
250 PIPELINING
250 2.1.0 OK {_ID}
250 2.1.5 OK {_ID}
354 Go ahead {_ID}
250 2.0.0 OK 1247871480 {_ID}
221 2.0.0 closing connection {_ID}"""

_REFUSED = f"""\
550-5.1.1 The email account that you tried to reach does not exist. Please try
550-5.1.1 double-checking the recipient's email address for typos or
550-5.1.1 unnecessary spaces. Learn more at\\ \n\
550 5.1.1 http://mail.google.com/support/bin/answer.py\\?answer=6596 {_ID}"""

_THROTTLED = f"""\
421-4.7.0 \\[74.125.67.100\\] Our system has detected an unusual amount of
421-4.7.0 unsolicited mail originating from your IP address. To protect our
421-4.7.0 users from spam, mail sent from your IP address has been temporarily
421-4.7.0 blocked. Please visit http://www.google.com/mail/help/bulk_mail.html
421 4.7.0 to review our Bulk Email Senders Guidelines. {_ID}"""

_DYNAMIC = """\
550-DY-001 Mail rejected by Windows Live Hotmail for policy reasons.
550-We generally do not accept email from dynamic IP's as they are not typically
550-used to deliver unauthenticated SMTP e-mail to an Internet mail server.
550-http://www.spamhaus.org maintains lists of dynamic and residential IP addresses.
550-If you are not an email/network admin please contact your E-mail/Internet Service Provider for help.
550 Email/network admins, please visit http://postmaster.live.com for email delivery information and support"""

_MX = """\
5 gmail-smtp-in.l.google.com.
10 alt1.gmail-smtp-in.l.google.com.
20 alt2.gmail-smtp-in.l.google.com.
30 alt3.gmail-smtp-in.l.google.com.
40 alt4.gmail-smtp-in.l.google.com."""


def play(say: Callable[[str], object], *, colour: bool) -> bool:
    """Play the story.

    Args:
        say: prints a line; called with each line.
        colour: whether the lines have ANSI colours.

    Returns:
        Whether every reply was the one in the story.
    """
    stage = _Stage(say, colour=colour)
    # The address and the clock are those in the servers' replies.
    start = datetime(2009, 7, 17, 22, 58, tzinfo=UTC)
    with MailNet(strict=False, start=start) as net:
        net.sender.ip = "74.125.67.100"
        net.sender.helo = "host.localdomain"
        gmail = net.provider("gmail", era=2009)
        hotmail = net.provider("hotmail", era=2009)
        gmail.add_mailbox("alice")
        hotmail.add_mailbox("bob")

        stage.act("Where does mail for gmail.com go?   dig gmail.com MX")
        answer = sorted(dns.resolver.resolve("gmail.com", "MX"), key=lambda mx: mx.preference)
        stage.expect("\n".join(map(str, answer)), re.escape(_MX))
        stage.tell("\n".join(map(str, answer)), "dns")

        stage.act("Bob writes to Alice, straight to Gmail's server")
        with smtplib.SMTP(_GMAIL, 25) as server:
            server.ehlo()
            server.mail("bob@hotmail.com")
            server.rcpt("alice@gmail.com")
            server.data(_MAIL)
        stage.session(net.sessions[-1], _DELIVERED)

        stage.act("Bob asks Gmail's server to take mail for Carl, who has no account there")
        with smtplib.SMTP(_GMAIL, 25) as server:
            server.ehlo()
            server.mail("bob@hotmail.com")
            server.rcpt("carl@hotmail.com")
        stage.session(net.sessions[-1], _REFUSED)

        stage.act("The same at home: Gmail finds that the address has sent too much")
        net.sender.throttled = True
        with smtplib.SMTP(_GMAIL, 25) as server:
            server.ehlo()
            server.mail("bob@hotmail.com")
            server.rcpt("alice@gmail.com")
            server.data(b"Subject: Mail from Python\r\n\r\nAnd this is the body of email from Python.")
        stage.session(net.sessions[-1], _THROTTLED)

        stage.act("And Hotmail takes no mail from a dynamic address")
        net.sender.dynamic = True
        with smtplib.SMTP("mx1.hotmail.com", 25) as server:
            server.ehlo()
            server.mail("alice@gmail.com")
        stage.session(net.sessions[-1], _DYNAMIC)
        stage.expect(str(len(gmail.mailbox("alice").messages)), "1")
    return stage.close()


class _Stage:
    def __init__(self, say: Callable[[str], object], *, colour: bool) -> None:
        self._say = say
        self._colour = colour
        self._missed: list[str] = []

    def act(self, title: str) -> None:
        self._say("")
        self._say(self._painted(title, BOLD))

    def tell(self, text: str, who: str) -> None:
        for line in text.split("\n"):
            self._say(f"  {who:>3}  {self._painted(line, colour_of(who, line))}")

    def session(self, session: Session, expected: str) -> None:
        for line in str(session).splitlines():
            self.tell(line[3:], line[0])
        self.expect("\n".join(session.replies), expected)

    def expect(self, text: str, expected: str) -> None:
        """Check that the expected lines stand in a text, whole and in order.

        Args:
            text: the lines that were received.
            expected: a regular expression for whole lines.
        """
        if not re.search(rf"(?m)^{expected}$", text.replace("\r\n", "\n")):
            self._missed.append(f"expected:\n{expected}\ngot:\n{text}")

    def close(self) -> bool:
        self._say("")
        for missed in self._missed:
            self._say(self._painted(missed, BAD))
        ending = "The story went otherwise." if self._missed else "Every reply was the one in the story."
        self._say(self._painted(ending, BAD if self._missed else GOOD))
        return not self._missed

    def _painted(self, text: str, code: str) -> str:
        return painted(text, code) if self._colour else text
