"""The network of code that is in no net: mail is stopped, and the error says why."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable, Sequence

from pytest_mailnet.addresses import MAIL_PORTS, SMTP_PORTS, is_loopback
from pytest_mailnet.entry import machine
from pytest_mailnet.entry.network import (
    ConnectionQuestions,
    Dialled,
    NameQuestions,
    Network,
    Notes,
    Resolution,
    TlsQuestions,
)
from pytest_mailnet.values import Endpoint

__all__ = ["Nowhere"]

_DNS_PORT = 53
# The name server for DNS libraries that send their own packets; nothing listens there.
_NOBODY = Endpoint("127.0.0.1", 1)


class Nowhere:
    """A `Network` without any host.

    Args:
        why: the reason, and what to do about it; one sentence, for the error message.
        note: called with a sentence for each connection and look-up that was stopped.
        every_name: whether look-ups for an unknown port are stopped too, and not only those for mail.
    """

    def __init__(self, why: str, note: Callable[[str], object], *, every_name: bool) -> None:
        self._why, self._note = why, note
        self.connections: ConnectionQuestions = _NoConnections(self)
        self.names: NameQuestions = _NoNames(self, every_name=every_name)
        self.tls: TlsQuestions = _NoTls()
        self.notes: Notes = _PassedOn(note)

    def instead_of(self, refused: Endpoint) -> str:  # noqa: ARG002
        return ""

    def of_caller(self) -> Network:
        return self

    def entrance(self, kind: int) -> None:
        pass

    def end_of(self, port: int) -> None:
        pass

    @property
    def answers_all(self) -> bool:
        return False

    def after_fork(self) -> None:
        pass

    def stopped(self, what: str) -> str:
        """Note what was stopped; return the error message, which adds the reason."""
        text = f"{what} was stopped: {self._why}"
        self._note(text)
        return text


class _NoConnections:
    """Refuses mail and DNS; the kernel makes all other connections."""

    def __init__(self, nowhere: Nowhere) -> None:
        self._nowhere = nowhere

    def takes(self, kind: int, destination: Endpoint) -> bool:
        ip, port = destination
        if port == _DNS_PORT or destination == _NOBODY:
            return True
        ports = SMTP_PORTS if is_loopback(ip) else MAIL_PORTS
        return kind == socket.SOCK_STREAM and port in ports

    def bind(self, kind: int, port: int, source: str | None) -> None:
        pass

    def dial(self, kind: int, port: int, destination: Endpoint) -> Dialled:  # noqa: ARG002
        asked = destination.port == _DNS_PORT or destination == _NOBODY
        what = "a question to a name server" if asked else f"a connection to {destination}"
        return Dialled(None, errno.ENETUNREACH, self._nowhere.stopped(what))

    def connected(self, port: int) -> None:
        pass

    def far_end(self, kind: int, port: int) -> Endpoint | None:  # noqa: ARG002
        return None

    def near_end(self, kind: int, port: int) -> Endpoint | None:  # noqa: ARG002
        return None

    def is_sender(self, ip: str) -> bool:  # noqa: ARG002
        return False

    def is_engine(self, endpoint: Endpoint) -> bool:  # noqa: ARG002
        return False


class _NoNames:
    """Finds no names for mail; with `every_name`, none that the machine does not know by itself."""

    def __init__(self, nowhere: Nowhere, *, every_name: bool) -> None:
        self._nowhere, self._every_name = nowhere, every_name

    def claims(self, name: str, port: int | None) -> bool:
        if port is None:
            return self._every_name and not (machine.is_local(name) or machine.knows(name))
        return port == _DNS_PORT or port in MAIL_PORTS

    def resolve(self, name: str, family: int, via: str, port: int | None) -> Resolution:  # noqa: ARG002
        text = self._nowhere.stopped(f"a look-up of {name!r} by {via}")
        return Resolution((), name, socket.EAI_NONAME, text)

    def passed(self, name: str, addresses: Sequence[str]) -> None:
        pass

    def owns(self, ip: str) -> bool:
        return self._every_name and not is_loopback(ip)

    def reverse(self, ip: str, via: str) -> str | None:
        self._nowhere.stopped(f"a look-up of the name of {ip} by {via}")
        return None

    def fqdn(self) -> str:
        return ""

    def own_address(self) -> str:
        return ""

    def has_ipv6(self) -> bool:
        return True

    def name_server(self) -> Endpoint:
        return _NOBODY


class _NoTls:
    """No TLS client calls a net."""

    def serves(self, host: str, port: int) -> bool:  # noqa: ARG002
        return False

    def authority(self) -> str:
        return ""


class _PassedOn:
    """Passes reports on, but for those of processes, which are no mail."""

    def __init__(self, note: Callable[[str], object]) -> None:
        self._note = note

    def leaked(self, what: str) -> None:
        self._note(what)

    def overheard(self, what: str) -> None:
        self._note(what)

    def started(self, command: str) -> None:
        pass
