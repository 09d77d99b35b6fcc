"""The settings of an audit: `[tool.mailnet.audit]` in pyproject.toml."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_type_hints

from pytest_mailnet.errors import InvalidSetting, amongst

__all__ = ["AuditSettings", "settings_in"]

_TABLE = "[tool.mailnet.audit]"
_FATES = ("sent", "deferred", "failed")
_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSettings:
    """How an application is called, whom it writes to, and how its belief is read.

    Attributes:
        app: the application's file or module and its function: "app.py:deliver".
        command: the words of its command, in place of a function; {sender}, {recipient}, {recipients},
            {message_id} and {folder}, an empty folder of the case, stand for what they name; the mail is its
            standard input.
        call: a Python expression that sends the mail, in the names of the application's module and `sender`,
            `recipient`, `recipients`, `message` (bytes), `message_id`; "" to call the function.
        prepare: statements (of a command: its words) that come before each case, to empty a database, say;
            `now` tells the net's time.
        retry: an expression (of a command: its words) that has the application try again, a day later by the
            net's clock; "" to call it anew.
        belief: an expression that returns what the application believes; "" for what the call returns.
        database: the path of an SQLite database, which `query` is asked in.
        query: SQL that selects what the application believes, by :message_id, :recipient and :sender.
        fates: the application's words for "sent", "deferred" and "failed".
        sender: the mail's sender.
        domain: the domain of its recipients; "" for shop.example, or the provider's first.
        recipient: the recipient's local part.
        provider: the provider of the recipients, "gmail", whose refusals are tried; "" for a server of their
            own.
        host: the server that the application is configured with, in place of the MX of the recipients.
        port: the port of that server.
        user: the user who logs in there; "" for nobody.
        password: that user's password.
        limit: how many real seconds a call may take; 0 for 10, or 30 for a command, whose time-outs last.
    """

    app: str = ""
    command: tuple[str, ...] = ()
    call: str = ""
    prepare: str | tuple[str, ...] = ""
    retry: str | tuple[str, ...] = ""
    belief: str = ""
    database: str = ""
    query: str = ""
    fates: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    sender: str = "app@sender.example"
    domain: str = ""
    recipient: str = "alice"
    provider: str = ""
    host: str = ""
    port: int = 587
    user: str = ""
    password: str = ""
    limit: float = 0

    def __post_init__(self) -> None:
        for name, kind in get_type_hints(AuditSettings).items():
            given = getattr(self, name)
            if isinstance(given, list):
                given = tuple(given)
                object.__setattr__(self, name, given)
            if not _is_of(given, kind):
                raise InvalidSetting(f"{_TABLE} {name} = {given!r}: it takes {_kind(kind)}")
        if self.app and self.command:
            raise InvalidSetting(f"{_TABLE} has app and command: an application is called by one of them")
        if bool(self.database) != bool(self.query):
            raise InvalidSetting(
                f"{_TABLE} database and query go together: an SQLite file, and what to ask it"
            )
        for word, fate in self.fates.items():
            if fate not in _FATES:
                raise InvalidSetting(f"{_TABLE} fates: {word} = {fate!r}{amongst(str(fate), _FATES)}")

    @property
    def longest(self) -> float:
        """How many real seconds a call may take."""
        return self.limit or (30.0 if self.command else 10.0)

    def but(self, **changed: Any) -> AuditSettings:
        """The same with some settings changed; None changes nothing."""
        return dataclasses.replace(self, **{name: it for name, it in changed.items() if it is not None})


def settings_in(folder: Path) -> AuditSettings:
    """Read the settings from the pyproject.toml of a folder; without one, or without the table, the defaults.

    Args:
        folder: the folder in which the audit was called.

    Raises:
        InvalidSetting: for a file that cannot be read, an unknown key, with near misses, or a wrong value.
    """
    path = folder / "pyproject.toml"
    if not path.exists():
        return AuditSettings()
    try:
        read = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise InvalidSetting(f"{path}: {error}") from error
    table = read.get("tool", {}).get("mailnet", {}).get("audit", {})
    known = [it.name for it in dataclasses.fields(AuditSettings)]
    for name in table:
        if name not in known:
            raise InvalidSetting(f"{path}: {_TABLE} has no key {name!r}{amongst(name, known)}")
    return AuditSettings(**table)


def _is_of(given: object, kind: Any) -> bool:
    if kind is float:
        return isinstance(given, int | float) and not isinstance(given, bool) and given >= 0
    if kind is int:
        return isinstance(given, int) and not isinstance(given, bool) and 0 < given < 65536
    words = isinstance(given, tuple) and all(isinstance(it, str) for it in given)
    if kind == tuple[str, ...]:
        return words
    if kind is str:
        return isinstance(given, str)
    if kind == Mapping[str, str]:
        return isinstance(given, Mapping)
    return isinstance(given, str) or words


def _kind(kind: Any) -> str:
    told = {str: "a text", int: "a port", float: "a number of seconds", tuple[str, ...]: "a list of words"}
    return told.get(kind, "a text, or a list of words")
