"""TLS of the standard library: for the net's connections, contexts trust the net's authority too.

This holds for contexts that trust the machine's authorities, or another public bundle.

No context is changed, so that none trusts the net's authority later or elsewhere. During its handshake, a
connection into the net has another context in place of its own, which trusts the net's authority as well
(SSL_set_SSL_CTX). Most settings of a context have become the connection's own by then. The others are copied,
except client certificates, which no server of the net asks for.
"""

from __future__ import annotations

import functools
import ssl
import weakref
from collections.abc import Callable
from typing import Any

from pytest_mailnet.addresses import is_loopback
from pytest_mailnet.entry.network import Network
from pytest_mailnet.entry.patches import Patches
from pytest_mailnet.entry.probe import Trusting, refused_by
from pytest_mailnet.entry.translation import kernel_peer

__all__ = ["install", "leads_into"]


def install(patches: Patches, world: Network) -> None:
    """Let connections into a network verify certificates by the network's authority too.

    Args:
        patches: where the replaced methods are kept.
        world: the network.
    """
    cls = _python_context_class()
    trust = _Trust(world, cls)
    patches.put(cls, "set_default_verify_paths", trust.set_default_verify_paths())
    patches.put(cls, "_wrap_socket", trust.wrap_socket())
    patches.put(cls, "_wrap_bio", trust.wrap_bio())
    for wrapper in (ssl.SSLSocket, ssl.SSLObject):
        patches.put(wrapper, "do_handshake", trust.do_handshake(wrapper))


def leads_into(world: Network, sock: Any, name: str | None) -> bool:
    """Whether a TLS client calls a network, as far as can be known.

    Args:
        world: the network.
        sock: the client's socket; None if it has none.
        name: the server's name that the client expects. If that is None too, the answer is yes.
    """
    peer = None if sock is None else kernel_peer(sock)
    if peer is not None:
        return is_loopback(peer.ip) and world.tls.serves(*peer)
    return not name or world.tls.serves(name, 0)


class _Trust:
    """Makes the functions that replace methods, and remembers which contexts trust public authorities."""

    def __init__(self, world: Network, cls: Any) -> None:
        self._world = world
        self._cls = cls
        self._trusting = Trusting()
        # By single operations, which need no lock.
        self._listed: weakref.WeakKeyDictionary[ssl.SSLContext, tuple[dict[str, int], tuple[bytes, ...]]] = (
            weakref.WeakKeyDictionary()
        )
        self._replaced: weakref.WeakKeyDictionary[Any, ssl.SSLContext] = weakref.WeakKeyDictionary()

    def set_default_verify_paths(self) -> Callable[..., None]:
        found, trusting = self._cls.set_default_verify_paths, self._trusting

        def set_default_verify_paths(context: ssl.SSLContext) -> None:
            found(context)
            trusting.add(context)

        return set_default_verify_paths

    def wrap_socket(self) -> Callable[..., Any]:
        found, lead = self._cls._wrap_socket, self._lead  # noqa: SLF001

        def wrap_socket(
            context: ssl.SSLContext, sock: Any, server_side: Any, server_hostname: Any = None, **options: Any
        ) -> Any:
            made = found(context, sock, server_side, server_hostname, **options)
            if not server_side:
                lead(context, made, sock, server_hostname, options)
            return made

        return wrap_socket

    def wrap_bio(self) -> Callable[..., Any]:
        found, lead = self._cls._wrap_bio, self._lead  # noqa: SLF001

        def wrap_bio(
            context: ssl.SSLContext,
            incoming: Any,
            outgoing: Any,
            server_side: Any,
            server_hostname: Any = None,
            **options: Any,
        ) -> Any:
            made = found(context, incoming, outgoing, server_side, server_hostname, **options)
            if not server_side:
                lead(context, made, None, server_hostname, options)
            return made

        return wrap_bio

    def do_handshake(self, cls: Any) -> Callable[..., None]:
        found, replaced = cls.do_handshake, self._replaced

        def do_handshake(wrapper: Any, *args: Any, **options: Any) -> None:
            found(wrapper, *args, **options)
            context = replaced.pop(wrapper, None)
            if context is not None:
                # The application sees its own context again, and the session belongs to it.
                wrapper._sslobj.context = context  # noqa: SLF001

        return do_handshake

    def _lead(
        self, context: ssl.SSLContext, made: Any, sock: Any, name: str | None, options: dict[str, Any]
    ) -> None:
        if context.verify_mode is ssl.CERT_NONE or not leads_into(self._world, sock, name):
            return
        authority = self._world.tls.authority()
        if not authority or not self._trusts(context):
            return
        made.context = _knowing(
            authority,
            self._authorities(context),
            ":".join(it["name"] for it in context.get_ciphers() if it["protocol"] != "TLSv1.3"),
            context.security_level,
            context.keylog_filename,
        )
        if isinstance(owner := options.get("owner"), (ssl.SSLSocket, ssl.SSLObject)):
            self._replaced[owner] = context

    def _authorities(self, context: ssl.SSLContext) -> tuple[bytes, ...]:
        """The authorities that a context has loaded. They only ever become more, and are slow to list."""
        stored = context.cert_store_stats()
        known = self._listed.get(context)
        if known is None or known[0] != stored:
            listed = tuple(context.get_ca_certs(binary_form=True))
            known = self._listed[context] = stored, listed
        return known[1]

    def _trusts(self, context: ssl.SSLContext) -> bool:
        """Whether a context trusts the machine's authorities or another public bundle."""
        wrap = functools.partial(self._cls.__mro__[1]._wrap_bio, context)  # noqa: SLF001
        return self._trusting.has(context, functools.partial(refused_by, wrap))


@functools.lru_cache(8)  # reading a bundle of authorities takes 20 ms
def _knowing(
    authority: str, others: tuple[bytes, ...], ciphers: str, level: int, keylog: str | None
) -> ssl.SSLContext:
    """A context that trusts the net's authority, the machine's, and those that another context has loaded."""
    context: ssl.SSLContext = _python_context_class()(ssl.PROTOCOL_TLS_CLIENT)
    context.set_default_verify_paths()
    context.load_verify_locations(cadata=authority)
    if others:
        context.load_verify_locations(cadata=b"".join(others))
    if ciphers:
        context.set_ciphers(f"@SECLEVEL={level}:{ciphers}")
    if keylog:
        context.keylog_filename = keylog
    return context


def _python_context_class() -> Any:
    """The standard library's own class, even if truststore or gevent has put another in its place."""
    return next(cls for cls in ssl.SSLContext.__mro__ if cls.__mro__[1].__module__ == "_ssl")
