"""The parent's side of child processes: answers their questions about its nets."""

from __future__ import annotations

import asyncio
import hmac
import itertools
import json
import operator
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_mailnet.entry.network import FORKED, PARENT
from pytest_mailnet.entry.wire import QUESTIONS
from pytest_mailnet.errors import InvalidSetting
from pytest_mailnet.server.opened_ports import open_port
from pytest_mailnet.system.native import lock

if TYPE_CHECKING:
    from pytest_mailnet.entry.network import Network
    from pytest_mailnet.server.engine import Engine

__all__ = ["Children", "Door", "Parent"]

_PATH = "PYTHONPATH"


class Parent:
    """The loopback port where the child processes of a run ask about its nets.

    A process that is forked off a child whose net is gone is in the net that includes children by then. So
    are those of multiprocessing's "forkserver", which outlives its net. One lock: tests enter and leave nets
    while the engine admits children.
    """

    def __init__(self) -> None:
        self._secret = secrets.token_hex(16)
        self._lock = lock()
        self._doors: list[Door] = []
        self._numbers = itertools.count(1)
        self._port = 0
        self._close: Callable[[], None] | None = None

    def open(self, world: Network, engine: Engine) -> Door:
        """Admit the children of a net.

        Args:
            world: the net that answers them.
            engine: the run's, which opens the port.
        """
        with self._lock:
            if self._close is None:
                where, self._close = open_port(engine, lambda _peer, _transport: _Questions(self._door))
                self._port = where.port
            door = Door(world, self._port, f"{self._secret}:{next(self._numbers)}", self._forget)
            self._doors.append(door)
        return door

    def close(self) -> None:
        """Close the port."""
        if self._close is not None:
            self._close()

    def _forget(self, door: Door) -> None:
        with self._lock:
            self._doors.remove(door)

    def _door(self, said: bytes) -> Door | None:
        """The door for what a child says first; None if it has no business here, or its net is gone."""
        words = said.decode("ascii", "replace")
        if not hmac.compare_digest(said.partition(b":")[0], self._secret.encode()):
            return None
        with self._lock:
            own = (it for it in self._doors if it.words == words.removesuffix(FORKED))
            others = (it for it in reversed(self._doors) if it.takes_all and words.endswith(FORKED))
            return next(own, None) or next(others, None)


class Door:
    """Where the children of one net ask.

    Args:
        world: the net that answers.
        port: see the attribute.
        words: see the attribute.
        forget: called when it is closed.

    Attributes:
        port: the number of the loopback port.
        words: the first line that a child has to send there.
        takes_all: whether forked processes whose own net is gone come here, too.
        closed: whether its net is gone.
    """

    def __init__(self, world: Network, port: int, words: str, forget: Callable[[Door], None]) -> None:
        self.world, self.port, self.words = world, port, words
        self.takes_all: bool = False
        self.closed: bool = False
        self._forget = forget

    def close(self) -> None:
        """Answer no more. Children who ask again come to another net, or are told that theirs is gone."""
        self.closed = True
        self._forget(self)


class Children:
    """Makes the Python processes that are started from now on join a net.

    It sets two environment variables, and restores them when it is closed.

    Args:
        door: where these processes ask.
    """

    def __init__(self, door: Door) -> None:
        site = Path(__file__).with_name("site")
        self._before = {name: os.environ.get(name) for name in (PARENT, _PATH)}
        os.environ[PARENT] = f"{door.port} {door.words}"
        door.takes_all = True
        os.environ[_PATH] = os.pathsep.join(filter(None, [str(site), self._before[_PATH]]))

    def close(self) -> None:
        """Restore the environment."""
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


class _Questions(asyncio.Protocol):
    """One child's connection: the words of a door first, then lines of JSON."""

    def __init__(self, find: Callable[[bytes], Door | None]) -> None:
        self._find = find
        self._buffer = b""
        self._door: Door | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            if self._door is None:
                self._door = self._find(line)
            elif not self._door.closed:
                self._transport.write(json.dumps(self._answer(self._door.world, line)).encode() + b"\n")
                continue
            if self._door is None or self._door.closed:
                self._transport.abort()
                return

    def _answer(self, world: Network, line: bytes) -> object:
        name, arguments = json.loads(line)
        if name not in QUESTIONS:
            raise InvalidSetting(f"a child process asked {name!r}; it has another version of this package")
        read = [reader(it) for reader, it in zip(QUESTIONS[name].arguments, arguments, strict=True)]
        return operator.attrgetter(name)(world)(*read)
