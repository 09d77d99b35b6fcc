"""STARTTLS (RFC 3207), and the way to AUTH (RFC 4954).

Each function has the signature and the arguments of `commands.CommandFunction`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_mailnet.smtp.paths import CommandError
from pytest_mailnet.smtp.state import agreed
from pytest_mailnet.values import Stage

if TYPE_CHECKING:
    from pytest_mailnet.smtp.dialogue import Dialogue

__all__ = ["auth", "starttls"]


def starttls(dialogue: Dialogue, line: bytes, argument: str) -> bytes:
    """Agree to a TLS handshake; the client's next bytes belong to it."""
    step = dialogue.step
    if step.tls:
        raise CommandError("starttls_repeated")
    if "STARTTLS" not in dialogue.offered.keywords:
        begun = step.helo or "STARTTLS" not in dialogue.offer.keywords
        return dialogue.unknown(line, "starttls_not_offered" if begun else "starttls_before_ehlo")
    if argument:
        raise CommandError("starttls_with_parameters")
    if not step.helo and "STARTTLS" in dialogue.manners.hello_first:
        raise CommandError("starttls_before_ehlo")
    answer = dialogue.decide(Stage.STARTTLS)
    dialogue.starting_tls = agreed(answer)
    return dialogue.answer(Stage.STARTTLS, line, answer, "ok_starttls")


def auth(dialogue: Dialogue, line: bytes, argument: str) -> bytes:
    """Begin a SASL exchange by the mechanism that the client names."""
    from pytest_mailnet.smtp import log_in  # noqa: PLC0415  # few tests log in

    return log_in.auth(dialogue, line, argument)
