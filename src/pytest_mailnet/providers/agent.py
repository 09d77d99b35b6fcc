"""The face on which a test scripts answers: `mailnet.gmail.on_rcpt(...)`, `mailnet.gmail.submission`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_mailnet.handles.attributes import steady
from pytest_mailnet.handles.names import RuleName
from pytest_mailnet.providers.decisions import Decisions
from pytest_mailnet.providers.phrasebook import Replies
from pytest_mailnet.providers.ruleset import EVERYTHING
from pytest_mailnet.providers.variables import VARIABLES
from pytest_mailnet.rules import FAMILIES, RULES
from pytest_mailnet.scripting.verbs import aside_stage
from pytest_mailnet.senders.sender import Sender
from pytest_mailnet.values import Stage

if TYPE_CHECKING:
    from pytest_mailnet.scripting.expectation import Expectation, Match

__all__ = ["INSTEAD", "Agent"]


_MESSAGES = "mailnet.messages and mailbox.messages have the mail, .sessions the connections"
_MAILBOX = "that is a mailbox's, as in .add_mailbox('alice').{}"
_DOMAINS = "mailnet.add_domain('shop.example', on='google-workspace') adds one"
INSTEAD: Mapping[str, str] = MappingProxyType(
    {
        **{name: f".enforce({name!r}) turns it on, where a provider has it" for name in (*RULES, *FAMILIES)},
        **dict.fromkeys(("messages", "mails", "emails", "inbox", "outbox"), _MESSAGES),
        **{name: _MAILBOX.format(name) for name in ("quota", "hourly_limit", "disabled", "account")},
        **{
            name: _MAILBOX.format(f"account.{name}")
            for name in (
                "aliases",
                "daily_download",
                "imap_enabled",
                "password",
                "pop3_enabled",
                "two_step",
                "web_login_required",
            )
        },
        "domain": _DOMAINS,
        "domains": _DOMAINS,
        "mailboxes": ".add_mailbox('alice') opens one",
        "accounts": ".add_account('apikey', password='...') adds one, of a user without a mailbox",
        "suppressed": ".suppress('bob@hotmail.com') puts a recipient on the list",
        "hosts": "mailnet.add_server('mx.shop.example') adds one",
        "host": "mailnet.host('mx.shop.example'), and .hosts has the provider's by name",
        "tls": "that is a host's: mailnet.host('mx.shop.example').tls",
        "extensions": "that is a host's: mailnet.host('mx.shop.example').extensions",
        "auth_before_tls": "that is a host's: mailnet.host('mx.shop.example').auth_before_tls",
        "helo_only": "that is a host's: mailnet.host('mx.shop.example').helo_only",
        "lmtp_ports": "that is a host's: mailnet.host('mx.shop.example').lmtp_ports",
        "tls_ports": "that is a host's: mailnet.host('mx.shop.example').tls_ports",
        "ports": "that is a host's: mailnet.host('mx.shop.example').ports",
        "fail": "mailnet.fail('shop.example', 'reset-at-rcpt'), or mailnet.host('mx.shop.example').fail(...)",
        "refuse_connections": "that is a host's: mailnet.host('mx.shop.example').refuse_connections()",
        "strict": "settings are the net's: @pytest.mark.mailnet(strict=...)",
        **{
            f"on_{verb}": f".on_command({verb.upper()!r}) answers it"
            for verb in ("rset", "noop", "quit", "vrfy", "expn", "help")
        },
        "replies": "an answer of one's own is scripted: .on_rcpt('sales@*').reply('550 5.1.1 No such user')",
    }
)
"""For attributes that a provider does not have: what to do instead."""


@steady("a provider", INSTEAD)
class Agent:
    """A provider's hosts, or only its submission servers (the submission agents of RFC 5598).

    A test's own answers (`on_rcpt` and the others) come before the rules. A provider's answers hold at all
    of its hosts. Those of its submission servers hold only there, and come before the provider's.

    Args:
        decisions: the script, rules and phrasebook that the hosts answer by.
    """

    def __init__(self, decisions: Decisions) -> None:
        self._decisions = decisions

    @property
    def name(self) -> str:
        """The name by which tests ask for it."""
        return self._decisions.name

    @property
    def replies(self) -> Replies:
        """Its replies by condition: `mailnet.gmail.replies.user_unknown`."""
        return Replies(self._decisions.phrasebook)

    def enforce(self, *rules: RuleName) -> None:
        """Turn on rules that are off in a fresh net.

        Args:
            rules: names of rules, "greylisting", or of their families, "authentication".

        Raises:
            UnknownName: if the provider has no such rule; names the near misses.
            InvalidSetting: without a name, or for one that turns nothing on.
        """
        self._decisions.policy.enforce(*rules)

    def enforce_all(self) -> None:
        """Turn on every rule of the provider.

        Raises:
            InvalidSetting: if all its rules are on in a fresh net.
        """
        self._decisions.policy.enforce(EVERYTHING)

    def on_connect(self, match: Match | None = None, *, sender: Sender | str | None = None) -> Expectation:
        """Answer a connection in place of the banner. A glob is compared with the client's address.

        Args:
            match: see `on_rcpt`.
            sender: see `on_rcpt`.
        """
        return self._on(Stage.CONNECT, match, sender)

    def on_ehlo(self, match: Match | None = None, *, sender: Sender | str | None = None) -> Expectation:
        """Answer EHLO and HELO. A glob is compared with the name that the client gives there.

        Args:
            match: see `on_rcpt`.
            sender: see `on_rcpt`.
        """
        return self._on(Stage.EHLO, match, sender)

    def on_starttls(self, match: Match | None = None, *, sender: Sender | str | None = None) -> Expectation:
        """Answer STARTTLS. A glob is compared with the name that the client gave in EHLO.

        Args:
            match: see `on_rcpt`.
            sender: see `on_rcpt`.
        """
        return self._on(Stage.STARTTLS, match, sender)

    def on_auth(self, match: Match | None = None, *, sender: Sender | str | None = None) -> Expectation:
        """Answer a log-in once its credentials have come. A glob is compared with the user's name.

        Args:
            match: see `on_rcpt`.
            sender: see `on_rcpt`.
        """
        return self._on(Stage.AUTH, match, sender)

    def on_mail(self, match: Match | None = None, *, sender: Sender | str | None = None) -> Expectation:
        """Answer MAIL. A glob is compared with the reverse-path, "" for the null sender.

        Args:
            match: see `on_rcpt`.
            sender: see `on_rcpt`.
        """
        return self._on(Stage.MAIL, match, sender)

    def on_rcpt(self, match: Match | None = None, *, sender: Sender | str | None = None) -> Expectation:
        """Answer RCPT. A glob is compared with the recipient.

        Args:
            match: which commands to answer: a glob ("sales@*"), or a function that is called with the `Step`
                and returns whether it matches; None for all.
            sender: whose commands to answer: a `Sender`, a glob for the client's IP address, or a glob with
                an @ for the reverse-path; None for everybody's.

        Returns:
            The answer, which says nothing yet: `.reply("550 5.1.1 No such user")` gives it its reply.
        """
        return self._on(Stage.RCPT, match, sender)

    def on_data(self, match: Match | None = None, *, sender: Sender | str | None = None) -> Expectation:
        """Answer DATA. A glob is compared with each recipient.

        Args:
            match: see `on_rcpt`.
            sender: see `on_rcpt`.
        """
        return self._on(Stage.DATA, match, sender)

    def on_message(self, match: Match | None = None, *, sender: Sender | str | None = None) -> Expectation:
        """Answer after the final dot. A glob is compared with each recipient.

        Args:
            match: see `on_rcpt`.
            sender: see `on_rcpt`.
        """
        return self._on(Stage.MESSAGE, match, sender)

    def on_command(self, verb: str, *, sender: Sender | str | None = None) -> Expectation:
        """Answer a command that belongs to no step of a delivery: "NOOP", "RSET", "QUIT", "VRFY", "XCLIENT".

        Args:
            verb: the command's first word.
            sender: see `on_rcpt`.

        Raises:
            InvalidSetting: if that is no verb, or one that has a method of its own, such as `on_rcpt`.
        """
        return self._on(aside_stage(self.name, verb), verb.upper(), sender)

    def _on(self, stage: Stage, match: Match | None, sender: Sender | str | None) -> Expectation:
        from pytest_mailnet.scripting.expectation import Expectation  # noqa: PLC0415  # many tests script nothing

        expectation = Expectation(self.name, stage, match, sender, VARIABLES)
        self._decisions.script.add(expectation)
        return expectation
