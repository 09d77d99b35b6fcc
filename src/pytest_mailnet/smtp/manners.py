"""How a server holds its conversations, whatever it says in them."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pytest_mailnet.errors import amongst

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
        hello_required: whether MAIL is refused before EHLO and HELO.
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
    hello_required: bool = True
    checks_paths: bool = True
    bare_line_feed: str = "kept"
    unknown: tuple[str, ...] = ()
    without_argument: tuple[str, ...] = ()
    unwelcome: str = ""
    unauthorised_pipelining: bool = False
    last_of_group: tuple[str, ...] = ()
    pipelined_freely: tuple[str, ...] = ()

    @classmethod
    def from_table(cls, table: Mapping[str, object]) -> Manners:
        """Read the table of a provider's file; what is missing there is as usual.

        Raises:
            ValueError: with the key, for an unknown key or a value of another type.
        """
        usual = {it.name: it.default for it in dataclasses.fields(cls)}
        values: dict[str, object] = {}
        for key, value in table.items():
            if key not in usual:
                raise ValueError(f"{key}: unknown key{amongst(key, usual)}")
            kind = type(usual[key])
            given = tuple(value) if kind is tuple and isinstance(value, list) else value
            if type(given) is not kind or not _is_fit(key, given):
                raise ValueError(f"{key}: {value!r} is not {_KINDS.get(key, _KINDS[kind.__name__])}")
            values[key] = given
        return cls(**values)  # type: ignore[arg-type]  # checked above


_KINDS: Mapping[str, str] = {
    "int": "a number of 0 or more",
    "bool": "true or false",
    "str": "a regular expression",
    "tuple": "a list of commands in capitals",
    "bare_line_feed": f"one of {', '.join(map(repr, BARE_LINE_FEEDS))}",
}


def _is_fit(key: str, value: object) -> bool:
    if isinstance(value, tuple):
        return all(isinstance(it, str) and it.isupper() for it in value)
    if key == "bare_line_feed":
        return value in BARE_LINE_FEEDS
    if isinstance(value, str):
        try:
            re.compile(value)
        except re.error:
            return False
    return not isinstance(value, int) or value >= 0


USUAL: Final = Manners()
"""The manners of a server whose own are not known."""
