"""The parent's side of child processes: answers their questions about the net."""

from __future__ import annotations

import asyncio
import hmac
import json
import operator
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_mailnet.entry.network import PARENT
from pytest_mailnet.entry.wire import QUESTIONS
from pytest_mailnet.errors import InvalidSetting

if TYPE_CHECKING:
    from pytest_mailnet.entry.network import Network
    from pytest_mailnet.server.engine import Engine

__all__ = ["Children", "Parent"]

_PATH = "PYTHONPATH"


class Parent:
    """The loopback port where child processes ask about a net.

    Args:
        engine: opens the port.
        world: the net that answers.

    Attributes:
        port: the number of the port.
        secret: the first line that a child has to send there.
    """

    def __init__(self, engine: Engine, world: Network) -> None:
        self.secret: str = secrets.token_hex(16)
        where, self._close = engine.serve(lambda _peer, _transport: _Questions(world, self.secret))
        self.port: int = where.port

    def close(self) -> None:
        """Close the port."""
        self._close()


class Children:
    """Makes the Python processes that are started from now on join a net.

    It sets two environment variables, and restores them when it is closed.

    Args:
        parent: where these processes ask.
    """

    def __init__(self, parent: Parent) -> None:
        site = Path(__file__).with_name("site")
        self._before = {name: os.environ.get(name) for name in (PARENT, _PATH)}
        os.environ[PARENT] = f"{parent.port} {parent.secret}"
        os.environ[_PATH] = os.pathsep.join(filter(None, [str(site), self._before[_PATH]]))

    def close(self) -> None:
        """Restore the environment."""
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


class _Questions(asyncio.Protocol):
    """One child's connection: a secret first, then lines of JSON."""

    def __init__(self, world: Network, secret: str) -> None:
        self._world = world
        self._secret = secret.encode()
        self._buffer = b""
        self._admitted = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            if self._admitted:
                self._transport.write(json.dumps(self._answer(line)).encode() + b"\n")
            elif hmac.compare_digest(line, self._secret):
                self._admitted = True
            else:
                self._transport.abort()
                return

    def _answer(self, line: bytes) -> object:
        name, arguments = json.loads(line)
        if name not in QUESTIONS:
            raise InvalidSetting(f"a child process asked {name!r}; it has another version of this package")
        read = [reader(it) for reader, it in zip(QUESTIONS[name].arguments, arguments, strict=True)]
        return operator.attrgetter(name)(self._world)(*read)
