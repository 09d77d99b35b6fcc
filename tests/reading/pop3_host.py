"""A POP3 session without a socket, at a host whose words and decisions a test lays out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from pytest_mailnet.mailboxes.shelf import PLAIN
from pytest_mailnet.mailboxes.shelves import Shelves
from pytest_mailnet.reading.pop3_dialogue import Pop3Dialogue
from pytest_mailnet.reading.response import Response
from pytest_mailnet.record.journal import Journal
from pytest_mailnet.record.session import Message
from pytest_mailnet.smtp.sasl import Credentials
from pytest_mailnet.smtp.state import HangUp, Step
from pytest_mailnet.values import Endpoint, Envelope, Stage

CLIENT = Endpoint("203.0.113.7", 40000)
SERVER = Endpoint("192.0.2.27", 110)

# Where RFC 1939, RFC 2449 or RFC 2595 has an example, the words are those of the example.
WORDS = {
    "greeting": "+OK {server} POP3 server ready",
    "capa_ok": "+OK Capability list follows",
    "stls_ok": "+OK Begin TLS negotiation",
    "tls_active": "-ERR Command not permitted when TLS active",
    "login_needs_tls": "-ERR Log in over TLS only",
    "user_ok": "+OK Name is a valid mailbox",
    "user_first": "-ERR USER comes first",
    "login_ok": "+OK {user}'s maildrop has {count} messages ({octets} octets)",
    "authentication_failed": "-ERR [AUTH] Authentication failed",
    "auth_list_ok": "+OK Mechanisms follow",
    "auth_cancelled": "-ERR Authentication cancelled",
    "auth_malformed": "-ERR Invalid response",
    "mechanism_unknown": "-ERR Unsupported mechanism",
    "utf8_ok": "+OK UTF8 enabled",
    "stat_ok": "+OK {count} {octets}",
    "list_ok": "+OK {count} messages ({octets} octets)",
    "list_one_ok": "+OK {number} {size}",
    "uidl_ok": "+OK",
    "uidl_one_ok": "+OK {number} {uid}",
    "retr_ok": "+OK {size} octets",
    "top_ok": "+OK",
    "dele_ok": "+OK message {number} deleted",
    "rset_ok": "+OK maildrop has {count} messages ({octets} octets)",
    "noop_ok": "+OK",
    "quit_ok": "+OK {server} POP3 server signing off",
    "no_such_message": "-ERR no such message, only {count} messages in maildrop",
    "message_deleted": "-ERR message {number} already deleted",
    "command_unknown": "-ERR Unknown command {command}",
    "wrong_state": "-ERR {command} is not valid in this state",
    "bad_argument": "-ERR Wrong argument of {command}",
    "line_too_long": "-ERR Line too long",
    "local_error": "-ERR [SYS/TEMP] Internal error",
}


class Pop3Host:
    """A host at which alice logs in with "secret", or with the token "good"."""

    hostname = "dbc.mtview.ca.us"
    idle_seconds = 600

    def __init__(self, shelves: Shelves) -> None:
        self._shelves = shelves
        self.spoken = dict(WORDS)
        self.lines: dict[str, str] = {}
        self.able = ["USER", "TOP", "UIDL", "UTF8", "STLS", "SASL PLAIN LOGIN XOAUTH2 OAUTHBEARER"]
        self.sasl: tuple[str, ...] = ("PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2", "OAUTHBEARER")
        self.answers: dict[str, Response | HangUp | Callable[[Step], Response | HangUp | None]] = {}
        self.failures: list[tuple[Stage | None, Exception]] = []

    def capabilities(self, step: Step) -> tuple[str, ...]:
        return tuple(it for it in self.able if it != "STLS" or not step.tls)

    def mechanisms(self, step: Step) -> tuple[str, ...]:
        return self.sasl

    def words(self, condition: str) -> Response:
        return Response.parse(self.spoken[condition], pop3=True)

    def line(self, name: str) -> str:
        return self.lines.get(name, "")

    def decide(self, stage: Stage, step: Step) -> Response | HangUp | None:
        """The answer to a command or, in lower case, at a stage."""
        answer = self.answers.get(step.verb if stage is Stage.OTHER else str(stage))
        return answer(step) if callable(answer) else answer

    def objection(self, credentials: Credentials, step: Step) -> str | None:
        secret = "good" if credentials.by_token else "secret"
        known = credentials.identity == "alice" and credentials.proves([secret])
        return None if known else "authentication_failed"

    def refusal(self, step: Step) -> str | None:
        return None

    def note_download(self, step: Step, octets: int) -> None:
        """Count nothing."""

    def opened(self, shut_down: Callable[[], object]) -> Callable[[], object]:
        return bool

    def shelves_of(self, identity: str) -> Shelves:
        return self._shelves

    def user_of(self, identity: str) -> str:
        return f"{identity}@shop.example"

    def now(self) -> datetime:
        return datetime(2026, 11, 29, tzinfo=UTC)

    def value_of(self, step: Step, variable: str) -> str:
        user = step.authenticated_as or ""
        usual = {"server": self.hostname, "user": user, "challenge": "<1@dbc.mtview.ca.us>"}
        return {**usual, **step.details}[variable]

    def failed(self, error: Exception, stage: Stage | None, step: Step, told: str | None = None) -> None:
        self.failures.append((stage, error))


class Pop3Talk:
    """A session without a socket, with mails in the INBOX.

    Attributes:
        inbox: the messages there.
        greeting: what the server said first; None while it has said nothing.
    """

    def __init__(self, *contents: bytes, trace: bytes = b"") -> None:
        self.inbox: list[Message] = []
        self.shelves = Shelves(PLAIN, self.inbox, [])
        self.host = Pop3Host(self.shelves)
        self._trace = trace
        self.open()
        for content in contents:
            self.arrive(content)

    def open(self) -> None:
        """Begin a session, the first or another."""
        journal = Journal()
        self.session = journal.open_session(CLIENT, SERVER, self.host.hostname, "shop")
        self.step = Step(self.session, CLIENT, SERVER, self.host.hostname)
        self.dialogue = Pop3Dialogue(self.host, self.step, journal)

    def arrive(self, content: bytes) -> None:
        """Have a mail come."""
        envelope = Envelope("bob@b.example", ("alice@shop.example",))
        self.inbox.append(Message(envelope, content, self.session, self.host.now(), "shop", self._trace))

    def say(self, *lines: str) -> bytes:
        """Say each line, and return the reply to the last."""
        return [self.dialogue.command(f"{line}\r\n".encode()) for line in lines][-1]

    def log_in(self) -> bytes:
        """Greet, and log in as alice."""
        self.dialogue.greet()
        return self.say("USER alice", "PASS secret")
