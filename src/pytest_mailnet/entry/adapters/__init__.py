"""Libraries with sockets, look-ups or clocks of their own: a module each, which is an `Adapter`."""

from __future__ import annotations

from typing import Protocol

from pytest_mailnet.entry.network import Network
from pytest_mailnet.entry.patches import Patches
from pytest_mailnet.entry.waits import Waits

__all__ = ["Adapter"]


class Adapter(Protocol):
    """A module that patches a library.

    It may have a function `renew` besides, which is called between two nets. This makes the library forget
    what it found out in the first.
    """

    def install(self, patches: Patches, world: Network) -> None:
        """Lead the library's look-ups and connections into a network.

        Args:
            patches: where the replaced attributes are kept.
            world: the network.
        """
        ...

    def compress(self, patches: Patches, waits: Waits) -> None:
        """Let the library wait in the net's time, or report its waits if they cannot be patched.

        Args:
            patches: where the replaced attributes are kept.
            waits: waits in the net's time.
        """
        ...
