"""STARTTLS and AUTH, in and out of place."""

from __future__ import annotations

from ..conversation import Tls
from .phrases import DATA, EHLO, HELO, MAIL, MESSAGE, QUIT, RCPT, at_once, session

__all__ = ["SESSIONS"]

_STARTTLS = (EHLO, "STARTTLS", Tls())

SESSIONS = (
    session("STARTTLS and a mail", *_STARTTLS, EHLO, MAIL, RCPT, DATA, MESSAGE, QUIT),
    session("STARTTLS before EHLO", "STARTTLS"),
    session("STARTTLS after HELO", HELO, "STARTTLS"),
    session("STARTTLS with a word", EHLO, "STARTTLS now"),
    session("STARTTLS twice", *_STARTTLS, EHLO, "STARTTLS"),
    session("STARTTLS within a mail", EHLO, MAIL, "STARTTLS", Tls(), RCPT),
    session("STARTTLS and MAIL without a new EHLO", *_STARTTLS, MAIL),
    session("STARTTLS and a command at once", EHLO, at_once("STARTTLS", "NOOP", replies=1), "NOOP"),
    session("STARTTLS and no handshake", EHLO, "STARTTLS", "NOOP"),
    session("a TLS handshake without STARTTLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "NOOP"),
    session("AUTH alone", EHLO, "AUTH"),
    session("AUTH PLAIN", EHLO, "AUTH PLAIN AGEAc2VjcmV0"),
    session("AUTH PLAIN without a response", EHLO, "AUTH PLAIN", "AGEAc2VjcmV0"),
    session("AUTH LOGIN", EHLO, "AUTH LOGIN"),
    session("AUTH with an unknown mechanism", EHLO, "AUTH FOO"),
    session("AUTH before EHLO", "AUTH PLAIN AGEAc2VjcmV0"),
    session("AUTH after HELO", HELO, "AUTH PLAIN AGEAc2VjcmV0"),
    session("AUTH within a mail", EHLO, MAIL, "AUTH PLAIN AGEAc2VjcmV0"),
    session("AUTH after TLS", *_STARTTLS, EHLO, "AUTH PLAIN AGEAc2VjcmV0"),
)
