"""The peers' servers, each started and stopped as its own fixture does it."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pytest_mailnet.values import Endpoint

__all__ = ["Keeper", "aiosmtpd_controller", "dnslib_server", "localserver_fixture", "smtpdfix_fixture"]


@contextmanager
def smtpdfix_fixture() -> Iterator[Endpoint]:
    """smtpdfix's `smtpd`, without the certificate that it makes once a run."""
    from smtpdfix.fixture import SMTPDFix

    with SMTPDFix() as controller:
        yield Endpoint(controller.hostname, controller.port)


@contextmanager
def localserver_fixture() -> Iterator[Endpoint]:
    """pytest-localserver's `smtpserver`."""
    from pytest_localserver.smtp import Server  # type: ignore[import-untyped]

    server = Server()
    server.start()
    try:
        yield Endpoint(*server.addr)
    finally:
        server.stop()


@contextmanager
def aiosmtpd_controller() -> Iterator[Endpoint]:
    """aiosmtpd's `Controller` with a handler that keeps the envelope and does nothing else."""
    from aiosmtpd.controller import Controller

    logging.getLogger("mail.log").setLevel(logging.ERROR)
    controller = Controller(Keeper(), hostname="127.0.0.1", port=_free_port(socket.SOCK_STREAM))
    controller.start()
    try:
        yield Endpoint("127.0.0.1", controller.port)
    finally:
        controller.stop()


@contextmanager
def dnslib_server(zone: str) -> Iterator[Endpoint]:
    """dnslib's `DNSServer` with its `ZoneResolver`, and a logger that says nothing of questions."""
    from dnslib.server import DNSLogger, DNSServer
    from dnslib.zoneresolver import ZoneResolver

    port = _free_port(socket.SOCK_DGRAM)
    server = DNSServer(ZoneResolver(zone), address="127.0.0.1", port=port, logger=DNSLogger("error"))
    server.start_thread()
    try:
        yield Endpoint("127.0.0.1", port)
    finally:
        server.stop()
        server.server.server_close()


class Keeper:
    """A handler as aiosmtpd's documentation begins with."""

    def __init__(self) -> None:
        self.envelopes: list[Any] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: ARG002, N802
        self.envelopes.append(envelope)
        return "250 OK"


def _free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
