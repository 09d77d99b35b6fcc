"""How a server holds its conversations, whatever it says in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from pytest_mailnet.errors import InvalidSetting

__all__ = ["BARE_LINE_FEEDS", "USUAL", "Manners"]

BARE_LINE_FEEDS: Final = ("kept", "ends lines", "ends lines throughout", "refused")
"""What a server makes of a line feed without a carriage return in content; see `Manners.bare_line_feed`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How a server holds its conversations. A number of 0 is no limit.

    Attributes:
        idle_seconds: how long a client may be silent; then the server says the reply "timeout" and hangs up.
            RFC 5321, 4.5.3.2.7 asks for five minutes at least.
        unknown_commands: how many commands that it does not know a server answers as usual; the next one
            ends the session with "too_many_bad_commands".
        refusals: how many replies of 4yz and 5yz a client may have had since its last mail; whatever it says
            next ends the session, with the same reply.
        command_line: the longest command line, with its line end; 512 grows with extensions (RFC 5321,
            4.5.3.1.4), any other number does not.
        content_line: the longest line of content, with its line end (RFC 5321, 4.5.3.1.6).
        hello_name: the regular expression of the names that EHLO and HELO take.
        hello_once: whether EHLO and HELO are refused once a client has said one of them.
        hello_required: whether MAIL is refused before EHLO and HELO.
        keyword_of_verb: whether "MAIL FROM:" and "RCPT TO:" are the verbs, so that MAIL alone is unknown.
        checks_paths: whether the addresses in MAIL and RCPT have to be in the form of RFC 5321, 4.1.2.
        bare_line_feed: what a line feed without a carriage return is in content. "kept": part of a line.
            "ends lines": a line end, so that a second mail can be smuggled in (CVE-2023-51764).
            "ends lines throughout": a line end if the first line has ended so. "refused": an error, as is a
            carriage return alone, with the replies "bare_line_feed" and "bare_carriage_return".
        unknown: commands of RFCs that it does not know: "EXPN".
        without_argument: commands whose argument it ignores, where it should refuse it: "QUIT".
        unwelcome: the regular expression of lines that end the session at once, with "unwelcome_command";
            "" for none.
        unauthorised_pipelining: whether commands that come before they may (RFC 2920) are refused, with the
            reply "unauthorised_pipelining", and the server hangs up.
        last_of_group: the commands behind which nothing may come before their reply, even with PIPELINING.
        pipelined_freely: the commands behind which anything may come before their reply.
    """

    idle_seconds: int = 300
    unknown_commands: int = 5
    refusals: int = 0
    command_line: int = 512
    content_line: int = 1001
    hello_name: str = r"[ -~]+"
    hello_once: bool = False
    hello_required: bool = True
    keyword_of_verb: bool = False
    checks_paths: bool = True
    bare_line_feed: str = "kept"
    unknown: tuple[str, ...] = ()
    without_argument: tuple[str, ...] = ()
    unwelcome: str = ""
    unauthorised_pipelining: bool = False
    last_of_group: tuple[str, ...] = ()
    pipelined_freely: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check the values that a type does not.

        Raises:
            InvalidSetting: with the attribute, for the first that cannot be.
        """
        for name in ("hello_name", "unwelcome"):
            form = getattr(self, name)
            try:
                re.compile(form)
            except re.error:
                raise InvalidSetting(f"{name}: {form!r} is not a regular expression") from None
        for name in ("unknown", "without_argument", "last_of_group", "pipelined_freely"):
            verbs = list(getattr(self, name))
            if not all(map(str.isupper, verbs)):
                raise InvalidSetting(f"{name}: {verbs!r} is not a list of commands in capitals")
        if self.bare_line_feed not in BARE_LINE_FEEDS:
            known = ", ".join(map(repr, BARE_LINE_FEEDS))
            raise InvalidSetting(f"bare_line_feed: {self.bare_line_feed!r} is not one of {known}")


USUAL: Final = Manners()
"""The manners of a server whose own are not known."""
