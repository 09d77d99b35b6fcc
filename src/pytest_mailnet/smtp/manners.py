"""How a server holds its conversations, whatever it says in them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from pytest_mailnet.errors import amongst

__all__ = ["USUAL", "Manners"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How a server holds its conversations.

    Attributes:
        idle_seconds: how long a client may be silent; then the server says the reply "timeout" and hangs up.
            RFC 5321, 4.5.3.2.7 asks for five minutes at least.
        bad_commands: how many commands that it does not know a server answers as usual; the next one ends
            the session with "too_many_bad_commands". 0 for no limit.
    """

    idle_seconds: int = 300
    bad_commands: int = 5

    @classmethod
    def from_table(cls, table: Mapping[str, object]) -> Manners:
        """Read the table of a provider's file; what is missing there is as usual.

        Raises:
            ValueError: with the key, for an unknown key or a value of another type.
        """
        usual = {it.name: it.default for it in dataclasses.fields(cls)}
        for key, value in table.items():
            if key not in usual:
                raise ValueError(f"{key}: unknown key{amongst(key, usual)}")
            kind = type(usual[key])
            if type(value) is not kind or (kind is int and int(str(value)) < 0):
                raise ValueError(f"{key}: {value!r} is not {_KINDS[kind]}")
        return cls(**table)  # type: ignore[arg-type]  # checked above


_KINDS: Mapping[type, str] = {int: "a number of 0 or more", bool: "true or false", str: "a text"}

USUAL = Manners()
"""The manners of a server whose own are not known."""
