"""TLS on one connection, without sockets: bytes in, bytes out."""

from __future__ import annotations

import contextlib
import functools
import ssl

__all__ = ["TlsChannel", "any_certificate"]

_RECORD = 16384


class TlsChannel:
    """Either end of an encrypted connection; `outgoing` has the bytes to send.

    Args:
        context: the server's, or the client's.
        server_name: the host that a client calls; None for the server's end.

    Attributes:
        ended: whether the other end has sent close_notify: nothing follows.
    """

    def __init__(self, context: ssl.SSLContext, server_name: str | None = None) -> None:
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._ssl = context.wrap_bio(
            self._in, self._out, server_side=server_name is None, server_hostname=server_name
        )
        self._established = False
        self.ended: bool = False

    @property
    def version(self) -> str | None:
        """The protocol version, "TLSv1.3"; None before the handshake is over."""
        return self._ssl.version() if self._established else None

    @property
    def info(self) -> dict[str, object]:
        """What asyncio's transports know of an encrypted connection."""
        return {
            "ssl_object": self._ssl,
            "sslcontext": self._ssl.context,
            "peercert": self._ssl.getpeercert() if self._established else None,
            "cipher": self._ssl.cipher(),
            "compression": self._ssl.compression(),
        }

    def receive(self, data: bytes = b"") -> bytes:
        """Take bytes from the other end; return them decrypted, b"" during the handshake.

        Raises:
            ssl.SSLError: if the handshake failed, or a record was broken; `outgoing` has the alert then.
        """
        if data:
            self._in.write(data)
        said = []
        with contextlib.suppress(ssl.SSLWantReadError):
            if not self._established:
                self._ssl.do_handshake()
                self._established = True
            # To read where there is nothing is an exception, which takes as long as to read.
            while self._in.pending or self._ssl.pending():
                if not (part := self._ssl.read(_RECORD)):
                    self.ended = True  # an empty read means that
                    break
                said.append(part)
        return b"".join(said)

    def send(self, data: bytes) -> None:
        """Encrypt bytes for the other end."""
        self._ssl.write(data)

    def close(self) -> None:
        """Encrypt a close_notify, which says that nothing follows."""
        with contextlib.suppress(ssl.SSLError):
            self._ssl.unwrap()

    def outgoing(self) -> bytes:
        """Take the bytes that are to be sent now."""
        return self._out.read()


@functools.cache
def any_certificate() -> ssl.SSLContext:
    """The context of a client that takes any certificate: any TLS is better than none (RFC 7435)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
