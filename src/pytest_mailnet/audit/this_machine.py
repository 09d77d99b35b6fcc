"""The mail server that an application takes to be on its own machine, by the name localhost."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from typing import Any

__all__ = ["LOCAL", "leading_home"]

LOCAL = ("localhost", "127.0.0.1", "::1")
"""The names of one's own machine. No net has a host there: programs of the machine are reached by them."""


@contextlib.contextmanager
def leading_home(ip: str, port: int) -> Iterator[None]:
    """Lead look-ups of this machine for one port to a host of the net. It is for the whole process.

    Args:
        ip: the host's address.
        port: the port; others are left to the machine.
    """
    found = socket.getaddrinfo

    def getaddrinfo(host: Any, service: Any, *args: Any, **kwargs: Any) -> Any:
        here = host.decode("ascii", "replace") if isinstance(host, bytes) else host
        return found(ip if here in LOCAL and str(service) == str(port) else host, service, *args, **kwargs)

    module: Any = socket  # whose function has a type of its own
    module.getaddrinfo = getaddrinfo
    try:
        yield
    finally:
        module.getaddrinfo = found
