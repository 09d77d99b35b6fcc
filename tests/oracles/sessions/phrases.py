"""The words of which sessions are made."""

from __future__ import annotations

from ..conversation import Say, Session, Step

__all__ = ["DATA", "EHLO", "HELO", "MAIL", "MESSAGE", "QUIT", "RCPT", "at_once", "session"]

EHLO = "EHLO client.sender.example"
HELO = "HELO client.sender.example"
MAIL = "MAIL FROM:<b@sender.example>"
RCPT = "RCPT TO:<a@shop.example>"
DATA = "DATA"
MESSAGE = "From: b@sender.example\r\nSubject: hi\r\n\r\nhi\r\n."
QUIT = "QUIT"


def session(name: str, *said: str | Step, early: str = "", **longest: int) -> Session:
    """A session; a string is a line, which is sent with its end."""
    steps = tuple(it if not isinstance(it, str) else Say(f"{it}\r\n".encode()) for it in said)
    return Session(name, steps, early.encode(), longest)


def at_once(*lines: str, replies: int | None = None) -> Say:
    """Several lines in one write, each with its end; so many replies are waited for as there are lines."""
    return Say("".join(f"{line}\r\n" for line in lines).encode(), len(lines) if replies is None else replies)
