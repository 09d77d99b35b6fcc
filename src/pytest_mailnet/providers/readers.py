"""The clients that are connected where mail is read, so that a test can shut the servers down."""

from __future__ import annotations

from collections.abc import Callable

from pytest_mailnet.system.native import lock

__all__ = ["Readers"]


class Readers:
    """The sessions that are open at the servers of one protocol.

    Whoever has the engine's turn adds and removes them, the test's thread shuts them down. One lock guards
    them.
    """

    def __init__(self) -> None:
        self._lock = lock()
        self._open: dict[object, Callable[[], object]] = {}

    def came(self, shut_down: Callable[[], object]) -> Callable[[], object]:
        """Note that a session has begun; return what is to be called at its end.

        Args:
            shut_down: has the server hang up on its client; from any thread.
        """
        key = object()
        with self._lock:
            self._open[key] = shut_down

        def left() -> None:
            with self._lock:
                self._open.pop(key, None)

        return left

    def shut_down(self) -> None:
        """Have the servers hang up on all of them."""
        with self._lock:
            clients = list(self._open.values())
        for shut_down in clients:
            shut_down()
