"""TLS of pyOpenSSL, which Twisted uses: does what `trust` does for the standard library."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from typing import Any

from cryptography import x509
from OpenSSL import SSL, crypto

from pytest_mailnet.entry.network import Network
from pytest_mailnet.entry.patches import Patches
from pytest_mailnet.entry.probe import Issuer, Trusting, pretender
from pytest_mailnet.entry.trust import leads_into
from pytest_mailnet.entry.waits import Waits

__all__ = ["compress", "install"]


def install(patches: Patches, world: Network) -> None:
    """Let connections into a network verify certificates by the network's authority too."""
    trust = _Trust(world)
    patches.put(SSL.Context, "set_default_verify_paths", trust.set_default_verify_paths())
    patches.put(SSL.Connection, "set_connect_state", trust.set_connect_state())
    patches.put(SSL.Connection, "connect", trust.connect())
    patches.put(SSL.Connection, "do_handshake", trust.do_handshake())


def compress(_patches: Patches, _waits: Waits) -> None:
    """Do nothing: sockets and loops wait, and not pyOpenSSL."""


class _Trust:
    """Makes the functions that replace methods, and remembers which contexts trust public authorities."""

    def __init__(self, world: Network) -> None:
        self._world = world
        self._trusting = Trusting()
        self._clients: weakref.WeakSet[Any] = weakref.WeakSet()

    def set_default_verify_paths(self) -> Callable[..., None]:
        found, trusting = SSL.Context.set_default_verify_paths, self._trusting

        def set_default_verify_paths(context: Any) -> None:
            found(context)
            trusting.add(context)

        return set_default_verify_paths

    def set_connect_state(self) -> Callable[..., None]:
        found, clients = SSL.Connection.set_connect_state, self._clients

        def set_connect_state(connection: Any) -> None:
            found(connection)
            clients.add(connection)

        return set_connect_state

    def connect(self) -> Callable[..., Any]:
        found, lead = SSL.Connection.connect, self._lead

        def connect(connection: Any, address: Any) -> Any:
            done = found(connection, address)
            lead(connection)
            return done

        return connect

    def do_handshake(self) -> Callable[..., None]:
        found, clients, lead = SSL.Connection.do_handshake, self._clients, self._lead

        def do_handshake(connection: Any) -> None:
            if connection in clients:
                clients.discard(connection)
                lead(connection)
            found(connection)

        return do_handshake

    def _lead(self, connection: Any) -> None:
        name, context = connection.get_servername(), connection.get_context()
        verifies = connection.get_verify_mode() & SSL.VERIFY_PEER
        if not verifies or not leads_into(self._world, connection._socket, name and name.decode("ascii")):  # noqa: SLF001
            return
        authority = self._world.tls.authority()
        if authority and self._trusts(context):
            connection.set_context(_knowing(authority, ":".join(connection.get_cipher_list())))
            connection._context = context  # noqa: SLF001  # its callbacks are called, and the application sees it

    def _trusts(self, context: Any) -> bool:
        """Whether a context trusts the machine's authorities or another public bundle."""
        return self._trusting.has(context, functools.partial(_refused_by, context.get_cert_store()))


def _refused_by(store: Any, issuer: Issuer) -> int | None:
    shown = crypto.X509.from_cryptography(pretender(issuer))
    try:
        crypto.X509StoreContext(store, shown).verify_certificate()
    except crypto.X509StoreContextError as error:
        return int(error.errors[0])
    return None


@functools.lru_cache(8)
def _knowing(authority: str, ciphers: str) -> Any:
    """A context that trusts the net's authority and the machine's."""
    context = SSL.Context(SSL.TLS_METHOD)
    context.set_default_verify_paths()
    store = context.get_cert_store()
    assert store is not None
    store.add_cert(crypto.X509.from_cryptography(x509.load_pem_x509_certificate(authority.encode("ascii"))))
    context.set_cipher_list(ciphers.encode("ascii"))
    return context
