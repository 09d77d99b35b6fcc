"""The status responses of IMAP (RFC 3501, 7.1) and POP3 (RFC 1939, 3)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from pytest_mailnet.errors import InvalidReply

__all__ = ["Response", "filled"]

_STATUSES = ("OK", "NO", "BAD", "BYE", "+OK", "-ERR")
_VARIABLE = re.compile(r"\{([a-z_]+)\}")
_RESPONSE = re.compile(r"(\+OK|-ERR|OK|NO|BAD|BYE)(?: (.*))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Response:
    """What a server says to a command when it is done with it, or has refused it.

    Attributes:
        status: "OK", "NO", "BAD" or "BYE"; "+OK" or "-ERR" in POP3.
        text: what follows, with its response code: "[AUTHENTICATIONFAILED] Invalid credentials". It may hold
            variables such as {user}, which the session fills in.
        closes: whether the server hangs up after it; after BYE it always does.
    """

    status: str
    text: str = ""
    closes: bool = False

    @classmethod
    def parse(cls, text: str, *, closes: bool = False, pop3: bool = False) -> Response:
        """Read a response as a server would write it, "NO [UNAVAILABLE] Try later".

        Args:
            text: the response, in one line, without tag.
            closes: whether the server hangs up after it.
            pop3: whether it is one of POP3.

        Raises:
            InvalidReply: if that is no response; says what is wrong.
        """
        found = _RESPONSE.fullmatch(text)
        if found is None or not text.isprintable() or (found[1][0] in "+-") is not pop3:
            statuses = "+OK or -ERR, as in '-ERR [IN-USE] Try later'"
            if not pop3:
                statuses = "OK, NO, BAD or BYE, as in 'NO [UNAVAILABLE] Try later'"
            raise InvalidReply(f"{text!r} is no response: it is a line that begins with {statuses}")
        status = found[1].upper()
        return cls(status, found[2] or "", closes or status == "BYE")

    @property
    def positive(self) -> bool:
        """Whether the server said yes."""
        return self.status in {"OK", "+OK"}

    @property
    def variables(self) -> list[str]:
        """The variables in its text."""
        return _VARIABLE.findall(self.text)

    def line(self, value_of: Callable[[str], str], tag: str = "") -> bytes:
        """The bytes to send.

        Args:
            value_of: returns the value of a variable.
            tag: of the command that it answers; "*" for none, "" in POP3, which has no tags.
        """
        text = filled(self.text, value_of)
        tag = "*" if self.status == "BYE" else tag
        return " ".join(filter(None, (tag, self.status, text))).encode() + b"\r\n"

    def __str__(self) -> str:
        return f"{self.status} {self.text}".strip()


def filled(text: str, value_of: Callable[[str], str]) -> str:
    """A text with the values of its variables, "{user}", in their places."""
    return _VARIABLE.sub(lambda it: value_of(it[1]), text)
