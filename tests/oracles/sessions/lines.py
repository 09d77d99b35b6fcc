"""Lines: how long, how ended, with what in them, and several at once."""

from __future__ import annotations

from ..conversation import Say
from .phrases import DATA, EHLO, HELO, MAIL, MESSAGE, QUIT, RCPT, at_once, session

__all__ = ["SESSIONS"]

SESSIONS = (
    *(
        session(f"a NOOP of {n:,} letters", EHLO, f"NOOP {'x' * (n - 5)}", "NOOP")
        for n in (500, 510, 511, 998, 2046, 2047, 2100, 4094, 9000, 20000)
    ),
    *(session(f"an unknown command of {n:,} letters", EHLO, "F" * n, "NOOP") for n in (510, 600, 2100, 9000)),
    session("a MAIL of 600 letters", EHLO, f"MAIL FROM:<b@{'abcdefghi.' * 58}example>"),
    session("a MAIL of 2,100 letters", EHLO, f"MAIL FROM:<b@{'abcdefghi.' * 208}example>"),
    session("a RCPT of 600 letters", EHLO, MAIL, f"RCPT TO:<a@{'abcdefghi.' * 58}example>"),
    # Line ends
    session("a bare LF", EHLO, Say(b"NOOP\n")),
    session(
        "bare LF throughout",
        Say(b"EHLO client.sender.example\n"),
        Say(b"MAIL FROM:<b@sender.example>\n"),
        Say(b"RCPT TO:<a@shop.example>\n"),
        Say(b"DATA\n"),
        Say(b"Subject: hi\n\nhi\n.\n"),
        Say(b"QUIT\n"),
    ),
    session("a bare CR within a command", EHLO, Say(b"NOOP\rNOOP\r\n")),
    session("a bare CR in EHLO", Say(b"EHLO client\r.example\r\n")),
    session("two CR before the LF", EHLO, Say(b"NOOP\r\r\n")),
    session("a NUL in a command", EHLO, Say(b"NO\0OP\r\n")),
    session("a NUL in an argument", EHLO, Say(b"NOOP \0x\r\n")),
    session("a NUL in EHLO", Say(b"EHLO client\0.example\r\n")),
    session("a NUL in MAIL", EHLO, Say(b"MAIL FROM:<b\0@sender.example>\r\n")),
    session("a byte over 127 in a command", EHLO, Say(b"N\xd6OP\r\n")),
    session("a byte over 127 in an argument", EHLO, Say(b"NOOP \xd6\r\n")),
    session("a byte over 127 in MAIL", EHLO, Say(b"MAIL FROM:<\xd6@sender.example>\r\n")),
    session("telnet's interrupt", EHLO, Say(b"\xff\xf4\xff\xfd\x06NOOP\r\n")),
    session("a control character in MAIL", EHLO, Say(b"MAIL FROM:<b\x01@sender.example>\r\n")),
    # Pipelining
    session("a mail's commands at once", EHLO, at_once(MAIL, RCPT, DATA), MESSAGE, QUIT),
    session("a mail's commands and QUIT at once", EHLO, at_once(MAIL, RCPT, "RSET", QUIT)),
    session("a mail at once after HELO", HELO, at_once(MAIL, RCPT, DATA), MESSAGE),
    session("two commands at once after HELO", HELO, at_once("NOOP", "NOOP")),
    session("EHLO and MAIL at once", at_once(EHLO, MAIL), RCPT),
    session("HELO and MAIL at once", at_once(HELO, MAIL), RCPT),
    session("EHLO and all else at once", at_once(EHLO, MAIL, RCPT, DATA, MESSAGE, QUIT)),
    session("HELO and all else at once", at_once(HELO, MAIL, RCPT, DATA, MESSAGE, QUIT)),
    session("NOOP twice at once before EHLO", at_once("NOOP", "NOOP")),
    session("NOOP three times at once", EHLO, at_once("NOOP", "NOOP", "NOOP")),
    session("RSET and MAIL at once", EHLO, at_once("RSET", MAIL, RCPT)),
    session("unknown commands at once", EHLO, at_once("FOO", "BAR", "NOOP")),
    session("QUIT and NOOP at once", EHLO, at_once(QUIT, "NOOP", replies=1)),
    session("content right behind DATA", EHLO, MAIL, RCPT, at_once(DATA, MESSAGE), QUIT),
    session("content right behind a DATA that is refused", EHLO, MAIL, at_once(DATA, "hi", ".", replies=3)),
    session(
        "two mails at once",
        EHLO,
        at_once(MAIL, RCPT, DATA),
        at_once(MESSAGE, MAIL, RCPT, DATA),
        at_once(MESSAGE, QUIT),
    ),
    session("a command right behind the content", EHLO, MAIL, RCPT, DATA, at_once(MESSAGE, "NOOP")),
    session("half a command, and the rest", EHLO, Say(b"NO", 0), Say(b"OP\r\n")),
    # Before the banner
    session("EHLO before the banner", "NOOP", early=f"{EHLO}\r\n"),
    session("a mail before the banner", "NOOP", early=f"{EHLO}\r\n{MAIL}\r\n{RCPT}\r\n"),
    session("QUIT before the banner", "NOOP", early=f"{QUIT}\r\n"),
    session("HTTP before the banner", "NOOP", early="GET / HTTP/1.1\r\nHost: mail.shop.example\r\n\r\n"),
    session("half a command before the banner", "O client.sender.example", early="EHL"),
)
