"""A net as a child process sees it: every question goes to the parent, over a loopback connection.

A request is a line of JSON, ["dial", [1, 40321, ["192.0.2.10", 25]]], and so is its answer. The first line is
the parent's secret, so that no other program on the machine can use the connection.
"""

from __future__ import annotations

import _socket
import contextlib
import io
import json
import os
from collections.abc import Sequence
from typing import Any

from pytest_mailnet.entry.interception import INTERCEPTION
from pytest_mailnet.entry.network import Dialled, Resolution
from pytest_mailnet.system.native import reentrant_lock
from pytest_mailnet.values import Endpoint

__all__ = ["ParentNetwork", "join"]

_GONE = "the mailnet of the parent process has been left"


def join(parent: str) -> None:
    """Lead this process into its parent's net, for as long as it lives.

    Args:
        parent: "port secret", as the environment has it.
    """
    port, secret = parent.split()
    INTERCEPTION.enter(ParentNetwork(int(port), secret), "the parent's net")


class ParentNetwork:
    """The `Network` of a child process. One lock: requests of several threads go one after the other."""

    def __init__(self, port: int, secret: str) -> None:
        self._port = port
        self._secret = secret
        # Reentrant: the garbage collector may show a socket, whose addresses are asked for, at any moment.
        self._lock = reentrant_lock()
        self._asking = False
        self._pid = 0
        self._wire: Any = None

    def takes(self, kind: int, destination: Endpoint) -> bool:
        if destination == ("127.0.0.1", self._port):
            return False
        return bool(self._ask("takes", kind, destination))

    def bind(self, kind: int, port: int, source: str | None) -> None:
        self._ask("bind", kind, port, source)

    def dial(self, kind: int, port: int, destination: Endpoint) -> Dialled:
        where, *rest = self._ask("dial", kind, port, destination)
        return Dialled(where and Endpoint(*where), *rest)

    def connected(self, port: int) -> None:
        self._ask("connected", port)

    def far_end(self, kind: int, port: int) -> Endpoint | None:
        return _endpoint(self._ask("far_end", kind, port))

    def near_end(self, kind: int, port: int) -> Endpoint | None:
        return _endpoint(self._ask("near_end", kind, port))

    def is_sender(self, ip: str) -> bool:
        return bool(self._ask("is_sender", ip))

    def is_engine(self, endpoint: Endpoint) -> bool:
        return bool(self._ask("is_engine", endpoint))

    def claims(self, name: str, port: int | None) -> bool:
        return bool(self._ask("claims", name, port))

    def resolve(self, name: str, family: int, via: str, port: int | None = None) -> Resolution:
        addresses, canonical, error, text = self._ask("resolve", name, family, via, port)
        return Resolution(tuple(addresses), canonical, error, text)

    def passed(self, name: str, addresses: Sequence[str]) -> None:
        self._ask("passed", name, list(addresses))

    def owns(self, ip: str) -> bool:
        return bool(self._ask("owns", ip))

    def reverse(self, ip: str, via: str) -> str | None:
        name = self._ask("reverse", ip, via)
        return name if name is None else str(name)

    def fqdn(self) -> str:
        return str(self._ask("fqdn"))

    def name_server(self) -> Endpoint:
        return Endpoint(*self._ask("name_server"))

    def serves(self, host: str, port: int) -> bool:
        return bool(self._ask("serves", host, port))

    def authority(self) -> str:
        return str(self._ask("authority"))

    def after_fork(self) -> None:
        self._lock, self._asking = reentrant_lock(), False

    def instead_of(self, refused: Endpoint) -> str:  # noqa: ARG002
        return ""

    def leaked(self, what: str) -> None:
        self._ask("leaked", what)

    def overheard(self, what: str) -> None:
        self._ask("overheard", what)

    def started(self, command: str) -> None:
        self._ask("started", command)

    def _ask(self, name: str, *arguments: object) -> Any:
        with self._lock:
            if self._asking:
                return None
            self._asking = True
            try:
                return self._answer(json.dumps([name, arguments]) + "\n")
            finally:
                self._asking = False

    def _answer(self, question: str) -> Any:
        try:
            if self._pid != os.getpid():  # at first, and in a process that was forked off this one
                self._connect()
            self._wire.write(question)
            self._wire.flush()
            line = self._wire.readline()
        except OSError as error:
            raise ConnectionResetError(f"{_GONE} ({error})") from error
        if not line:
            raise ConnectionResetError(_GONE)
        return json.loads(line)

    def _connect(self) -> None:
        # The kernel's own: a patched socket would ask this very connection, and one of gevent or eventlet
        # would let another greenlet ask while this one waits.
        with contextlib.closing(_socket.socket()) as sock:
            sock.settimeout(None)
            sock.connect(("127.0.0.1", self._port))
            wire = sock.detach()
        both = io.BufferedRWPair(io.FileIO(wire, "r"), io.FileIO(os.dup(wire), "w"))
        self._wire = io.TextIOWrapper(both, encoding="utf-8")
        self._wire.write(self._secret + "\n")
        self._pid = os.getpid()


def _endpoint(value: Any) -> Endpoint | None:
    return None if value is None else Endpoint(*value)
