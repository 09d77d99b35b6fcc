"""What a fault makes of a reply on the wire."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Literal, NamedTuple

from pytest_mailnet.faults.fault import Manner
from pytest_mailnet.values import Stage

__all__ = ["EARLY", "Damage", "damage"]

_OVERLONG = 70_000
_RUBBISH = b"\x00\xff\xfe\x16\x03\x01\r\n"


class Damage(NamedTuple):
    """What is sent in place of a reply.

    Attributes:
        pieces: each is one write.
        then: what the server does next.
    """

    pieces: Sequence[bytes]
    then: Literal["go on", "close", "reset", "stall", "forget", "late"] = "go on"


def damage(manner: Manner, reply: bytes) -> Damage:
    """Apply a fault to a reply.

    Args:
        manner: what goes wrong.
        reply: the bytes that would be sent.

    Returns:
        What is sent instead. Manners that do not affect replies leave it as it is.
    """
    made = _MADE.get(manner)
    return Damage((reply,)) if made is None else made(reply)


def _miscontinued(reply: bytes) -> Damage:
    code, text = reply[:3], reply[4:].partition(b"\r\n")[0]
    other = b"250" if code == b"251" else b"251"
    return Damage((code + b"-" + text + b"\r\n" + other + b" and more\r\n",))


# Those of a dial are not among them: no reply follows.
_MADE: Mapping[Manner, Callable[[bytes], Damage]] = MappingProxyType(
    {
        Manner.CLOSED: lambda _: Damage((), "close"),
        Manner.RESET: lambda _: Damage((), "reset"),
        Manner.STALLED: lambda _: Damage((), "stall"),
        Manner.CUT: lambda reply: Damage((reply[: len(reply) // 2],), "close"),
        Manner.TRICKLING: lambda reply: Damage([bytes([byte]) for byte in reply]),
        Manner.UNENDED: lambda reply: Damage((reply.removesuffix(b"\r\n"),), "stall"),
        Manner.MISCONTINUED: _miscontinued,
        Manner.OVERLONG: lambda reply: Damage(
            (reply.removesuffix(b"\r\n").ljust(_OVERLONG, b"x") + b"\r\n",)
        ),
        Manner.RUBBISH: lambda reply: Damage((_RUBBISH + reply,)),
        Manner.HALF_OPEN: lambda reply: Damage((reply,), "forget"),
        Manner.LATE: lambda reply: Damage((reply,), "late"),
    }
)

EARLY: Mapping[Stage, bytes] = MappingProxyType(
    {
        Stage.EHLO: b"250 OK\r\n",
        Stage.STARTTLS: b"220 Go ahead\r\n",
        Stage.AUTH: b"235 OK\r\n",
        Stage.MAIL: b"250 OK\r\n",
        Stage.RCPT: b"250 OK\r\n",
        Stage.DATA: b"354 Go ahead\r\n",
        Stage.MESSAGE: b"250 OK\r\n",
    }
)
"""What comes in place of each stage's reply, where it comes before the command."""
