"""trio: its socket class is translated too, because trio binds `socket.recvfrom` when it is imported."""

from __future__ import annotations

from typing import Any

from trio import _core as trio_core

# Not `import trio._socket`: when it is being imported, its package does not have it yet.
from trio import _socket as trio_socket

from pytest_mailnet.entry.ends import ends_of
from pytest_mailnet.entry.network import Network
from pytest_mailnet.entry.patches import Patches
from pytest_mailnet.entry.translation import virtual_address
from pytest_mailnet.entry.waits import Waits

__all__ = ["compress", "install"]

_A_DAY = 86400  # the longest wait of trio, in seconds, if there is no deadline


def install(patches: Patches, world: Network) -> None:
    """Show trio's sockets the virtual addresses of datagrams."""
    cls: Any = trio_socket._SocketType  # noqa: SLF001
    found_recvfrom, found_recvfrom_into = cls.recvfrom, cls.recvfrom_into

    async def recvfrom(sock: Any, *args: Any) -> tuple[bytes, Any]:
        data, address = await found_recvfrom(sock, *args)
        return data, virtual_address(world.connections, sock._sock, address)  # noqa: SLF001

    async def recvfrom_into(sock: Any, *args: Any) -> tuple[int, Any]:
        count, address = await found_recvfrom_into(sock, *args)
        return count, virtual_address(world.connections, sock._sock, address)  # noqa: SLF001

    patches.put(cls, "recvfrom", recvfrom)
    patches.put(cls, "recvfrom_into", recvfrom_into)


def compress(patches: Patches, waits: Waits) -> None:
    """Let trio's run loop and its clock keep the net's time."""
    manager: Any = vars(trio_core._run)["TheIOManager"]  # noqa: SLF001
    clock: Any = trio_core._run.SystemClock  # noqa: SLF001
    get_events, current_time, start_clock = manager.get_events, clock.current_time, clock.start_clock

    def patient_get_events(events: Any, timeout: float) -> Any:
        if timeout <= 0 or waits.patience.own_thread():
            return get_events(events, timeout)
        limit = None if timeout >= _A_DAY else timeout
        registered: Any = events._registered  # noqa: SLF001
        return waits.until(
            lambda seconds: get_events(events, seconds),
            lambda: ends_of(list(registered)),
            limit,
            "trio (trio.sleep, say)",
            by_clock=True,
        )

    def lapsed_time(clock: Any) -> float:
        lapsed = waits.lapsed  # first: see `lapsed`
        return float(current_time(clock)) + lapsed

    def start_anew(clock: Any) -> None:
        waits.count_anew()
        start_clock(clock)

    patches.put(manager, "get_events", patient_get_events)
    patches.put(clock, "start_clock", start_anew)
    patches.put(clock, "current_time", lapsed_time)
