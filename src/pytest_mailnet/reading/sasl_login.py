"""A SASL exchange in a conversation that reads mail: challenges, responses, and the answer (RFC 4422, 4)."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, TypeAlias

from pytest_mailnet.smtp.sasl import MECHANISMS, Credentials, Malformed
from pytest_mailnet.smtp.state import HangUp

if TYPE_CHECKING:
    from pytest_mailnet.reading.conversation import ReadingDialogue
    from pytest_mailnet.reading.response import Response
    from pytest_mailnet.smtp.sasl import SaslExchange

__all__ = ["Outcome", "SaslLogin"]

Outcome: TypeAlias = "Response | HangUp | bytes"
"""The answer that ends an exchange, or the line of a challenge."""


class SaslLogin:
    """One SASL exchange.

    Args:
        conversation: in which it is held.
        mechanism: a name of `MECHANISMS`.
    """

    def __init__(self, conversation: ReadingDialogue, mechanism: str) -> None:
        self._conversation = conversation
        challenge = conversation.value_of("challenge").encode()
        self._exchange: SaslExchange = MECHANISMS[mechanism](challenge)
        self._refuse: Response | None = None

    def begin(self, initial: bytes) -> Outcome:
        """Begin the exchange.

        Args:
            initial: the initial response, in base64; "=" is one of no length, b"" none (RFC 5034, 4).
        """
        challenge = next(self._exchange)
        if not initial:
            return _line(challenge)
        return self._go_on(b"" if initial == b"=" else initial)

    def respond(self, line: bytes) -> Outcome:
        """Go on with what the client says to a challenge.

        Args:
            line: what came, line end included.
        """
        if self._refuse is not None:
            step = self._conversation.step
            step.details, step.finding = self._details, self._finding
            return self._refuse
        response = line.rstrip(b"\r\n")
        if response == b"*":
            return self._conversation.host.words("auth_cancelled")
        return self._go_on(response)

    def _go_on(self, encoded: bytes) -> Outcome:
        try:
            challenge = self._exchange.send(base64.b64decode(encoded, validate=True))
        except StopIteration as stop:
            return self._decide(stop.value)
        except (binascii.Error, Malformed):
            return self._conversation.host.words("auth_malformed")
        return _line(challenge)

    def _decide(self, credentials: Credentials) -> Outcome:
        conversation = self._conversation
        answer = conversation.log_in(credentials)
        why = conversation.host.line("token_challenge")
        if isinstance(answer, HangUp) or answer.positive or not (why and credentials.by_token):
            return answer
        # What is wrong with a token is said in a challenge, to which the client responds with nothing.
        self._refuse = answer
        self._details, self._finding = conversation.step.details, conversation.step.finding
        return _line(why.encode())


def _line(challenge: bytes) -> bytes:
    return b"+ " + base64.b64encode(challenge) + b"\r\n"
