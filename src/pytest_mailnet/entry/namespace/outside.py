"""The namespaces of one net's programs, as the net's process has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_mailnet.entry.namespace.authorities import Authorities
from pytest_mailnet.entry.namespace.files import Files
from pytest_mailnet.entry.namespace.junction import RESOLVER, Junction, Wired, told
from pytest_mailnet.entry.namespace.nursery import Nursery
from pytest_mailnet.entry.namespace.users import map_several

if TYPE_CHECKING:
    from pytest_mailnet.server.engine import Engine

__all__ = ["Namespace"]


class Namespace(Junction):
    """The namespaces of one net's programs: of network, mounts, processes, host name, and perhaps users.

    Args:
        engine: serves the sockets.
        net: decides about connections, and answers questions.

    Attributes:
        first: the number of the first process there, which lives as long as the namespaces.
        environment: the variables by which programs trust the net's authority, once they do.
        users: whether the users there are others than the machine's, too.

    Raises:
        NoNamespace: where they are not to be had; the message says why.
    """

    def __init__(self, engine: Engine, net: Wired) -> None:
        nursery = engine.kept(Nursery)
        super().__init__(engine, net, nursery.helper())
        self._authorities = engine.kept(Authorities)
        self.users: bool = nursery.mapping != "root"
        self.environment: dict[str, str] = {}
        self._files = Files(RESOLVER)
        try:
            said = told(self.answer()[0])
            if said[0] == "map":
                map_several(int(said[1]))
                self._control.send(b"mapped")
                said = told(self.answer()[0])
            self.first: int = int(said[1])
            self.ask(
                self._host(),
                *(["mask", folder] for folder in self._files.masks),
                *(["mount", *pair] for pair in self._files.mounts),
            )
            self.serve()
            nursery.prepare()  # for the next net, while programs run in this one
        except BaseException:
            self.close()
            raise

    def trust(self, authority: str) -> None:
        """Have programs trust an authority besides the machine's.

        Args:
            authority: its certificate, as PEM.
        """
        if not self.environment:
            mounts, self.environment = self._authorities.trusting(authority)
            self.ask(*(["mount", *pair] for pair in mounts))

    def close(self) -> None:
        """End all programs, and remove the namespaces."""
        super().close()
        self._files.close()

    def _host(self) -> list[str]:
        name, addresses = self._net.own_host()
        self._files.name(name, addresses)
        return super()._host()
