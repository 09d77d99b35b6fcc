"""TLS on one connection, without sockets: what came in, what goes out."""

from __future__ import annotations

import contextlib
import ssl

__all__ = ["TlsChannel"]

_RECORD = 16384


class TlsChannel:
    """Either end of an encrypted connection; what it wants sent is fetched with `outgoing`.

    Args:
        context: of the server, or of the client.
        server_name: whom a client calls; None for the server's end.

    Attributes:
        ended: whether the other end has said that nothing follows (close_notify).
    """

    def __init__(self, context: ssl.SSLContext, server_name: str | None = None) -> None:
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._ssl = context.wrap_bio(
            self._in, self._out, server_side=server_name is None, server_hostname=server_name
        )
        self._established = False
        self.ended = False

    @property
    def version(self) -> str | None:
        """The protocol, "TLSv1.3", once both have shaken hands."""
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
        """Take what came; return what it says in the clear, b"" while hands are being shaken.

        Raises:
            ssl.SSLError: if the handshake failed, or a record was broken; what to send then is an alert.
        """
        if data:
            self._in.write(data)
        said = []
        with contextlib.suppress(ssl.SSLWantReadError):
            if not self._established:
                self._ssl.do_handshake()
                self._established = True
            while part := self._ssl.read(_RECORD):
                said.append(part)
            self.ended = True  # which is what an empty read means
        return b"".join(said)

    def send(self, data: bytes) -> None:
        """Encrypt."""
        self._ssl.write(data)

    def close(self) -> None:
        """Tell the other end that nothing follows (close_notify)."""
        with contextlib.suppress(ssl.SSLError):
            self._ssl.unwrap()

    def outgoing(self) -> bytes:
        """What is to be sent by now."""
        return self._out.read()
