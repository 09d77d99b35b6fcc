"""The content of one mail as it arrives after DATA: its end, its size, and its dot-stuffing."""

from __future__ import annotations

import re

__all__ = ["Content"]

_LINE_END = b"\r\n"
_END = b"\r\n.\r\n"
_LOOSE_END = re.compile(rb"\r?\n\.\r?\n")
_LOOSE_LINE_END = re.compile(rb"\r?\n")
_NUL = (re.compile(rb"\0"), "nul_byte")
_BARE = ((re.compile(rb"(?<!\r)\n"), "bare_line_feed"), (re.compile(rb"\r(?!\n)"), "bare_carriage_return"))


class Content:
    """Reads the content after DATA, up to the final dot.

    As a rule only CRLF, dot, CRLF ends the content. Everything that looks similar (LF.LF, LF.CRLF, CR.CR,
    CRLF.LF) is kept as content, and so are bare CR and LF: a server that takes them for line ends can be made
    to read a second mail inside the first (SMTP smuggling, CVE-2023-51765).

    Args:
        limit: the largest size in bytes, without the dots put before lines (RFC 1870, 5); None for no limit.
        line_limit: the longest line, with its line end; 0 for no limit.
        bare_line_feed: one of `manners.BareLineFeed`.
        nul_bytes: whether the content may have them.

    Attributes:
        longest_line: of a content that is refused, how long its longest line is, without its line end.
    """

    def __init__(
        self,
        limit: int | None,
        line_limit: int = 1001,
        bare_line_feed: str = "kept",
        *,
        nul_bytes: bool = True,
    ) -> None:
        self._limit = limit
        self._line_limit = line_limit
        self._refused = (_BARE if bare_line_feed == "refused" else ()) + (() if nul_bytes else (_NUL,))
        # What is refused has to come to its end, too.
        loose: dict[str, bool | None] = {"ends lines": True, "refused": True, "ends lines throughout": None}
        self._loose = loose.get(bare_line_feed, False)
        self.longest_line: int = 0
        self._dropped = 0  # bytes of a refused content's last line that are not held any more
        # The end of the DATA line, so that a dot alone is the end of an empty content.
        self._held = bytearray(_LINE_END)
        self._line = len(_LINE_END)  # where the line begins whose length is not known to be in order
        self._problem: str | None = None

    def feed(self, data: bytes) -> bytes | None:
        """Add bytes; return those after the end of the content, or None while the end has not come."""
        held = self._held
        unseen = max(0, len(held) - len(_END) + 1)
        held += data
        if self._loose is None and (first := held.find(b"\n", len(_LINE_END))) >= 0:
            self._loose = held[first - 1] != _LINE_END[0]
        if self._loose:
            found = _LOOSE_END.search(held, unseen)
            end, ended = found.span() if found else (-1, -1)
            if found and self._refused and found[0] != _END:
                self._problem = "bare_line_feed"
        else:
            end = held.find(_END, unseen)
            ended = end + len(_END)
        if end < 0:
            # The last bytes may be those of an end that has not come as a whole.
            self._check(room=len(_END))
            return None
        behind = bytes(held[ended:])
        del held[end:]
        held += _LINE_END
        self._check(room=0)
        return behind

    def taken(self) -> tuple[bytes, str | None]:
        """The content and None, or b"" and the condition that refuses the content.

        The condition is "message_too_big", "content_line_too_long", "bare_line_feed" or
        "bare_carriage_return".
        """
        if self._problem is None and self._refused:
            self._problem = next((it for sign, it in self._refused if sign.search(self._held)), None)
        if self._problem is not None:
            return b"", self._problem
        if self._loose:
            self._held = bytearray(_LOOSE_LINE_END.sub(_LINE_END, self._held))
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
            self._measure()
            del held[: -len(_END) + 1]

    def _size(self) -> int:
        return len(self._held) - len(_LINE_END) - self._held.count(b"\r\n.")

    def _has_a_long_line(self) -> bool:
        # From line end to line end, as far apart as they may be: most lines are skipped over.
        held, limit = self._held, self._line_limit
        while 0 < limit < len(held) - self._line:
            end = held.rfind(_LINE_END, self._line, self._line + limit)
            if end < 0:
                return True
            self._line = end + len(_LINE_END)
        return False

    def _measure(self) -> None:
        """Note how long the longest line is that has come so far, without its line end."""
        first, *rest = self._held.split(_LINE_END)
        lengths = [self._dropped + len(first), *map(len, rest)]
        # A carriage return at the end may be half of a line end.
        half = self._held.endswith(b"\r")
        self.longest_line = max(self.longest_line, *lengths[:-1], lengths[-1] - half)
        kept, last = len(_END) - 1, (rest or [first])[-1]
        if len(last) >= kept:
            self._dropped = lengths[-1] - kept
        elif rest:
            self._dropped = 0
