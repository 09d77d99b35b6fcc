"""The parent's side of child processes: answers their questions about the net."""

from __future__ import annotations

import asyncio
import hmac
import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_mailnet.entry.network import PARENT
from pytest_mailnet.errors import InvalidSetting
from pytest_mailnet.values import Endpoint

if TYPE_CHECKING:
    from pytest_mailnet.entry import Network
    from pytest_mailnet.server.engine import Engine

__all__ = ["Children", "Parent"]

_PATH = "PYTHONPATH"
_QUESTIONS = frozenset(
    {
        "authority",
        "bind",
        "claims",
        "connected",
        "dial",
        "far_end",
        "fqdn",
        "is_engine",
        "is_sender",
        "leaked",
        "name_server",
        "near_end",
        "overheard",
        "owns",
        "passed",
        "resolve",
        "reverse",
        "serves",
        "started",
        "takes",
    }
)
_ENDPOINTS = {"takes": 1, "dial": 2, "is_engine": 0}  # which argument is an end point


class Parent:
    """Where child processes ask about a net: a loopback port, and a secret that lets them.

    Args:
        engine: gives the port.
        world: is asked.

    Attributes:
        port: of loopback.
        secret: the first line that a child says there.
    """

    def __init__(self, engine: Engine, world: Network) -> None:
        self.secret = secrets.token_hex(16)
        where, self._close = engine.serve(lambda: _Questions(world, self.secret))
        self.port = where.port

    def close(self) -> None:
        """Answer no more."""
        self._close()


class Children:
    """Lets the Python processes that are started from now on join a net.

    It sets two environment variables, and puts them back when it is closed.

    Args:
        parent: where they ask.
    """

    def __init__(self, parent: Parent) -> None:
        site = Path(__file__).with_name("site")
        self._before = {name: os.environ.get(name) for name in (PARENT, _PATH)}
        os.environ[PARENT] = f"{parent.port} {parent.secret}"
        os.environ[_PATH] = os.pathsep.join(filter(None, [str(site), self._before[_PATH]]))

    def close(self) -> None:
        """Put the environment back."""
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
        if name not in _QUESTIONS:
            raise InvalidSetting(f"a child process asked {name!r}; it has another version of this package")
        if name in _ENDPOINTS:
            at = _ENDPOINTS[name]
            arguments[at] = Endpoint(*arguments[at])
        question: Callable[..., object] = getattr(self._world, name)
        return question(*arguments)
