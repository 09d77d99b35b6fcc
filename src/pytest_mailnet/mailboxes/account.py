"""How the owner of a mailbox logs in, and as whom they may send."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from pytest_mailnet.errors import InvalidSetting
from pytest_mailnet.handles.attributes import Flag, Setting, steady
from pytest_mailnet.system.native import lock

if TYPE_CHECKING:
    from pytest_mailnet.clock import Clock
    from pytest_mailnet.smtp.sasl import Credentials

__all__ = ["Account"]


def _text_or_none(given: Any, what: str) -> str | None:
    if not isinstance(given, str | None):
        raise InvalidSetting(f"{what} takes a text, or None for none, not {given!r}")
    return given


def _addresses(given: Any, what: str) -> tuple[str, ...]:
    if isinstance(given, str) or not all(isinstance(it, str) and "@" in it for it in given):
        raise InvalidSetting(f"{what} takes addresses, as in ('sales@gmail.com',), not {given!r}")
    return tuple(given)


@steady("an account")
class Account:
    """The log-in of a mailbox: `mailnet.gmail.add_mailbox("alice", password="...").account`.

    Args:
        address: the mailbox's.
        clock: by which tokens expire.
        password: see the attribute.
        aliases: further addresses that are the account's own.

    Attributes:
        password: None for an account that cannot log in by password.
        aliases: as which it may send too, in full.
        two_step: whether its owner has two-step verification, so that at providers who know of app passwords
            the password itself is good for nothing here.
    """

    password = Setting[str | None](None, _text_or_none)
    aliases = Setting[tuple[str, ...]]((), _addresses)
    two_step = Flag()

    def __init__(
        self, address: str, clock: Clock, password: str | None = None, aliases: Iterable[str] = ()
    ) -> None:
        self._address = address
        if password is not None:
            self.password = password
        if aliases:
            self.aliases = tuple(aliases)
        self._clock = clock
        self._app_passwords: tuple[str, ...] = ()
        self._tokens: dict[str, datetime] = {}
        self._lock = lock()  # the test issues and revokes tokens while servers check them

    @property
    def address(self) -> str:
        """The mailbox's."""
        return self._address

    def add_app_password(self, password: str | None = None) -> str:
        """Add a password for programs, as one with two-step verification needs, and return it.

        Args:
            password: None for one of 16 letters, drawn by lot.

        Raises:
            InvalidSetting: if that is no text.
        """
        if not isinstance(password, str | None):
            raise InvalidSetting(f"add_app_password({password!r}): a password is a text")
        made = password or "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(16))
        self.two_step = True
        self._app_passwords += (made,)
        return made

    def issue_token(self, *, seconds: float = 3600) -> str:
        """Issue an OAuth 2.0 access token, for XOAUTH2 and OAUTHBEARER.

        Args:
            seconds: of the net's clock, after which it has expired.

        Raises:
            InvalidSetting: if that is no time to live.
        """
        if not (isinstance(seconds, int | float) and seconds > 0):
            raise InvalidSetting(
                f"issue_token(seconds={seconds!r}): a token lives for more than 0 s; "
                "to have one that has expired, move the clock: mailnet.clock.advance(hours=1)"
            )
        token = secrets.token_urlsafe(32)
        with self._lock:
            self._tokens[token] = self._clock.now() + timedelta(seconds=seconds)
        return token

    def revoke_tokens(self) -> None:
        """Let no token of before be good any more."""
        with self._lock:
            self._tokens.clear()

    def owns(self, address: str) -> bool:
        """Whether an address is the account's own, or one of its aliases."""
        return address.lower() in {self.address.lower(), *(alias.lower() for alias in self.aliases)}

    def objection(self, credentials: Credentials) -> str | None:
        """What is wrong with credentials, in words; None if they are in order."""
        if credentials.by_token:
            with self._lock:
                until = self._tokens.get(credentials.secret)
            if until is None:
                return f"that is no token of {self.address}"
            if until <= self._clock.now():
                return f"the token of {self.address} has expired at {until:%Y-%m-%d %H:%M:%S} UTC"
            return None
        if credentials.proves(self._passwords):
            return None
        if not self._passwords:
            return f"{self.address} has no password: .add_mailbox({self.address!r}, password='...')"
        return f"that is not the password of {self.address}"

    def lacks_app_password(self, credentials: Credentials) -> bool:
        """Whether these are made with the right password, where an app password is wanted."""
        own = () if self.password is None else (self.password,)
        return self.two_step and not credentials.by_token and credentials.proves(own)

    @property
    def _passwords(self) -> tuple[str, ...]:
        own = () if self.password is None else (self.password,)
        return (*own, *self._app_passwords)

    def __repr__(self) -> str:
        return f"<Account {self.address}>"
