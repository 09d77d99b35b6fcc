"""AUTH (RFC 4954): one exchange of challenges and responses, and the service's answer to the credentials."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from pytest_mailnet.record.session import note
from pytest_mailnet.smtp.parameters import offer_of
from pytest_mailnet.smtp.paths import CommandError
from pytest_mailnet.smtp.sasl import CLIENT_FIRST, MECHANISMS, PROMPTS, Credentials, Malformed
from pytest_mailnet.smtp.state import agreed
from pytest_mailnet.values import Reply, Stage

if TYPE_CHECKING:
    from pytest_mailnet.smtp.dialogue import Dialogue
    from pytest_mailnet.smtp.sasl import SaslExchange
    from pytest_mailnet.smtp.service import Answer

__all__ = ["auth"]

# Providers ask for the two parts of LOGIN in words of their own, from their phrasebooks.
_PROMPTS = dict(zip(PROMPTS, ("login_username_prompt", "login_password_prompt"), strict=True))


def auth(dialogue: Dialogue, line: bytes, argument: str) -> bytes:
    """Begin a SASL exchange by the mechanism that the client names."""
    step = dialogue.step
    if not step.helo and "AUTH" in dialogue.manners.hello_first:
        raise CommandError("helo_required")
    offer = dialogue.offered
    if "AUTH" not in offer.keywords:
        if step.tls or "AUTH" not in _after_tls(dialogue):
            return dialogue.unknown(line, "auth_not_enabled")
        raise CommandError("auth_needs_tls")
    if step.authenticated_as is not None:
        raise CommandError("auth_twice")
    if step.reverse_path is not None:
        raise CommandError("auth_in_transaction")
    name, _, initial = argument.partition(" ")
    if not name:
        raise CommandError("auth_syntax")
    name = name.upper()
    if name not in MECHANISMS or name not in offer.mechanisms:
        raise CommandError("auth_mechanism_unknown")
    if initial and name not in CLIENT_FIRST:
        raise CommandError("auth_initial_response_not_permitted")
    return _Authentication(dialogue, name).begin(line, initial.strip())


def _after_tls(dialogue: Dialogue) -> frozenset[str]:
    step = dialogue.step
    step.tls = True
    try:
        return offer_of(dialogue.service.extension_lines(step) or ()).keywords
    finally:
        step.tls = False


class _Authentication:
    """One AUTH exchange: challenges, responses, and the service's answer to the credentials."""

    def __init__(self, dialogue: Dialogue, name: str) -> None:
        self._dialogue = dialogue
        challenge = dialogue.service.value_of(dialogue.step, "challenge").encode()
        self._exchange: SaslExchange = MECHANISMS[name](challenge)

    def begin(self, line: bytes, initial: str) -> bytes:
        challenge = next(self._exchange)
        if initial:
            # "=" is an initial response of no length (RFC 4954, 4).
            return self._go_on(line, b"" if initial == "=" else initial.encode())
        return self._ask(line, challenge)

    def _take(self, line: bytes) -> bytes:
        response = line.rstrip(b"\r\n")
        if response == b"*":
            return self._end(line, "auth_cancelled")
        return self._go_on(line, response)

    def _go_on(self, line: bytes, encoded: bytes) -> bytes:
        try:
            response = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            return self._end(line, "auth_bad_base64")
        try:
            challenge = self._exchange.send(response)
        except StopIteration as stop:
            return self._decide(line, stop.value)
        except Malformed:
            return self._end(line, "auth_malformed")
        return self._ask(line, challenge)

    def _ask(self, line: bytes, challenge: bytes) -> bytes:
        self._dialogue.response_to = self._take
        if challenge in _PROMPTS:
            return self._dialogue.say(line, _PROMPTS[challenge], Stage.AUTH)
        reply = Reply(334, (base64.b64encode(challenge).decode(),))
        return self._dialogue.answer(Stage.AUTH, line, reply, "")

    def _decide(self, line: bytes, credentials: Credentials) -> bytes:
        dialogue, step = self._dialogue, self._dialogue.step
        step.credentials = credentials
        answer = dialogue.decide(Stage.AUTH)
        if agreed(answer):
            step.authenticated_as = dialogue.service.user_of(credentials.identity)
            note(step.session, user=step.authenticated_as)
        elif credentials.by_token and dialogue.service.challenges_tokens:
            return self._explain(line, answer)
        return self._finish(line, answer)

    def _explain(self, line: bytes, answer: Answer) -> bytes:
        """Refuse a token by a challenge in JSON, and after the client's empty response by a reply."""
        dialogue, step = self._dialogue, self._dialogue.step
        details, finding = step.details, step.finding

        def take(response: bytes) -> bytes:
            step.details, step.finding = details, finding
            return self._finish(response, answer)

        said = dialogue.say(line, "xoauth2_error_challenge", Stage.AUTH)
        dialogue.response_to = take
        return said

    def _finish(self, line: bytes, answer: Answer) -> bytes:
        self._dialogue.response_to = None
        return self._dialogue.answer(Stage.AUTH, line, answer, "auth_ok")

    def _end(self, line: bytes, condition: str) -> bytes:
        self._dialogue.response_to = None
        return self._dialogue.say(line, condition, Stage.AUTH)
