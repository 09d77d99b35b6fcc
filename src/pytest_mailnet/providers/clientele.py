"""Whom a service sends for, and to whom no longer: users without a mailbox, suppressed recipients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from pytest_mailnet.errors import InvalidAddress, InvalidSetting
from pytest_mailnet.mailboxes.account import Account
from pytest_mailnet.record.journal import Incident

if TYPE_CHECKING:
    from pytest_mailnet.clock import Clock
    from pytest_mailnet.providers.facts import Facts
    from pytest_mailnet.record.journal import Journal

__all__ = ["Clientele"]


class Clientele:
    """The users of an operator who have no mailbox there, and the recipients on its suppression list.

    A service that keeps such a list takes mail for an address on it like any other, and drops it. It puts an
    address on the list when mail for it bounces for good.

    Args:
        facts: the facts about the operator.
        clock: the net's, by which tokens expire.
        journal: the net's, which tells of dropped mail.

    Attributes:
        suppressed: the addresses on the suppression list, in small letters, in the order in which they came.
    """

    def __init__(self, facts: Facts, clock: Clock, journal: Journal) -> None:
        self._facts, self._clock, self._journal = facts, clock, journal
        # Replaced as a whole, since the engine's thread reads it while the test adds to it.
        self._accounts: Mapping[str, Account] = {}
        self.suppressed: tuple[str, ...] = ()

    def add_account(self, name: str, *, password: str | None, aliases: Iterable[str]) -> Account:
        """Add a user; see `Provider.add_account`."""
        if not isinstance(name, str) or not name:
            raise InvalidSetting(f"add_account({name!r}) takes what the user logs in as, as in 'apikey'")
        account = self._accounts.get(name) or Account(name, self._clock)
        if password is not None:
            account.password = password
        also = [aliases] if isinstance(aliases, str) else list(aliases)
        account.aliases = tuple(dict.fromkeys((*account.aliases, *also)))
        self._accounts = {**self._accounts, name: account}
        return account

    def account_of(self, identity: str) -> Account | None:
        """The user who logs in by a name, letter by letter; None for nobody."""
        return self._accounts.get(identity)

    def suppress(self, address: str) -> None:
        """Put an address on the suppression list; see `Provider.suppress`."""
        if not self._facts.suppresses:
            raise InvalidSetting(
                f"suppress({address!r}): {self._facts.title} has no suppression list; services that send for "
                "applications have one, such as mailnet.provider('sendgrid')"
            )
        if not isinstance(address, str) or "@" not in address:
            raise InvalidAddress(f"suppress({address!r}) takes a mail address, as in 'bob@hotmail.com'")
        self._add(address)

    def bounced(self, address: str) -> None:
        """Note that mail for an address was refused for good; nothing happens without a suppression list."""
        if self._facts.suppresses:
            self._add(address)

    def sends_to(self, address: str) -> bool:
        """Whether mail for an address goes out; where not, the test's report tells of it."""
        if not self.suppressed or address.lower() not in self.suppressed:
            return True
        text = f"{self._facts.name} has taken mail for {address} and drops it: its suppression list has that"
        self._journal.add(Incident(self._journal.elapsed(), "suppressed", text, fails=False))
        return False

    def _add(self, address: str) -> None:
        self.suppressed = tuple(dict.fromkeys((*self.suppressed, address.lower())))
