"""The face on which a test scripts answers to those who read mail: `mailnet.gmail.imap.on_login(...)`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_mailnet.errors import InvalidSetting
from pytest_mailnet.handles.attributes import steady
from pytest_mailnet.handles.snapshot import Snapshot, since
from pytest_mailnet.providers.variables import VARIABLES
from pytest_mailnet.scripting.matching import Match
from pytest_mailnet.scripting.reading_expectation import ReadingExpectation
from pytest_mailnet.values import Stage

if TYPE_CHECKING:
    from pytest_mailnet.providers.operator import Operator
    from pytest_mailnet.providers.reading_facts import ReadingServers
    from pytest_mailnet.record.session import Session

__all__ = ["ReadingAgent"]

_OF_ITSELF = ("user", "folder", "command", "problem", "session")
_INSTEAD: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("on_auth", "on_authenticate"), ".on_login('alice@*') is for all kinds of log-ins"),
        **{
            f"on_{it}": f".on_command('{it.upper()}')" for it in ("fetch", "select", "idle", "retr", "search")
        },
        "messages": "mailbox.folders has what is in each folder",
        **dict.fromkeys(("close", "stop", "hang_up", "disconnect"), ".shut_down() hangs up on all clients"),
    }
)


@steady("a server where mail is read", _INSTEAD)
class ReadingAgent:
    """The servers of a provider, or of a test's own, at which mail is read by one protocol.

    Args:
        operator: who runs them.
        servers: the facts about them.
    """

    def __init__(self, operator: Operator, servers: ReadingServers) -> None:
        self._operator, self._servers = operator, servers

    @property
    def name(self) -> str:
        """What messages call them: "gmail.imap"."""
        return self._servers.name

    @property
    def hosts(self) -> tuple[str, ...]:
        """The names of the hosts."""
        return self._servers.hosts

    @property
    def sessions(self) -> list[Session]:
        """The sessions with them; `mailnet.sessions` are those in which mail was handed in."""
        found = self._operator.sessions_of(self._servers.protocol)
        return Snapshot(found, f"{self.name}.sessions", since(f"{self.name}.sessions"))

    def on_connect(self, match: Match | None = None) -> ReadingExpectation:
        """Answer a connection in place of the greeting. A glob is compared with the client's address.

        Args:
            match: a glob, or a function that is called with the `Step`; None for all.
        """
        return self._on(Stage.CONNECT, match)

    def on_login(self, match: Match | None = None) -> ReadingExpectation:
        """Answer a log-in of any kind, once its credentials have come. A glob is compared with the user.

        Args:
            match: see `on_connect`.
        """
        return self._on(Stage.AUTH, match)

    def on_command(self, verb: str) -> ReadingExpectation:
        """Answer a command: "FETCH", which UID FETCH is too, "SELECT", "IDLE", "RETR".

        Args:
            verb: the command's name.

        Raises:
            InvalidSetting: if that is no name of a command.
        """
        if not (isinstance(verb, str) and verb.isascii() and verb.isalpha()):
            raise InvalidSetting(
                f"{self.name}.on_command({verb!r}) takes the name of a command, as in 'FETCH'"
            )
        return self._on(Stage.OTHER, verb.upper())

    def shut_down(self) -> None:
        """Hang up on all who are connected, IMAP by a BYE, as for maintenance (RFC 3501, 7.1.5).

        Who connects afterwards is served. To refuse them, `on_connect().reply("BYE ...")`.
        """
        self._operator.readers(self._servers.protocol).shut_down()

    def _on(self, stage: Stage, match: Match | None) -> ReadingExpectation:
        pop3 = self._servers.protocol == "POP3"
        expectation = ReadingExpectation(self.name, stage, match, {*VARIABLES, *_OF_ITSELF}, pop3=pop3)
        self._operator.script_of(self._servers.protocol).add(expectation)
        return expectation

    def __repr__(self) -> str:
        return f"<{self._servers.protocol} at {self.name}>"
