"""What a submission server wants of its users (RFC 6409): TLS, a log-in, and an address of their own."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from pytest_mailnet.mailboxes.account import lacks_app_password, objection, owns
from pytest_mailnet.rules.rule import Condition, Refusal, RefusingRule, RuleContext
from pytest_mailnet.smtp.headers import addresses_of, domain_of
from pytest_mailnet.values import Stage

if TYPE_CHECKING:
    from pytest_mailnet.mailboxes.account import Account
    from pytest_mailnet.smtp.sasl import Credentials
    from pytest_mailnet.smtp.state import Step

__all__ = [
    "AppPasswordRequired",
    "LoginRequired",
    "PasswordsDisabled",
    "PipelinedAfterStarttls",
    "SenderNotOwned",
    "TlsRequired",
    "WrongCredentials",
]

_AFTER_EHLO = frozenset({Stage.AUTH, Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.MESSAGE})


class TlsRequired(RefusingRule):
    """Refuses commands over a connection without TLS."""

    stages: ClassVar[frozenset[Stage]] = _AFTER_EHLO

    stage: Stage = Stage.MAIL
    reply: Condition = "starttls_required"

    def decide(self, step: Step, context: RuleContext) -> Refusal | None:  # noqa: ARG002
        return None if step.tls else Refusal(self.reply, "the connection is not encrypted")


class LoginRequired(RefusingRule):
    """Refuses mail of clients that have not logged in, and are in no network that the provider trusts."""

    stages: ClassVar[frozenset[Stage]] = _AFTER_EHLO - {Stage.AUTH}

    stage: Stage = Stage.MAIL
    reply: Condition = "auth_required"

    def decide(self, step: Step, context: RuleContext) -> Refusal | None:
        if step.authenticated_as is not None or context.trusts(step.client.ip):
            return None
        return Refusal(self.reply, f"nobody has logged in, and {step.client.ip} is not trusted")


class PipelinedAfterStarttls(RefusingRule):
    """Refuses a handshake if commands in the clear followed STARTTLS (CVE-2011-0411)."""

    stages: ClassVar[frozenset[Stage]] = frozenset({Stage.STARTTLS})

    stage: Stage = Stage.STARTTLS
    reply: Condition = "pipelining_after_starttls"

    def decide(self, step: Step, context: RuleContext) -> Refusal | None:  # noqa: ARG002
        return Refusal(self.reply, "more came behind STARTTLS") if step.pipelined else None


class _OfCredentials(RefusingRule):
    """Refuses a log-in."""

    stages: ClassVar[frozenset[Stage]] = frozenset({Stage.AUTH})

    stage: Stage = Stage.AUTH
    reply: Condition = "bad_credentials"

    def decide(self, step: Step, context: RuleContext) -> Refusal | None:
        assert step.credentials is not None
        account = context.account_of(step.credentials.identity)
        why = self._objection(step.credentials, account)
        return None if why is None else Refusal(self.reply, why)

    @abstractmethod
    def _objection(self, credentials: Credentials, account: Account | None) -> str | None:
        """What is wrong with a log-in; None for nothing."""


class WrongCredentials(_OfCredentials):
    """Refuses unknown users, wrong passwords, and tokens that are unknown or have expired."""

    def _objection(self, credentials: Credentials, account: Account | None) -> str | None:
        if account is None:
            return f"there is no account {credentials.identity!r}"
        if credentials.authorisation and not owns(account, credentials.authorisation):
            return f"{account.address} may not act as {credentials.authorisation}"
        return objection(account, credentials)


class AppPasswordRequired(_OfCredentials):
    """Refuses the right password of a user with two-step verification: `account.two_step = True`."""

    reply: Condition = "app_password_required"

    def _objection(self, credentials: Credentials, account: Account | None) -> str | None:
        if account is None or not lacks_app_password(account, credentials):
            return None
        return f"{account.address} has two-step verification, and that is not an app password"


class PasswordsDisabled(_OfCredentials):
    """Refuses all passwords, and takes only tokens."""

    reply: Condition = "basic_auth_disabled"

    def _objection(self, credentials: Credentials, account: Account | None) -> str | None:  # noqa: ARG002
        return None if credentials.by_token else f"{credentials.mechanism} sends a password, not a token"


class SenderNotOwned(RefusingRule):
    """Refuses senders that are not the user's own address or an alias of it.

    Attributes:
        author: whether the addresses in From count too; only after the dot.
        same_domain: whether other addresses in the domain of the user's own are taken.
    """

    stages: ClassVar[frozenset[Stage]] = frozenset({Stage.MAIL, Stage.RCPT, Stage.MESSAGE})

    stage: Stage = Stage.MAIL
    author: bool = False
    same_domain: bool = False
    reply: Condition = "from_not_owned"

    def decide(self, step: Step, context: RuleContext) -> Refusal | None:
        account = context.account_of(step.authenticated_as or "")
        if account is None:
            return None
        named = [step.reverse_path] if step.reverse_path else []
        if self.author:
            fields = (value for name, value in step.header_fields if name == "from")
            named += [address for value in fields for address in addresses_of(value)]
        for address in named:
            if self.same_domain and domain_of(address) == domain_of(account.address):
                continue
            if not owns(account, address):
                why = f"{address} is neither {account.address} nor an alias of it"
                return Refusal(
                    self.reply,
                    why,
                    {"user": account.address, "sender": address, "domain": domain_of(address)},
                )
        return None
