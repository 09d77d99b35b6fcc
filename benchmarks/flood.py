"""Sends many mails over few connections, as fast as the server answers, and prints the seconds it took.

Run as a script: `flood.py IP PORT SENDER RECIPIENT MAILS CONNECTIONS < content`. Every command waits for
its reply, as without PIPELINING; a connection has its next mail when the one before is taken.
"""

from __future__ import annotations

import selectors
import socket
import sys
import time


def main(arguments: list[str]) -> None:
    """Send, and print the time."""
    ip, port, sender, recipient, mails, connections = arguments
    steps = (
        f"MAIL FROM:<{sender}>\r\n".encode(),
        f"RCPT TO:<{recipient}>\r\n".encode(),
        b"DATA\r\n",
        sys.stdin.buffer.read() + b".\r\n",
    )
    start = time.perf_counter()
    selector = selectors.EpollSelector() if sys.platform == "linux" else selectors.DefaultSelector()
    for _ in range(int(connections)):
        selector.register(_greeted(ip, int(port)), selectors.EVENT_READ, [0])
    begun, left = 0, int(mails)
    for key in list(selector.get_map().values()):
        key.fileobj.send(steps[0])  # type: ignore[union-attr]
        begun += 1
    while left:
        for key, _ in selector.select():
            sock, at = key.fileobj, key.data
            assert isinstance(sock, socket.socket)
            reply = sock.recv(4096)
            step = at[0]
            if not reply.startswith(b"354" if step == 2 else b"250"):
                sys.exit(f"step {step} was answered {reply!r}")
            at[0] = step = (step + 1) % 4
            if step == 0:
                left -= 1
                if begun == int(mails):
                    selector.unregister(sock)
                    sock.close()
                    continue
                begun += 1
            sock.send(steps[step])
    print(time.perf_counter() - start)


def _greeted(ip: str, port: int) -> socket.socket:
    sock = socket.create_connection((ip, port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    replies = sock.makefile("rb")
    assert replies.readline().startswith(b"220")
    sock.send(b"EHLO app.sender.example\r\n")
    while not replies.readline().startswith(b"250 "):
        pass
    return sock


if __name__ == "__main__":
    main(sys.argv[1:])
