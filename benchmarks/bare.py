"""The least that a server can do: threads that say fixed lines, or send a packet that is ready.

What they take is what the client, the kernel and the switches between threads take.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from pytest_mailnet.values import Endpoint

__all__ = ["fixed_lines", "ready_packet"]

_BANNER = b"220 mx.google.com ESMTP ready - gsmtp\r\n"
_GO_AHEAD = b"354 Go ahead\r\n"
_TAKEN = b"250 2.0.0 OK - gsmtp\r\n"
_END_OF_MAIL = b"\r\n.\r\n"
_REPLIES = {
    b"EHLO": b"250-mx.google.com at your service\r\n250-SIZE 157286400\r\n250-8BITMIME\r\n250-STARTTLS\r\n"
    b"250-ENHANCEDSTATUSCODES\r\n250-PIPELINING\r\n250-CHUNKING\r\n250 SMTPUTF8\r\n",
    b"MAIL": b"250 2.1.0 OK - gsmtp\r\n",
    b"RCPT": b"250 2.1.5 OK - gsmtp\r\n",
    b"STAR": b"220 2.0.0 Ready to start TLS\r\n",
    b"QUIT": b"221 2.0.0 closing connection - gsmtp\r\n",
}


@contextmanager
def fixed_lines(tls: ssl.SSLContext | None = None) -> Iterator[Endpoint]:
    """Serve SMTP from a thread with blocking sockets, one connection at a time.

    Args:
        tls: the context for STARTTLS, or None.

    Returns:
        Where it listens. The thread goes with its process.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=_accept, args=(listener, tls), daemon=True).start()
    yield Endpoint(*listener.getsockname())


@contextmanager
def ready_packet(packet: bytes) -> Iterator[Endpoint]:
    """Answer each datagram by the same packet, with the id of the question.

    Args:
        packet: the answer, with any id.

    Returns:
        Where it listens. The thread goes with its process.
    """
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))
    threading.Thread(target=_answer, args=(sock, packet[2:]), daemon=True).start()
    yield Endpoint(*sock.getsockname())


def _accept(listener: socket.socket, tls: ssl.SSLContext | None) -> None:
    while True:
        client, _ = listener.accept()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(ConnectionError):
            _converse(client, tls)


def _converse(client: socket.socket, tls: ssl.SSLContext | None) -> None:
    try:
        client.sendall(_BANNER)
        while line := client.recv(4096):
            verb = line[:4].upper()
            if verb == b"DATA":
                client.sendall(_GO_AHEAD)
                mail = b""
                while not mail.endswith(_END_OF_MAIL):
                    mail += client.recv(65536)
                client.sendall(_TAKEN)
                continue
            client.sendall(_REPLIES[verb])
            if verb == b"STAR":
                assert tls is not None
                client = tls.wrap_socket(client, server_side=True)
            elif verb == b"QUIT":
                return
    finally:
        client.close()


def _answer(sock: socket.socket, packet: bytes) -> None:
    while True:
        question, client = sock.recvfrom(4096)
        sock.sendto(question[:2] + packet, client)
