"""The commands that are about the IMAP session itself: capabilities, TLS, log-in, its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_mailnet.reading.imap_dialogue import Done
from pytest_mailnet.reading.sasl_login import SaslLogin
from pytest_mailnet.smtp.sasl import CLIENT_FIRST, MECHANISMS, Credentials
from pytest_mailnet.smtp.state import HangUp
from pytest_mailnet.values import Stage

if TYPE_CHECKING:
    from pytest_mailnet.imap.command_arguments import Arguments
    from pytest_mailnet.reading.imap_dialogue import ImapDialogue
    from pytest_mailnet.reading.response import Response
    from pytest_mailnet.reading.sasl_login import Outcome

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
    return Done(dialogue.host.words("logout_ok"), [bye])


def identify(dialogue: ImapDialogue, arguments: Arguments) -> Done:
    """ID (RFC 2971); what the client says of itself is in the record."""
    arguments.space()
    if not arguments.follows("NIL"):
        arguments.list_of(arguments.nstring)
    arguments.end()
    dialogue.step.known["id"] = True
    return Done(dialogue.host.words("id_ok"), [dialogue.line("id") + b"\r\n"])


def enable(dialogue: ImapDialogue, arguments: Arguments) -> Done:
    """ENABLE (RFC 5161), of one capability or more."""
    asked: list[str] = []
    while not asked or not arguments.at_end():
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
    return _logged_in(dialogue, dialogue.log_in(Credentials("LOGIN", user, password)))


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
    login = SaslLogin(dialogue, name)

    def take(line: bytes) -> bytes:
        return dialogue.finish(Stage.AUTH, line, _went_on(dialogue, login.respond(line)))

    dialogue.response_to = take
    return _went_on(dialogue, login.begin(initial))


def _went_on(dialogue: ImapDialogue, outcome: Outcome) -> Done:
    """What comes of a SASL exchange as far as it has gone."""
    if isinstance(outcome, bytes):
        return Done(None, [outcome])
    return _logged_in(dialogue, outcome)


def _logged_in(dialogue: ImapDialogue, answer: Response | HangUp) -> Done:
    if isinstance(answer, HangUp):
        return Done(answer)
    if answer.positive:
        told = dialogue.host.line("capabilities_at_login")
        return Done(answer, [capability_line(dialogue)] if told else [])
    # There are hosts that say more in an untagged response, of the kind of [ALERT] (RFC 3501, 7.1).
    finding = dialogue.step.finding
    alert = dialogue.line(finding.rule) if finding else b""
    return Done(answer, [alert + b"\r\n"] if alert else [])


def idle(dialogue: ImapDialogue, arguments: Arguments) -> Done:
    """IDLE (RFC 2177): news come at once, until the client says DONE."""
    arguments.end()
    news = b"".join(dialogue.news())

    def take(line: bytes) -> bytes:
        done = line.strip().upper() == b"DONE"
        return dialogue.finish(
            Stage.IDLE, line, Done(dialogue.host.words("idle_ok" if done else "bad_command"))
        )

    dialogue.response_to = take
    if dialogue.view is not None:
        dialogue.view.watch(lambda: dialogue.push(dialogue.told_idle))
    return Done(None, [dialogue.line("idling") + b"\r\n", news])
