"""The account of a mailbox: how its owner logs in, and from which addresses they may send."""

from __future__ import annotations

import operator
import secrets
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from pytest_mailnet.errors import InvalidSetting
from pytest_mailnet.handles.attributes import Flag, Setting, flag, is_whole, steady
from pytest_mailnet.mailboxes.addressing import same_address
from pytest_mailnet.system.native import lock

if TYPE_CHECKING:
    from pytest_mailnet.clock import Clock
    from pytest_mailnet.smtp.sasl import Credentials

__all__ = [
    "Account",
    "downloaded",
    "lacks_app_password",
    "most_of",
    "note_download",
    "objection",
    "owns",
]

_DAY = timedelta(days=1)


def most_of(unit: str) -> Callable[[object, str], int | None]:
    """Make the check of a setting that is a limit, or None.

    Args:
        unit: what is counted, in the plural, for the message.
    """

    def checked(given: object, what: str) -> int | None:
        if given is None or (is_whole(given) and given >= 0):
            return given
        raise InvalidSetting(f"{what}: {given!r} is not a number of {unit}, 0 or more, or None for no limit")

    return checked


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
        clock: the net's, by which tokens expire.
        password: see the attribute.
        aliases: see the attribute.
        moved: called when the aliases are set.

    Attributes:
        password: the owner's password; None for an account that cannot log in by password.
        aliases: further addresses that the owner may send from, in full, or "@shop.example" for a whole
            domain. Mail for such an address in the provider's domains arrives in the mailbox.
        two_step: whether the owner has two-step verification. Providers with app passwords then refuse the
            password itself.
        imap_enabled, pop3_enabled: whether the owner's settings, or an administrator's, let programs read the
            mail by this protocol.
        web_login_required: whether the provider takes no password of a program before the owner has logged
            in in a browser.
        daily_download: how many octets may be fetched by IMAP in a day of the net's clock, and as many by
            POP3; None for the provider's own limit, 0 for no mail at all. A day begins with its first octet.
    """

    password: Setting[str | None] = Setting(None, _text_or_none)
    aliases: Setting[tuple[str, ...]] = Setting((), _addresses, operator.methodcaller("_moved"))
    two_step: Flag = Flag()
    imap_enabled: Setting[bool] = Setting(default=True, checked=flag)
    pop3_enabled: Setting[bool] = Setting(default=True, checked=flag)
    web_login_required: Flag = Flag()
    daily_download: Setting[int | None] = Setting(None, most_of("octets"))

    def __init__(
        self,
        address: str,
        clock: Clock,
        password: str | None = None,
        aliases: Iterable[str] = (),
        moved: Callable[[], object] = bool,
    ) -> None:
        self._address, self._moved = address, moved
        if password is not None:
            self.password = password
        if aliases:
            self.aliases = tuple(aliases)
        self._clock = clock
        self._app_passwords: tuple[str, ...] = ()
        self._tokens: dict[str, datetime] = {}
        self._downloads: dict[str, tuple[datetime, int]] = {}
        self._lock = lock()  # the test issues and revokes tokens while servers check them

    @property
    def address(self) -> str:
        """The mailbox's address."""
        return self._address

    def add_app_password(self, password: str | None = None) -> str:
        """Add an app password, as programs need it under two-step verification, and return it.

        Args:
            password: the password; None for 16 random letters.

        Raises:
            InvalidSetting: if the password is no text.
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
            seconds: the time to live, in seconds of the net's clock.

        Raises:
            InvalidSetting: if that is not a number above 0.
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
        """Make all tokens issued so far invalid."""
        with self._lock:
            self._tokens.clear()

    def _expiry(self, token: str) -> datetime | None:
        with self._lock:
            return self._tokens.get(token)

    @property
    def _passwords(self) -> tuple[str, ...]:
        own = () if self.password is None else (self.password,)
        return (*own, *self._app_passwords)

    def __repr__(self) -> str:
        return f"<Account {self.address}>"


def owns(account: Account, address: str) -> bool:
    """Whether an address is an account's own or an alias of it; the alias "@shop.example" is a whole domain.

    Args:
        account: the account.
        address: in full.
    """
    all_of_it = f"@{address.rpartition('@')[2]}"
    return any(
        same_address(address, own) or same_address(all_of_it, own)
        for own in (account.address, *account.aliases)
    )


def objection(account: Account, credentials: Credentials) -> str | None:
    """What is wrong with credentials, in words; None if they are in order.

    Args:
        account: the account that they are for.
        credentials: what the client has sent.
    """
    if credentials.by_token:
        until = account._expiry(credentials.secret)  # noqa: SLF001  # no affair of a test's
        if until is None:
            return f"that is no token of {account.address}"
        if until <= account._clock.now():  # noqa: SLF001
            return f"the token of {account.address} has expired at {until:%Y-%m-%d %H:%M:%S} UTC"
        return None
    passwords = account._passwords  # noqa: SLF001
    if credentials.proves(passwords):
        return None
    if not passwords:
        return f"{account.address} has no password: .add_mailbox({account.address!r}, password='...')"
    return f"that is not the password of {account.address}"


def lacks_app_password(account: Account, credentials: Credentials) -> bool:
    """Whether credentials use the right password where an app password is needed.

    Args:
        account: the account that they are for.
        credentials: what the client has sent.
    """
    own = () if account.password is None else (account.password,)
    return account.two_step and not credentials.by_token and credentials.proves(own)


def note_download(account: Account, protocol: str, octets: int) -> None:
    """Count what was sent to a program that reads an account's mail. Only who has the engine's turn calls it.

    Args:
        account: the account.
        protocol: "IMAP" or "POP3".
        octets: how many.
    """
    since, before = downloaded(account, protocol)
    account._downloads[protocol] = since, before + octets  # noqa: SLF001  # as above


def downloaded(account: Account, protocol: str) -> tuple[datetime, int]:
    """When the day that counts began, and how many octets were sent since; see `Account.daily_download`.

    Args:
        account: the account.
        protocol: "IMAP" or "POP3".
    """
    now = account._clock.now()  # noqa: SLF001  # as above
    since, octets = account._downloads.get(protocol, (now, 0))  # noqa: SLF001
    return (since, octets) if now - since < _DAY else (now, 0)
