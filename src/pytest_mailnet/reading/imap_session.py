"""The commands that are about the IMAP session itself: capabilities, TLS, log-in, its end."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from pytest_mailnet.reading.imap_command import Done
from pytest_mailnet.smtp.sasl import CLIENT_FIRST, MECHANISMS, Credentials, Malformed
from pytest_mailnet.smtp.state import HangUp
from pytest_mailnet.values import Stage

if TYPE_CHECKING:
    from pytest_mailnet.imap.command_arguments import Arguments
    from pytest_mailnet.reading.imap_dialogue import ImapDialogue
    from pytest_mailnet.smtp.sasl import SaslExchange

__all__ = ["authenticate", "capability", "enable", "identify", "idle", "login", "logout", "noop", "starttls"]


def capability(dialogue: ImapDialogue, arguments: Arguments) -> Done:
    """CAPABILITY (RFC 3501, 6.1.1)."""
    arguments.end()
    return Done(dialogue.host.words("capability_ok"), [capability_line(dialogue)])


def capability_line(dialogue: ImapDialogue) -> bytes:
    """What the server can do now, as an untagged response."""
    able = dialogue.host.capabilities(dialogue.step)
    return f"* CAPABILITY {' '.join(able)}\r\n".encode()


def noop(dialogue: ImapDialogue, arguments: Arguments) -> Done:
    """NOOP and CHECK (RFC 3501, 6.1.2 and 6.4.1): the news come before every tagged response."""
    arguments.end()
    return Done(dialogue.host.words("noop_ok" if dialogue.step.verb == "NOOP" else "check_ok"))


def logout(dialogue: ImapDialogue, arguments: Arguments) -> Done:
    """LOGOUT (RFC 3501, 6.1.3)."""
    arguments.end()
    dialogue.select(None)
    bye = dialogue.host.words("logout_bye").line(dialogue.value_of)
    return Done(dialogue.host.words("logout_ok").closing(), [bye])


def identify(dialogue: ImapDialogue, arguments: Arguments) -> Done:
    """ID (RFC 2971); what the client says of itself is in the record."""
    arguments.space()
    if not arguments.follows("NIL"):
        arguments.list_of(arguments.nstring)
    arguments.end()
    return Done(dialogue.host.words("id_ok"), [dialogue.line("id") + b"\r\n"])


def enable(dialogue: ImapDialogue, arguments: Arguments) -> Done:
    """ENABLE (RFC 5161)."""
    asked = []
    while not arguments.at_end():
        arguments.space()
        asked.append(arguments.keyword())
    able = dialogue.host.capabilities(dialogue.step)
    enabled = [it for it in asked if it in able and it in _CAN_BE_ENABLED]
    dialogue.utf8 = dialogue.utf8 or "UTF8=ACCEPT" in enabled
    return Done(dialogue.host.words("enable_ok"), [f"{' '.join(['* ENABLED', *enabled])}\r\n".encode()])


_CAN_BE_ENABLED = {"UTF8=ACCEPT"}


def starttls(dialogue: ImapDialogue, arguments: Arguments) -> Done:
    """STARTTLS (RFC 3501, 6.2.1)."""
    arguments.end()
    dialogue.starting_tls = True
    return Done(dialogue.host.words("starttls_ok"))


def login(dialogue: ImapDialogue, arguments: Arguments) -> Done:
    """LOGIN (RFC 3501, 6.2.3)."""
    arguments.space()
    user = arguments.astring().decode("utf-8", "backslashreplace")
    arguments.space()
    password = arguments.astring().decode("utf-8", "backslashreplace")
    arguments.end()
    if "LOGINDISABLED" in dialogue.host.capabilities(dialogue.step):
        return Done(dialogue.host.words("login_needs_tls"))
    return _decided(dialogue, Credentials("LOGIN", user, password))


def authenticate(dialogue: ImapDialogue, arguments: Arguments) -> Done:
    """AUTHENTICATE (RFC 3501, 6.2.2), with an initial response (RFC 4959)."""
    arguments.space()
    name = arguments.keyword()
    initial = arguments.atom().encode() if arguments.follows(" ") else b""
    arguments.end()
    if name not in MECHANISMS or name not in dialogue.host.mechanisms(dialogue.step):
        return Done(dialogue.host.words("mechanism_unknown"))
    if initial and name not in CLIENT_FIRST:
        return Done(dialogue.host.words("bad_command"))
    return _Authentication(dialogue, name).begin(initial)


def _decided(dialogue: ImapDialogue, credentials: Credentials) -> Done:
    answer = dialogue.log_in(credentials)
    agreed = not isinstance(answer, HangUp) and answer.positive
    told = agreed and dialogue.host.line("capabilities_at_login")
    return Done(answer, [capability_line(dialogue)] if told else [])


class _Authentication:
    """One SASL exchange."""

    def __init__(self, dialogue: ImapDialogue, name: str) -> None:
        self._dialogue = dialogue
        challenge = dialogue.value_of("challenge").encode()
        self._exchange: SaslExchange = MECHANISMS[name](challenge)

    def begin(self, initial: bytes) -> Done:
        challenge = next(self._exchange)
        if not initial:
            return self._asked(challenge)
        return self._go_on(b"" if initial == b"=" else initial)

    def _take(self, line: bytes) -> bytes:
        response = line.rstrip(b"\r\n")
        if response == b"*":
            done = Done(self._dialogue.host.words("auth_cancelled"))
        else:
            done = self._go_on(response)
        return self._dialogue.finish(Stage.AUTH, line, done)

    def _go_on(self, encoded: bytes) -> Done:
        host = self._dialogue.host
        try:
            challenge = self._exchange.send(base64.b64decode(encoded, validate=True))
        except StopIteration as stop:
            return self._decide(stop.value)
        except (binascii.Error, Malformed):
            return Done(host.words("auth_malformed"))
        return self._asked(challenge)

    def _asked(self, challenge: bytes) -> Done:
        self._dialogue.response_to = self._take
        return Done(None, [b"+ " + base64.b64encode(challenge) + b"\r\n"])

    def _decide(self, credentials: Credentials) -> Done:
        dialogue = self._dialogue
        done = _decided(dialogue, credentials)
        why = dialogue.host.line("token_challenge")
        if done.answer is None or isinstance(done.answer, HangUp) or done.answer.positive or not why:
            return done
        if not credentials.by_token:
            return done

        def take(line: bytes) -> bytes:
            return dialogue.finish(Stage.AUTH, line, done)

        # What is wrong with a token is said in a challenge, to which the client responds with nothing.
        dialogue.response_to = take
        return Done(None, [b"+ " + base64.b64encode(why.encode()) + b"\r\n"])


def idle(dialogue: ImapDialogue, arguments: Arguments) -> Done:
    """IDLE (RFC 2177): news come at once, until the client says DONE."""
    arguments.end()
    news = b"".join(dialogue.news())

    def tell() -> bytes:
        return dialogue.told_idle()

    def take(line: bytes) -> bytes:
        done = line.strip().upper() == b"DONE"
        return dialogue.finish(
            Stage.IDLE, line, Done(dialogue.host.words("idle_ok" if done else "bad_command"))
        )

    dialogue.response_to = take
    if dialogue.view is not None:
        dialogue.view.watch(lambda: dialogue.push(tell))
    return Done(None, [dialogue.line("idling") + b"\r\n", news])
