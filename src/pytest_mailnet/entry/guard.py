"""The guard: stops connections and look-ups that got past the patches, and reports them.

An audit hook sees every connect, send and look-up of CPython's socket module, under whatever name it was
called. The interpreter never removes such a hook, so a process has one, put in place with the first net.
While there is no net, it stops only code that was started in a net which has ended.
"""

from __future__ import annotations

import errno
import os
import socket
import sys
from typing import TYPE_CHECKING, Any

from pytest_mailnet.entry.arguments import host_name, numeric, port_number, port_wanted
from pytest_mailnet.entry.machine import destinations
from pytest_mailnet.entry.network import PARENT, Network
from pytest_mailnet.entry.nowhere import Nowhere
from pytest_mailnet.system.kernel import KernelSocket

if TYPE_CHECKING:
    from pytest_mailnet.entry.nets import Nets

__all__ = ["watch"]

_SENDS = {"socket.connect", "socket.sendto", "socket.sendmsg"}
_LOOKS_UP = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"}
_LOOKS_BACK = {"socket.gethostbyaddr", "socket.getnameinfo"}
_STARTS = "subprocess.Popen"
_WATCHED = _SENDS | _LOOKS_UP | _LOOKS_BACK | {_STARTS}


class _Guard:
    """The audit hook.

    Args:
        nets: the nets of this process.
    """

    def __init__(self, nets: Nets) -> None:
        self._nets = nets

    def hook(self, event: str, args: tuple[Any, ...]) -> None:
        if event not in _WATCHED:
            return
        world = self._nets.here()
        if world is None:
            return
        if event in _SENDS:
            self._sent(world, event, *args)
        if event in _LOOKS_UP:
            self._looked_up(world, event, args)
        if event in _LOOKS_BACK:
            self._looked_back(world, event, args[0])
        if event == _STARTS:
            self._started(world, *args[1:])

    def _sent(self, world: Network, event: str, sock: socket.socket, address: Any) -> None:
        if not isinstance(address, tuple) or sock.family not in {socket.AF_INET, socket.AF_INET6}:
            return
        if isinstance(sock, KernelSocket):
            return  # the engine's, to a server among a net's programs
        host, port = address[0], port_number(address[1])
        if port is None:
            return  # the kernel's own error
        name = host_name(host)
        if name is not None and world.names.claims(name, port):
            raise self._leak(world, event, f"{name}:{port}")
        there = destinations(sock, host, port)
        if name is not None:
            world.names.passed(name, [it.ip for it in there])
        for destination in there:
            if world.connections.takes(sock.type, destination):
                raise self._leak(world, event, str(destination))

    def _looked_up(self, world: Network, event: str, args: tuple[Any, ...]) -> None:
        name = host_name(args[0])
        port = port_wanted(args[1]) if event == "socket.getaddrinfo" else None
        if name is not None and world.names.claims(name, port):
            raise self._leak(world, event, name)

    def _looked_back(self, world: Network, event: str, asked: Any) -> None:
        ip = numeric(asked[0] if isinstance(asked, tuple) else asked)
        if ip is not None and world.names.owns(ip):
            raise self._leak(world, event, ip)

    def _started(self, world: Network, command: Any, _folder: Any, environment: Any) -> None:
        if PARENT not in (os.environ if environment is None else environment):
            world.notes.started(command if isinstance(command, str) else " ".join(map(os.fsdecode, command)))

    def _leak(self, world: Network, event: str, target: str) -> OSError:
        if isinstance(world, Nowhere):  # there are no patches while there is no net
            text = world.stopped(f"{event} to {target}")
        else:
            text = (
                f"{event} to {target} got past the patches of this mailnet and was stopped: the function was "
                "bound before the net was there (from socket import ...), or is called on _socket's own "
                "class. docs/explanation/interception.md lists what in-process interception reaches"
            )
            world.notes.leaked(text)
        if event in _LOOKS_UP | _LOOKS_BACK:
            return socket.gaierror(socket.EAI_NONAME, text)
        return OSError(errno.ENETUNREACH, f"{os.strerror(errno.ENETUNREACH)}: {text}")


def watch(nets: Nets) -> None:
    """Guard the nets of this process until it ends."""
    sys.addaudithook(_Guard(nets).hook)
