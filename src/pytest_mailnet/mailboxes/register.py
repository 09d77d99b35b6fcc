"""The mailboxes of a provider, and the addresses by which each is found."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from pytest_mailnet.domain_names import a_labels
from pytest_mailnet.errors import InvalidAddress, InvalidSetting
from pytest_mailnet.mailboxes.account import Account
from pytest_mailnet.mailboxes.addressing import Addressing, checked_address, split_address
from pytest_mailnet.mailboxes.mailbox import Mailbox

if TYPE_CHECKING:
    from pytest_mailnet.clock import Clock
    from pytest_mailnet.mailboxes.mailbox import Outgoing
    from pytest_mailnet.mailboxes.shelf import FolderLayout

__all__ = ["Register"]


class Register:
    """The mailboxes of one provider or server. All that asks who has an address asks here.

    The test adds mailboxes while the engine looks them up. What it looks up beside the mailboxes' own
    addresses is replaced as a whole.

    Args:
        owner: the name of the provider or server.
        domains: the domains of its users' addresses.
        addressing: what it makes of tags and dots.
        takes_all: whether every recipient in its domains has a mailbox; one that takes all, and has no
            domain, takes those of all domains.
        clock: the net's.
        outgoing: takes what mailboxes send.
        layout: returns which folders its mailboxes have.

    Attributes:
        domains: as above, and those added since.
    """

    def __init__(
        self,
        owner: str,
        domains: tuple[str, ...],
        addressing: Addressing,
        *,
        takes_all: bool,
        clock: Clock,
        outgoing: Outgoing,
        layout: Callable[[], FolderLayout],
    ) -> None:
        self.domains: tuple[str, ...] = domains
        self._owner, self._addressing, self._takes_all = owner, addressing, takes_all
        self._clock, self._outgoing, self._layout = clock, outgoing, layout
        self._own: dict[str, Mailbox] = {}
        self._by_alias: dict[str, Mailbox] = {}
        self._catching: dict[str, Mailbox] = {}

    @property
    def mailboxes(self) -> list[Mailbox]:
        """All mailboxes, in the order in which they were added."""
        return list(self._own.values())

    def add(
        self,
        address: str,
        *,
        quota: int | None = None,
        password: str | None = None,
        aliases: Iterable[str] = (),
    ) -> Mailbox:
        """Open a mailbox; see `Provider.add_mailbox`."""
        if not isinstance(password, str | None):
            raise InvalidSetting(f"add_mailbox({address!r}, password={password!r}): a password is a text")
        address = checked_address(self.in_full(address))
        self._check_domain(address)
        mailbox = self.find(address)
        opened = mailbox is None
        if mailbox is None:
            mailbox = Mailbox(
                address,
                Account(address, self._clock, moved=self._sort),
                self._outgoing,
                self._sort,
                self._layout,
            )
        if quota is not None:
            mailbox.quota = quota
        if password is not None:
            mailbox.account.password = password
        also = [
            checked_address(self.in_full(it)) for it in ([aliases] if isinstance(aliases, str) else aliases)
        ]
        if opened:
            mailbox = self._own.setdefault(self._addressing.key(address), mailbox)
        if also:
            mailbox.account.aliases = tuple(dict.fromkeys((*mailbox.account.aliases, *also)))
        return mailbox

    def add_domain(self, domain: str) -> None:
        """Have users in a further domain, in the form in which domains are compared."""
        self.domains = (*self.domains, domain)
        self._sort()

    def is_local(self, domain: str) -> bool:
        """Whether mail for a domain ends here; "" stands for the server itself."""
        if not domain or (self._takes_all and not self.domains):
            return True
        return domain in self.domains or a_labels(domain) in self.domains

    def in_full(self, address: str) -> str:
        """An address, completed with the first of the domains if it has none."""
        if not isinstance(address, str) or "@" in address or not self.domains:
            return address
        return f"{address}@{self.domains[0]}"

    def find(self, address: str) -> Mailbox | None:
        """The mailbox of a user by their address, or by an alias; None if nobody has it."""
        key = self._addressing.key(self.in_full(address))
        return self._own.get(key) or self._by_alias.get(key)

    def home_of(self, address: str) -> Mailbox | None:
        """The mailbox to which mail for an address is delivered; None if there is none here."""
        known = self._own.get(address)  # as almost all clients write it: in full, in small letters
        if known is not None:
            return known
        address = self.in_full(address)
        known = self.find(address)
        if known is not None or "@" not in address or not self.is_local(split_address(address)[1]):
            return known
        return self._catching.get(self._domain(address)) or (self.add(address) if self._takes_all else None)

    def _domain(self, address: str) -> str:
        """The domain of an address; one for all domains that have the same mailboxes."""
        return self._addressing.key(address).rpartition("@")[2]

    def _sort(self) -> None:
        """Note by which addresses mailboxes are found besides their own, after a test has changed that."""
        by_alias: dict[str, Mailbox] = {}
        catching: dict[str, Mailbox] = {}
        for mailbox in self.mailboxes:
            for alias in mailbox.account.aliases:
                if not alias.startswith("@") and self.is_local(split_address(alias)[1]):
                    by_alias.setdefault(self._addressing.key(alias), mailbox)
            if mailbox.catch_all:
                catching.setdefault(self._domain(mailbox.address), mailbox)
        self._by_alias, self._catching = by_alias, catching

    def _check_domain(self, address: str) -> None:
        domain = split_address(address)[1]
        if self.is_local(domain):
            return
        if not self.domains:
            raise InvalidAddress(
                f"{address!r} cannot be a mailbox of {self._owner}, which has no domain of its own: "
                f"mailnet.add_domain({domain!r}, on={self._owner!r}) puts one there"
            )
        raise InvalidAddress(
            f"{address!r} cannot be a mailbox of {self._owner}: its users' addresses end in "
            f"{' or '.join('@' + name for name in self.domains)}"
        )
