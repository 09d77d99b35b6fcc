"""Counts events by key within a time, in constant memory a key."""

from __future__ import annotations

import ipaddress

__all__ = ["Windows", "network_of"]


class Windows:
    """Events by key. A key's window begins with its first event, and is over so many seconds later.

    Keys whose window is over are forgotten when the next event is counted.

    Args:
        seconds: how long a window is.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        # In the order in which windows began: those that are over stand in front.
        self._windows: dict[object, list[float]] = {}

    def count(self, key: object, now: float, events: int = 1) -> int:
        """Add events.

        Args:
            key: what is counted.
            now: seconds of the net's clock.
            events: how many to add.

        Returns:
            How many events there are in the key's window, the added ones among them.
        """
        self._forget(now)
        window = self._windows.setdefault(key, [now, 0])
        window[1] += events
        return int(window[1])

    def __len__(self) -> int:
        return len(self._windows)

    def _forget(self, now: float) -> None:
        windows = self._windows
        while windows:
            key = next(iter(windows))
            if windows[key][0] + self._seconds > now:
                return
            del windows[key]


def network_of(ip: str) -> str:
    """The network that servers take as one client: /24 of IPv4, /64 of IPv6."""
    return str(ipaddress.ip_network(f"{ip}/{64 if ':' in ip else 24}", strict=False))
