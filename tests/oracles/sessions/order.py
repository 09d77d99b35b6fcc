"""Commands in and out of order, and those that are no commands, up to the limit."""

from __future__ import annotations

from ..conversation import Idle
from .phrases import DATA, EHLO, HELO, MAIL, MESSAGE, QUIT, RCPT, session

__all__ = ["SESSIONS"]

SESSIONS = (
    session("MAIL before EHLO", MAIL),
    session("RCPT before EHLO", RCPT),
    session("DATA before EHLO", DATA),
    session("RCPT before MAIL", EHLO, RCPT),
    session("DATA before MAIL", EHLO, DATA),
    session("DATA before RCPT", EHLO, MAIL, DATA),
    session("MAIL twice", EHLO, MAIL, MAIL),
    session("MAIL after RCPT", EHLO, MAIL, RCPT, MAIL),
    session("RCPT twice", EHLO, MAIL, RCPT, RCPT, DATA, MESSAGE),
    session("EHLO twice", EHLO, EHLO),
    session("EHLO after HELO", HELO, EHLO),
    session("HELO after EHLO", EHLO, HELO),
    session("EHLO within a mail", EHLO, MAIL, RCPT, EHLO, RCPT, DATA),
    session("HELO within a mail", EHLO, MAIL, RCPT, HELO, RCPT),
    session("RSET within a mail", EHLO, MAIL, RCPT, "RSET", RCPT, MAIL, RCPT),
    session("NOOP within a mail", EHLO, MAIL, "NOOP", RCPT, "NOOP", DATA, MESSAGE),
    session("VRFY within a mail", EHLO, MAIL, "VRFY a", RCPT),
    session("QUIT within a mail", EHLO, MAIL, RCPT, QUIT),
    session("a command after a bad EHLO", "EHLO", MAIL),
    session("EHLO again after a bad one", "EHLO", EHLO, MAIL),
    session("a bad EHLO after a good one", EHLO, "EHLO", MAIL),
    session("DATA after refused recipients", EHLO, MAIL, "RCPT TO:<nosuch@shop.example>", DATA),
    session(
        "DATA after one refused recipient of two",
        EHLO,
        MAIL,
        "RCPT TO:<nosuch@shop.example>",
        RCPT,
        DATA,
        MESSAGE,
    ),
    session("RCPT after a refused MAIL", EHLO, "MAIL FROM:", RCPT, DATA),
    session("a second MAIL after DATA", EHLO, MAIL, RCPT, DATA, MESSAGE, RCPT, DATA),
    # Unknown and empty commands
    session("an unknown command", EHLO, "FOO"),
    session("an unknown command before EHLO", "FOO"),
    session("an unknown command with words", EHLO, "FOO bar baz"),
    session("an unknown command within a mail", EHLO, MAIL, "FOO", RCPT),
    session("an empty line", EHLO, ""),
    session("an empty line before EHLO", ""),
    session("a line of spaces", EHLO, "   "),
    session("a space before a command", EHLO, " NOOP"),
    session("a tab after a command", EHLO, "MAIL\tFROM:<b@sender.example>"),
    session("a digit", EHLO, "1"),
    session("a header", EHLO, "Subject: hi"),
    session("HTTP GET", "GET / HTTP/1.1", "Host: mail.shop.example", ""),
    session("HTTP POST", "POST / HTTP/1.1", "Host: mail.shop.example", ""),
    session("HTTP CONNECT", "CONNECT mail.shop.example:25 HTTP/1.1", ""),
    session("unknown commands to the limit", EHLO, *["FOO"] * 30),
    session("unknown commands before EHLO to the limit", *["FOO"] * 30),
    session("empty lines to the limit", EHLO, *[""] * 30),
    session("NOOP forty times", EHLO, *["NOOP"] * 40, sendmail=23),
    session("RSET forty times", EHLO, *["RSET"] * 40),
    session("EHLO thirty times", *[EHLO] * 30, sendmail=5),
    session("VRFY thirty times", EHLO, *["VRFY a"] * 30, sendmail=9),
    session("syntax errors to the limit", EHLO, *["MAIL FROM"] * 30),
    session("bad EHLO to the limit", *["EHLO"] * 30, sendmail=5),
    session("commands out of order to the limit", EHLO, *[DATA] * 30),
    session(
        "unknown recipients to the limit",
        EHLO,
        MAIL,
        *[f"RCPT TO:<nosuch{n}@shop.example>" for n in range(30)],
    ),
    session(
        "foreign recipients to the limit", EHLO, MAIL, *[f"RCPT TO:<a{n}@other.example>" for n in range(30)]
    ),
    session("mails begun and given up thirty times", EHLO, *[MAIL, "RSET"] * 30),
    # Idle
    session("idle after the banner", Idle()),
    session("idle after EHLO", EHLO, Idle()),
    session("idle within a mail", EHLO, MAIL, RCPT, Idle()),
    session("idle within the content", EHLO, MAIL, RCPT, DATA, Idle()),
)
