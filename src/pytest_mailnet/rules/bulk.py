"""What large providers have required of bulk senders since 2024 and 2025.

A domain, taken from the author's address, becomes a bulk sender with the mail that exceeds `threshold`
within a day, and stays one. A test that does not send so many sets `mailnet.sender.bulk = True`.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from pytest_mailnet.rules.auth import authentication_of
from pytest_mailnet.rules.authentication import told
from pytest_mailnet.rules.counting import Windows
from pytest_mailnet.rules.rule import Condition, Refusal, RefusingRule, RuleContext, When
from pytest_mailnet.values import Stage

if TYPE_CHECKING:
    from pytest_mailnet.rules.auth.results import Authentication
    from pytest_mailnet.smtp.state import Step

__all__ = [
    "BulkNotAuthenticated",
    "BulkVolume",
    "BulkWithoutDkim",
    "BulkWithoutDmarc",
    "BulkWithoutSpf",
    "BulkWithoutTls",
    "BulkWithoutUnsubscribe",
]

_DAY = 86400
_THRESHOLD = 5000


class _Volumes:
    """How much each domain has sent today, and which ones have been bulk senders ever since."""

    def __init__(self) -> None:
        self.today = Windows(_DAY)
        self.bulk: set[str] = set()


class _OfBulk(RefusingRule):
    """Refuses mail of bulk senders that lack something.

    The reply can tell {domain}.

    Attributes:
        threshold: how many messages a day make a bulk sender.
    """

    stages: ClassVar[frozenset[Stage]] = frozenset({Stage.MESSAGE})

    stage: Stage = Stage.MESSAGE
    when: When = When.PUBLISHED
    threshold: int = _THRESHOLD

    def decide(self, step: Step, context: RuleContext) -> Refusal | None:
        found = authentication_of(step, context)
        if not self._is_bulk(found.author, step, context):
            return None
        why = self._lack(found, step)
        if why is None:
            return None
        return Refusal(self.reply, f"{found.author}, a bulk sender: {why}", self._details(found))

    @abstractmethod
    def _lack(self, found: Authentication, step: Step) -> str | None:
        """What a mail lacks, None for nothing."""

    def _details(self, found: Authentication) -> dict[str, str]:
        return {"domain": found.author}

    def _is_bulk(self, author: str, step: Step, context: RuleContext) -> bool:
        # Once a mail, by whichever of these rules is asked first.
        asked = "bulk", self.threshold
        if asked not in step.results:
            by_threshold: dict[int, _Volumes] = context.memory(_OfBulk, dict)
            volumes = by_threshold.setdefault(self.threshold, _Volumes())
            if volumes.today.count(author, context.clock.time()) > self.threshold:
                volumes.bulk.add(author)
            sender = context.sender_at(step.client.ip)
            step.results[asked] = author in volumes.bulk or (sender is not None and sender.bulk)
        return bool(step.results[asked])


class BulkWithoutTls(_OfBulk):
    """Refuses mail of bulk senders that comes without TLS."""

    reply: Condition = "bulk_sender_no_tls"

    def _lack(self, found: Authentication, step: Step) -> str | None:  # noqa: ARG002
        return None if step.tls else "the connection has no TLS"


class BulkWithoutSpf(_OfBulk):
    """Refuses mail of bulk senders for which SPF does not pass."""

    reply: Condition = "bulk_sender_spf_failed"

    def _lack(self, found: Authentication, step: Step) -> str | None:  # noqa: ARG002
        return None if found.spf.result == "pass" else told(found)


class BulkWithoutDkim(_OfBulk):
    """Refuses mail of bulk senders without a signature that verifies."""

    reply: Condition = "bulk_sender_dkim_failed"

    def _lack(self, found: Authentication, step: Step) -> str | None:  # noqa: ARG002
        return None if found.dkim == "pass" else told(found)


class BulkWithoutDmarc(_OfBulk):
    """Refuses mail of bulk senders whose domain has no DMARC record; p=none is enough."""

    reply: Condition = "bulk_sender_no_dmarc"

    def _lack(self, found: Authentication, step: Step) -> str | None:  # noqa: ARG002
        return "its domain has no DMARC record" if found.dmarc.result in ("none", "permerror") else None


class BulkWithoutUnsubscribe(_OfBulk):
    """Refuses mail of bulk senders that offers no one-click unsubscription (RFC 8058, 3.1)."""

    def _lack(self, found: Authentication, step: Step) -> str | None:  # noqa: ARG002
        fields = dict(step.header_fields)
        if "<https:" not in fields.get("list-unsubscribe", "").lower():
            return "there is no List-Unsubscribe with an https URI"
        if fields.get("list-unsubscribe-post", "").replace(" ", "") != "List-Unsubscribe=One-Click":
            return "there is no List-Unsubscribe-Post: List-Unsubscribe=One-Click"
        return None


class BulkNotAuthenticated(_OfBulk):
    """Refuses mail of bulk senders unless SPF, DKIM and DMARC all pass.

    The reply can tell {spf_result}, {dkim_result} and {dmarc_result}, "Pass" or "Fail".
    """

    reply: Condition = "bulk_sender_auth_failed"

    def _lack(self, found: Authentication, step: Step) -> str | None:  # noqa: ARG002
        passed = found.spf.result == found.dkim == found.dmarc.result == "pass"
        return None if passed else told(found)

    def _details(self, found: Authentication) -> dict[str, str]:
        return {
            "domain": found.author,
            "spf_result": _in_words(found.spf.result),
            "dkim_result": _in_words(found.dkim),
            "dmarc_result": _in_words(found.dmarc.result),
        }


class BulkVolume(RefusingRule):
    """Defers mail of domains, by the author's address, that have reached their daily limit.

    The reply can tell {domain}, {count} and {limit}.

    Attributes:
        limit: how many messages a day.
    """

    stages: ClassVar[frozenset[Stage]] = frozenset({Stage.MESSAGE})

    stage: Stage = Stage.MESSAGE
    when: When = When.PUBLISHED
    limit: int
    reply: Condition = "rate_limited_generic"

    def decide(self, step: Step, context: RuleContext) -> Refusal | None:
        author = authentication_of(step, context).author
        windows = context.memory(self, lambda: Windows(_DAY))
        count = windows.count(author, context.clock.time())
        if count <= self.limit:
            return None
        why = f"message {count} of {author} within a day, where {self.limit} are taken"
        return Refusal(self.reply, why, {"domain": author, "count": str(count), "limit": str(self.limit)})


def _in_words(result: str) -> str:
    return "Pass" if result == "pass" else "Fail"
