"""How a server holds its conversations, whatever it says in them."""

from __future__ import annotations

import re
from typing import Final, Literal, TypeAlias, get_args

from pytest_mailnet.errors import InvalidSetting
from pytest_mailnet.handles.frozen_fields import FrozenFields

__all__ = ["USUAL", "BareLineFeed", "EightBit", "Manners", "Nul"]

EightBit: TypeAlias = Literal["refused", "kept", "stripped"]
"""What a server makes of bytes over 127 in a command line; see `Manners.eight_bit`."""

Nul: TypeAlias = Literal["kept", "refused", "ends the line"]
"""What a server makes of a NUL in a command line; see `Manners.nul_in_command`."""

BareLineFeed: TypeAlias = Literal["kept", "ends lines", "ends lines throughout", "refused"]
"""What a server makes of a line feed without a carriage return in content; see `Manners.bare_line_feed`."""


class Manners(FrozenFields):
    """How a server holds its conversations. A number of 0 is no limit.

    Attributes:
        idle_seconds: how long a client may be silent; then the server says the reply "timeout" and hangs up.
            RFC 5321, 4.5.3.2.7 asks for five minutes at least.
        idle_told: whether it says so between two commands; within content it always does.
        unknown_commands: how many commands that it does not know a server answers as usual; the next one
            ends the session with "too_many_bad_commands".
        refusals: how many replies of 4yz and 5yz a client may have had since its last mail; whatever it says
            next ends the session, with the same reply.
        nonmail_commands: how many commands a client may say besides those of a mail; the next one ends the
            session with "too_many_nonmail_commands". EHLO, RSET, STARTTLS and AUTH are free once, and again
            after a mail.
        mistakes: how many commands may be badly formed or out of order; one more is answered, and ends the
            session.
        command_line: the longest command line, with its line end; 512 grows with extensions (RFC 5321,
            4.5.3.1.4), any other number does not.
        content_line: the longest line of content, with its line end (RFC 5321, 4.5.3.1.6).
        hello_name: the regular expression of the names that EHLO and HELO take.
        hello_once: whether EHLO and HELO are refused once a client has said one of them.
        hello_first: the commands that are refused before EHLO and HELO.
        offered_by_hello: whether STARTTLS, AUTH and BDAT are as if not offered until EHLO has listed them.
        keyword_of_verb: whether "MAIL FROM:" and "RCPT TO:" are the verbs, so that MAIL alone is unknown.
        checks_paths: whether the addresses in MAIL and RCPT have to be in the form of RFC 5321, 4.1.2.
        path: the regular expression of what stands behind "FROM:" and "TO:", from its beginning; "" for any.
        restricted: the regular expression of the local parts, from their beginning, that get
            "recipient_restricted"; "" for none.
        eight_bit: what bytes over 127 are in a command where SMTPUTF8 is not asked for. "refused": an error,
            with the reply "non_ascii_command". "kept": characters. "stripped": characters without their
            eighth bit.
        nul_in_command: what a NUL in a command line is. "kept": a character like others. "refused": an
            error, with the reply "nul_in_command". "ends the line": all behind it is lost.
        white_space: whether any white space, also before a verb, is as good as the one space behind it.
        parameters: the parameters of MAIL and RCPT that it takes though EHLO has not offered them: "AUTH".
        unchecked: the parameters whose values may be malformed.
        declared_size_checked: whether a SIZE in MAIL that is over the limit is refused at once, and not only
            the message.
        verifies: whether VRFY tells who has a mailbox, with "vrfy_user_known", "vrfy_user_unknown" or, for
            other domains, "vrfy_foreign"; otherwise each gets "vrfy".
        bare_line_feed: what a line feed without a carriage return is in content. "kept": part of a line.
            "ends lines": a line end, so that a second mail can be smuggled in (CVE-2023-51764).
            "ends lines throughout": a line end if the first line has ended so. "refused": an error, as is a
            carriage return alone, with the replies "bare_line_feed" and "bare_carriage_return".
        nul_bytes: whether content may have them; otherwise it is refused with "nul_byte".
        hops: how many Received fields a mail may have; more are a "mail_loop".
        unknown: commands of RFCs that it does not know: "EXPN".
        without_argument: commands whose argument it ignores, where it should refuse it: "QUIT".
        unimplemented: commands that it knows and does not have, besides TURN and others: "SEND".
        argument_refused: commands whose argument it refuses, where it should ignore it: "NOOP".
        unwelcome: the regular expression of lines that end the session at once, with "unwelcome_command";
            "" for none.
        unauthorised_pipelining: whether commands that come before they may (RFC 2920) are refused, with the
            reply "unauthorised_pipelining", and the server hangs up.
        goes_on: whether it looks only behind the last of a group, and does not hang up where that is EHLO or
            HELO: it then refuses all mail with "command_rejected".
        last_of_group: the commands behind which nothing may come before their reply, even with PIPELINING.
        pipelined_freely: the commands behind which anything may come before their reply.
    """

    idle_seconds: int = 300
    idle_told: bool = True
    unknown_commands: int = 5
    refusals: int = 0
    nonmail_commands: int = 0
    mistakes: int = 0
    command_line: int = 512
    content_line: int = 1001
    hello_name: str = r"[ -~]+"
    hello_once: bool = False
    hello_first: tuple[str, ...] = ("MAIL", "RCPT", "DATA", "BDAT", "STARTTLS", "AUTH")
    offered_by_hello: bool = False
    keyword_of_verb: bool = False
    checks_paths: bool = True
    path: str = ""
    restricted: str = ""
    eight_bit: EightBit = "refused"
    nul_in_command: Nul = "kept"
    white_space: bool = False
    parameters: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()
    declared_size_checked: bool = True
    verifies: bool = False
    bare_line_feed: BareLineFeed = "kept"
    nul_bytes: bool = True
    hops: int = 0
    unknown: tuple[str, ...] = ()
    without_argument: tuple[str, ...] = ()
    unimplemented: tuple[str, ...] = ()
    argument_refused: tuple[str, ...] = ()
    unwelcome: str = ""
    unauthorised_pipelining: bool = False
    goes_on: bool = False
    last_of_group: tuple[str, ...] = ()
    pipelined_freely: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check the values that a type does not.

        Raises:
            InvalidSetting: with the attribute, for the first that cannot be.
        """
        for name in ("hello_name", "path", "restricted", "unwelcome"):
            form = getattr(self, name)
            try:
                re.compile(form)
            except re.error:
                raise InvalidSetting(f"{name}: {form!r} is not a regular expression") from None
        for name in _COMMANDS:
            verbs = list(getattr(self, name))
            if not all(map(str.isupper, verbs)):
                raise InvalidSetting(f"{name}: {verbs!r} is not a list of commands in capitals")
        for name, values in _ONE_OF.items():
            if getattr(self, name) not in values:
                known = ", ".join(map(repr, values))
                raise InvalidSetting(f"{name}: {getattr(self, name)!r} is not one of {known}")


_COMMANDS = (
    "hello_first",
    "parameters",
    "unchecked",
    "unknown",
    "unimplemented",
    "without_argument",
    "argument_refused",
    "last_of_group",
    "pipelined_freely",
)
_ONE_OF = {
    "bare_line_feed": get_args(BareLineFeed),
    "eight_bit": get_args(EightBit),
    "nul_in_command": get_args(Nul),
}


USUAL: Final = Manners()
"""The manners of a server whose own are not known."""
