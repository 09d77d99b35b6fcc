"""The content of one mail as it arrives after DATA: its end, its size, and its dot-stuffing."""

from __future__ import annotations

__all__ = ["Content"]

_LINE_END = b"\r\n"
_END = b"\r\n.\r\n"
_LINE_LIMIT = 1001  # RFC 5321, 4.5.3.1.6: 1000 with CRLF, and the dot that was put before


class Content:
    """Reads the content after DATA, up to the final dot.

    Only CRLF, dot, CRLF ends the content. Everything that looks similar (LF.LF, LF.CRLF, CR.CR, CRLF.LF) is
    kept as content, and so are bare CR and LF: a server that takes them for line ends can be made to read a
    second mail inside the first (SMTP smuggling, CVE-2023-51765).

    Args:
        limit: the largest size in bytes, without the dots put before lines (RFC 1870, 5); None for no limit.
    """

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        # The end of the DATA line, so that a dot alone is the end of an empty content.
        self._held = bytearray(_LINE_END)
        self._line = len(_LINE_END)  # where the line begins whose length is not known to be in order
        self._problem: str | None = None

    def feed(self, data: bytes) -> bytes | None:
        """Add bytes; return those after the end of the content, or None while the end has not come."""
        held = self._held
        unseen = max(0, len(held) - len(_END) + 1)
        held += data
        end = held.find(_END, unseen)
        if end < 0:
            # The last bytes may be those of an end that has not come as a whole.
            self._check(room=len(_END))
            return None
        behind = bytes(held[end + len(_END) :])
        del held[end + len(_LINE_END) :]
        self._check(room=0)
        return behind

    def taken(self) -> tuple[bytes, str | None]:
        """The content and None, or b"" and the condition that refuses the content.

        The condition is "message_too_big" or "content_line_too_long".
        """
        if self._problem is not None:
            return b"", self._problem
        # Of the dots that a line begins with, the client has put the first there (RFC 5321, 4.5.2).
        return bytes(self._held.replace(b"\r\n.", b"\r\n")[len(_LINE_END) :]), None

    @property
    def begun(self) -> bytes:
        """The bytes so far, dots included; only the last few of a content that is refused."""
        return bytes(self._held[0 if self._problem else len(_LINE_END) :])

    def _check(self, *, room: int) -> None:
        held, limit = self._held, self._limit
        if self._problem is None:
            if limit is not None and len(held) > limit + room and self._size() > limit + room:
                self._problem = "message_too_big"
            elif self._has_a_long_line():
                self._problem = "content_line_too_long"
        if self._problem is not None:
            del held[: -len(_END) + 1]

    def _size(self) -> int:
        return len(self._held) - len(_LINE_END) - self._held.count(b"\r\n.")

    def _has_a_long_line(self) -> bool:
        # From line end to line end, as far apart as they may be: most lines are skipped over.
        held = self._held
        while len(held) - self._line > _LINE_LIMIT:
            end = held.rfind(_LINE_END, self._line, self._line + _LINE_LIMIT)
            if end < 0:
                return True
            self._line = end + len(_LINE_END)
        return False
