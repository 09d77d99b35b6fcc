"""A net as a child process sees it: every question goes to the parent, over a loopback connection.

`wire` has the questions. The first line has the parent's secret in it, so that no other program on the
machine can use the connection.
"""

from __future__ import annotations

import _socket
import contextlib
import functools
import io
import json
import os
from typing import Any, cast

from pytest_mailnet.entry.interception import INTERCEPTION
from pytest_mailnet.entry.network import (
    FORKED,
    ConnectionQuestions,
    NameQuestions,
    Network,
    Notes,
    TlsQuestions,
)
from pytest_mailnet.entry.wire import QUESTIONS
from pytest_mailnet.system.native import reentrant_lock
from pytest_mailnet.values import Endpoint

__all__ = ["ParentNetwork", "join"]

_GONE = "the mailnet of the parent process has been left"


def join(parent: str) -> None:
    """Lead this process into its parent's net, for as long as it lives.

    Args:
        parent: the port, and the words of a door there, as the environment has them.
    """
    port, words = parent.split()
    INTERCEPTION.enter(ParentNetwork(int(port), words), "the parent's net")


class ParentNetwork:
    """The `Network` of a child process.

    Args:
        port: where the parent listens on loopback.
        words: what the parent expects as the first line.
    """

    def __init__(self, port: int, words: str) -> None:
        self._line = _Line(port, words)
        # Casts: what passes every question on has no method by name.
        self.connections: ConnectionQuestions = cast("ConnectionQuestions", _Connections(self._line, port))
        self.names: NameQuestions = cast("NameQuestions", _Asked(self._line, "names"))
        self.tls: TlsQuestions = cast("TlsQuestions", _Asked(self._line, "tls"))
        self.notes: Notes = cast("Notes", _Asked(self._line, "notes"))

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
        self._line.free()


class _Line:
    """The connection to the parent. One lock: requests of several threads go one after the other."""

    def __init__(self, port: int, words: str) -> None:
        self._port = port
        self._words = words
        # Reentrant: at any moment the garbage collector may warn of an open socket, whose addresses are asked
        # for then.
        self._lock = reentrant_lock()
        self._asking = False
        self._pid = 0
        self._wire: Any = None

    def free(self) -> None:
        """Begin anew in a process that was forked off: another thread may have held the lock just then."""
        self._lock, self._asking = reentrant_lock(), False
        self._words = self._words.removesuffix(FORKED) + FORKED

    def ask(self, name: str, *arguments: object) -> Any:
        """The parent's answer; False or None if this thread already waits for another answer."""
        with self._lock:
            if self._asking:
                return QUESTIONS[name].answer(None)
            self._asking = True
            try:
                return QUESTIONS[name].answer(self._answer(json.dumps([name, arguments]) + "\n"))
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
        # Any: typeshed has TextIOWrapper ask for a name, which it does without.
        both: Any = io.BufferedRWPair(io.FileIO(wire, "r"), io.FileIO(os.dup(wire), "w"))
        self._wire = io.TextIOWrapper(both, encoding="utf-8")
        self._wire.write(self._words + "\n")
        self._pid = os.getpid()


class _Asked:
    """All questions of one kind, each of which the parent answers."""

    def __init__(self, line: _Line, kind: str) -> None:
        self._line, self._kind = line, kind

    def __getattr__(self, question: str) -> Any:
        name = f"{self._kind}.{question}"
        if name not in QUESTIONS:
            raise AttributeError(name)
        return functools.partial(self._line.ask, name)


class _Connections(_Asked):
    """Leaves the connection to the parent itself to the kernel."""

    def __init__(self, line: _Line, port: int) -> None:
        super().__init__(line, "connections")
        self._parent = Endpoint("127.0.0.1", port)

    def takes(self, kind: int, destination: Endpoint) -> bool:
        return destination != self._parent and bool(self._line.ask("connections.takes", kind, destination))
