"""Programs of any language in a net, as tests run them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from pytest_mailnet.entry.namespace.junction import RESOLVER, OwnHost
from pytest_mailnet.entry.namespace.outside import Namespace
from pytest_mailnet.entry.namespace.programs import Command, LedProgram, enter
from pytest_mailnet.errors import InvalidSetting
from pytest_mailnet.handles.attributes import steady
from pytest_mailnet.server.connection import Connection
from pytest_mailnet.values import Endpoint

if TYPE_CHECKING:
    from pytest_mailnet.entry.namespace.moved import Moved
    from pytest_mailnet.net.dialling import Dialling
    from pytest_mailnet.net.internet import Internet
    from pytest_mailnet.server.engine import Engine

__all__ = ["MailNetProcess", "open_process", "surround"]

_USUAL_PORTS = frozenset({24, 25, 465, 587, 2465, 2525, 2587})


@steady("a mailnet's process")
class MailNetProcess:
    """Runs programs of any language in a net, on Linux: in network namespaces, without a patch.

    A program there has the sender's address and name, the net's name server, and the net's hosts at their
    addresses and ports. No other network is there. What is still running when the net is left is killed.

    Args:
        namespace: where the programs are.
        engine: serves them.
    """

    def __init__(self, namespace: Namespace, engine: Engine) -> None:
        self._namespace, self._engine = namespace, engine
        self._ended = False
        self._started: list[LedProgram] = []

    def run(
        self,
        command: Command,
        *,
        input: str | bytes | None = None,  # noqa: A002
        timeout: float | None = 60.0,
        check: bool = False,
        env: Mapping[str, str] | None = None,
        **options: Any,
    ) -> subprocess.CompletedProcess[Any]:
        """Run a program to its end, as `subprocess.run` does, and keep what it prints.

        Args:
            command: the program and its arguments: `["swaks", "--to", "alice@gmail.com"]`, or as one text.
            input: its standard input; if this is bytes, its output is bytes, too.
            timeout: how long it may take, in seconds; None for no limit.
            check: whether another exit status than 0 raises `subprocess.CalledProcessError`.
            env: its environment; None for that of this process.
            options: further ones of `subprocess.Popen`, such as `cwd` or `text`.

        Returns:
            Its exit status, and what it has printed, as text.

        Raises:
            subprocess.TimeoutExpired: if it takes longer; it is killed.
            FileNotFoundError: if there is no such program.
        """
        __tracebackhide__ = True
        given = {
            "text": not isinstance(input, bytes),
            "stdin": subprocess.DEVNULL if input is None else subprocess.PIPE,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            **options,
        }
        with self.popen(command, env=env, **given) as program:
            try:
                out, err = program.communicate(input, timeout)
            except BaseException:
                program.kill()
                raise
        self._engine.settled()
        done = subprocess.CompletedProcess(command, program.returncode, out, err)
        if check:
            done.check_returncode()
        return done

    def popen(self, command: Command, *, env: Mapping[str, str] | None = None, **options: Any) -> LedProgram:
        """Start a program, as `subprocess.Popen` does. It is killed when the net is left.

        Args:
            command: the program and its arguments.
            env: its environment; None for that of this process.
            options: further ones of `subprocess.Popen`.

        Raises:
            FileNotFoundError: if there is no such program.
            InvalidSetting: if the net has been left.
        """
        __tracebackhide__ = True
        if self._ended:
            raise InvalidSetting(f"{command!r}: the net has been left; programs run in it inside `with`")
        if not command:
            raise InvalidSetting(f"{command!r}: a command has at least a program's name")
        program = enter(self._namespace, command, env=env, **options)
        self._started = [*(it for it in self._started if it.poll() is None), program]
        return program


def open_process(
    net: Internet, dialling: Dialling, engine: Engine
) -> tuple[MailNetProcess, Callable[[str], None], Callable[[], None]]:
    """Make the namespaces of a net, and keep them in line with it.

    Args:
        net: its hosts and senders.
        dialling: decides about connections.
        engine: serves them.

    Returns:
        What a test holds of them, what makes them trust an authority, and what ends them.

    Raises:
        NoNamespace: where they are not to be had.
    """
    namespace = Namespace(engine, _Wiring(net, dialling))
    process = MailNetProcess(namespace, engine)
    net.senders.moved, net.directory.opened = namespace.move, namespace.listen
    on_the_machine, net.reach = net.reach, namespace.caller

    def close() -> None:
        net.senders.moved, net.directory.opened = bool, tuple
        net.reach = on_the_machine
        process._ended = True  # noqa: SLF001  # no methods: tests would see them
        namespace.close()
        for program in process._started:  # noqa: SLF001  # they have been killed
            program.wait()

    return process, namespace.trust, close


def surround(moved: Moved, net: Internet, dialling: Dialling, engine: Engine) -> Callable[[], None]:
    """Let a net answer in the namespace that the process has moved into, and keep the host in line with it.

    Args:
        moved: that namespace.
        net: its hosts and senders.
        dialling: decides about connections.
        engine: serves them.

    Returns:
        What lets it answer no more.
    """
    wiring = _Wiring(net, dialling)
    moved.enter(engine, wiring, net.authority.pem if net.config.trust_ca else "")
    net.senders.moved, net.directory.opened = moved.moved, moved.opened

    def close() -> None:
        net.senders.moved, net.directory.opened = bool, tuple
        moved.leave(wiring)

    return close


class _Wiring:
    """A net, as its namespaces see it.

    Args:
        net: its hosts and senders.
        dialling: decides about connections.
    """

    def __init__(self, net: Internet, dialling: Dialling) -> None:
        self._net, self._dialling = net, dialling

    def call_between(self, source: Endpoint, destination: Endpoint) -> Connection | int:
        if destination.ip == RESOLVER and destination.port == 53:
            return self.question_between(source, destination)
        return self._dialling.call_between(source, destination)

    def question_between(self, source: Endpoint, destination: Endpoint) -> Connection:
        return Connection(self._net, source, None if destination.ip == RESOLVER else destination, None)

    def own_host(self) -> OwnHost:
        first = self._net.sender
        addresses = dict.fromkeys((*first.addresses, *self._net.senders.addresses))
        return OwnHost(first.helo, tuple(addresses))

    def ports(self) -> Iterable[int]:
        return _USUAL_PORTS.union(*(it.all_ports for it in list(self._net.directory.hosts.values())))
