"""What stands between DATA and its dot, and BDAT."""

from __future__ import annotations

from ..conversation import Say
from .phrases import DATA, EHLO, MAIL, MESSAGE, QUIT, RCPT, session

__all__ = ["SESSIONS"]


_RECEIVED = "Received: from x by y; Sat, 28 Nov 2026 00:00:00 +0000\r\n"
_FOLDED = "\r\n xxxxxxxxxxxxxxxxxxx"


def _content(name, *content, after=("NOOP",)):
    return session(f"content {name}", EHLO, MAIL, RCPT, DATA, *content, *after)


SESSIONS = (
    _content("that is empty", "."),
    _content("without headers", "hi\r\n."),
    _content("with an empty line alone", "\r\n."),
    _content("with headers alone", "Subject: hi\r\n."),
    _content("with a dot before a line", "Subject: hi\r\n\r\n..hi\r\n."),
    _content("with a line of a dot and a letter", "Subject: hi\r\n\r\n.hi\r\n."),
    _content("with a line that is no header", "Subject: hi\r\nno header\r\n\r\nhi\r\n."),
    _content("with a space before the first header", " Subject: hi\r\n\r\nhi\r\n."),
    _content(
        "with a mbox line", "From b@sender.example Sat Nov 28 00:00:00 2026\r\nSubject: hi\r\n\r\nhi\r\n."
    ),
    _content(
        "with two From", "From: b@sender.example\r\nFrom: c@sender.example\r\nSubject: hi\r\n\r\nhi\r\n."
    ),
    _content("with bytes over 127", Say(b"Subject: hi\r\n\r\n\xd6\r\n.\r\n")),
    _content("with bytes over 127 in a header", Say(b"Subject: \xd6\r\n\r\nhi\r\n.\r\n")),
    _content("with NUL", Say(b"Subject: hi\r\n\r\nh\0i\r\n.\r\n")),
    _content("with NUL in a header", Say(b"Subject: h\0i\r\n\r\nhi\r\n.\r\n")),
    *(
        _content(f"with a line of {n:,} letters", f"Subject: hi\r\n\r\n{'x' * n}\r\n.")
        for n in (998, 999, 1000, 2048, 5000, 20000)
    ),
    _content("with a header of 2,000 letters", f"Subject: {'x' * 2000}\r\n\r\nhi\r\n."),
    _content("with a folded header of 40,000 letters", f"Subject: hi{_FOLDED * 2000}\r\n\r\nhi\r\n."),
    _content("with 40 Received", f"{_RECEIVED * 40}\r\nhi\r\n."),
    _content("with 60 Received", f"{_RECEIVED * 60}\r\nhi\r\n."),
    _content("with 110 Received", f"{_RECEIVED * 110}\r\nhi\r\n."),
    # What is no end (SMTP smuggling)
    _content("with LF.LF", Say(b"Subject: hi\r\n\r\nhi\n.\nNOOP\r\n.\r\n", 1)),
    _content("with LF.CRLF", Say(b"Subject: hi\r\n\r\nhi\n.\r\nNOOP\r\n.\r\n", 1)),
    _content("with CRLF.LF", Say(b"Subject: hi\r\n\r\nhi\r\n.\nNOOP\r\n.\r\n", 1)),
    _content("with CR.CR", Say(b"Subject: hi\r\n\r\nhi\r.\rNOOP\r\n.\r\n", 1)),
    _content("with CRLF.CR", Say(b"Subject: hi\r\n\r\nhi\r\n.\rNOOP\r\n.\r\n", 1)),
    _content("with a bare LF", Say(b"Subject: hi\r\n\r\nhi\nho\r\n.\r\n")),
    _content("with a bare CR", Say(b"Subject: hi\r\n\r\nhi\rho\r\n.\r\n")),
    _content("that ends in LF.LF", Say(b"Subject: hi\n\nhi\n.\n")),
    # BDAT
    session("BDAT", EHLO, MAIL, RCPT, Say(b"BDAT 17 LAST\r\nSubject: hi\r\n\r\nhi"), QUIT),
    session(
        "BDAT in two chunks",
        EHLO,
        MAIL,
        RCPT,
        Say(b"BDAT 13\r\nSubject: hi\r\n"),
        Say(b"BDAT 4 LAST\r\n\r\nhi"),
        QUIT,
    ),
    session("BDAT of nothing", EHLO, MAIL, RCPT, Say(b"BDAT 13\r\nSubject: hi\r\n"), "BDAT 0 LAST", QUIT),
    session("BDAT alone", EHLO, MAIL, RCPT, "BDAT", "NOOP"),
    session("BDAT of letters", EHLO, MAIL, RCPT, "BDAT abc", "NOOP"),
    session("BDAT with a word", EHLO, MAIL, RCPT, "BDAT 0 FIRST", "NOOP"),
    session("BDAT before RCPT", EHLO, MAIL, "BDAT 0 LAST", "NOOP"),
    session("BDAT before MAIL", EHLO, "BDAT 0 LAST", "NOOP"),
    session("BDAT before EHLO", "BDAT 0 LAST", "NOOP"),
    session("DATA after BDAT", EHLO, MAIL, RCPT, Say(b"BDAT 13\r\nSubject: hi\r\n"), DATA),
    session("BODY=BINARYMIME and DATA", EHLO, "MAIL FROM:<b@sender.example> BODY=BINARYMIME", RCPT, DATA),
    session(
        "content over the limit",
        EHLO,
        MAIL,
        RCPT,
        DATA,
        Say(b"Subject: hi\r\n\r\n" + (b"x" * 76 + b"\r\n") * 140000 + b".\r\n"),
        "NOOP",
    ),
    session(
        "a mail after content that was refused",
        EHLO,
        MAIL,
        RCPT,
        DATA,
        f"{_RECEIVED * 110}\r\nhi\r\n.",
        MAIL,
        RCPT,
        DATA,
        MESSAGE,
    ),
)
