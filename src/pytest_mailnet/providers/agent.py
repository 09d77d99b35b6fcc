"""Whose answers a test writes: `mailnet.gmail.on_rcpt(...)`, `mailnet.gmail.submission.on_mail(...)`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pytest_mailnet.handles.attributes import steady
from pytest_mailnet.providers.decisions import Decisions
from pytest_mailnet.providers.phrasebook import Replies
from pytest_mailnet.providers.policy import EVERYTHING
from pytest_mailnet.providers.variables import VARIABLES
from pytest_mailnet.rules import RULES, family_of
from pytest_mailnet.scripting.expectation import Expectation, Match
from pytest_mailnet.senders.sender import Sender
from pytest_mailnet.values import Stage

__all__ = ["INSTEAD", "Agent"]


_MESSAGES = "mailnet.messages and mailbox.messages have the mail, .sessions the connections"
_MAILBOX = "that is a mailbox's, as in .add_mailbox('alice').{}"
_DOMAINS = "mailnet.add_domain('shop.example', on='google-workspace') adds one"
INSTEAD: Mapping[str, str] = MappingProxyType(
    {
        **{
            name: f".enforce({name!r}) turns it on, where a provider has it"
            for name in (*RULES, *map(family_of, RULES.values()))
        },
        **dict.fromkeys(("messages", "mails", "emails", "inbox", "outbox"), _MESSAGES),
        **{name: _MAILBOX.format(name) for name in ("quota", "hourly_limit", "disabled", "account")},
        **{name: _MAILBOX.format(f"account.{name}") for name in ("password", "two_step", "aliases")},
        "domain": _DOMAINS,
        "domains": _DOMAINS,
        "mailboxes": ".add_mailbox('alice') opens one",
        "hosts": "mailnet.add_server('mx.shop.example') adds one",
        "host": "mailnet.host('mx.shop.example'), and .hosts has the provider's by name",
        "tls": "that is a host's: mailnet.host('mx.shop.example').tls",
        "extensions": "that is a host's: mailnet.host('mx.shop.example').extensions",
        "helo_only": "that is a host's: mailnet.host('mx.shop.example').helo_only",
        "ports": "that is a host's: mailnet.host('mx.shop.example').ports",
        "fail": "mailnet.fail('shop.example', 'reset-at-rcpt'), or mailnet.host('mx.shop.example').fail(...)",
        "refuse_connections": "that is a host's: mailnet.host('mx.shop.example').refuse_connections()",
        "strict": "settings are the net's: @pytest.mark.mailnet(strict=...)",
        "replies": "an answer of one's own is scripted: .on_rcpt('sales@*').reply('550 5.1.1 No such user')",
    }
)
"""What to do in place of setting what a provider does not have."""


@steady("a provider", INSTEAD)
class Agent:
    """A provider's hosts, or those of them to which its users hand their mail (RFC 5598's submission agents).

    A test's own answers (`on_rcpt` and its sisters) come before the rules. Those of a provider hold at all of
    its hosts, those of its submission agents only there, and come first.

    Args:
        decisions: what they answer by.
    """

    def __init__(self, decisions: Decisions) -> None:
        self._decisions = decisions

    @property
    def name(self) -> str:
        """How tests call it."""
        return self._decisions.name

    @property
    def replies(self) -> Replies:
        """Its replies by condition, `mailnet.gmail.replies.user_unknown`."""
        return Replies(self._decisions.phrasebook)

    def enforce(self, *rules: str) -> None:
        """Turn rules on that are off in a fresh net: "greylisting", or a family: "authentication".

        Raises:
            UnknownName: if the provider has no such rule; names the near misses.
        """
        self._decisions.policy.enforce(*rules)

    def enforce_all(self) -> None:
        """Turn on every rule that there is."""
        self._decisions.policy.enforce(EVERYTHING)

    def on_connect(self, match: Match | None = None, *, sender: Sender | str | None = None) -> Expectation:
        """Answer a connection in place of the banner; a glob is compared with the client's address."""
        return self._on(Stage.CONNECT, match, sender)

    def on_ehlo(self, match: Match | None = None, *, sender: Sender | str | None = None) -> Expectation:
        """Answer EHLO and HELO; a glob is compared with the name given there."""
        return self._on(Stage.EHLO, match, sender)

    def on_starttls(self, match: Match | None = None, *, sender: Sender | str | None = None) -> Expectation:
        """Answer STARTTLS; a glob is compared with the name given in EHLO."""
        return self._on(Stage.STARTTLS, match, sender)

    def on_auth(self, match: Match | None = None, *, sender: Sender | str | None = None) -> Expectation:
        """Answer a log-in, when its credentials have come; a glob is compared with the user's name."""
        return self._on(Stage.AUTH, match, sender)

    def on_mail(self, match: Match | None = None, *, sender: Sender | str | None = None) -> Expectation:
        """Answer MAIL; a glob is compared with the reverse-path ("" for the null sender)."""
        return self._on(Stage.MAIL, match, sender)

    def on_rcpt(self, match: Match | None = None, *, sender: Sender | str | None = None) -> Expectation:
        """Answer RCPT; a glob is compared with the recipient.

        Args:
            match: a glob ("sales@*"), or a predicate that is given the `Step`; None for all.
            sender: a `Sender`, a glob for its address, or (with an @) one for the reverse-path.
        """
        return self._on(Stage.RCPT, match, sender)

    def on_data(self, match: Match | None = None, *, sender: Sender | str | None = None) -> Expectation:
        """Answer DATA; a glob is compared with each recipient."""
        return self._on(Stage.DATA, match, sender)

    def on_message(self, match: Match | None = None, *, sender: Sender | str | None = None) -> Expectation:
        """Answer after the final dot; a glob is compared with each recipient."""
        return self._on(Stage.MESSAGE, match, sender)

    def _on(self, stage: Stage, match: Match | None, sender: Sender | str | None) -> Expectation:
        return self._decisions.script.add(Expectation(self.name, stage, match, sender, VARIABLES))
