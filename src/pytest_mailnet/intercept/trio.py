"""trio: it binds `socket.recvfrom` when it is imported, so its own class is translated as well."""

from __future__ import annotations

from typing import Any

# Not `import trio._socket`: when it is being imported, its package does not have it yet.
from trio import _socket as trio_socket

from pytest_mailnet.intercept.patches import Patches
from pytest_mailnet.intercept.sockets import virtual_address
from pytest_mailnet.intercept.world import World

__all__ = ["install"]


def install(patches: Patches, world: World) -> None:
    """Show trio's sockets the virtual addresses of who answers them."""
    cls: Any = trio_socket._SocketType  # noqa: SLF001
    found_recvfrom, found_recvfrom_into = cls.recvfrom, cls.recvfrom_into

    async def recvfrom(sock: Any, *args: Any) -> tuple[bytes, Any]:
        data, address = await found_recvfrom(sock, *args)
        return data, virtual_address(world, sock._sock, address)  # noqa: SLF001

    async def recvfrom_into(sock: Any, *args: Any) -> tuple[int, Any]:
        count, address = await found_recvfrom_into(sock, *args)
        return count, virtual_address(world, sock._sock, address)  # noqa: SLF001

    patches.put(cls, "recvfrom", recvfrom)
    patches.put(cls, "recvfrom_into", recvfrom_into)
