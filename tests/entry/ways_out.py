"""Tries every way out of a net, one after the other; `test_ways_out` runs it where strace sees each packet.

Before each it connects to a Unix socket that does not exist, whose name tells the trace which way is next. It
prints how each ended: "led", as it came to the net, or "stopped", by an error that a client expects. On port 25
listens what a developer's Postfix is.
"""

from __future__ import annotations

import _socket
import asyncio
import fcntl
import json
import smtplib
import socket
import struct
import subprocess
import sys
from contextlib import suppress
from socket import getaddrinfo as early_getaddrinfo
from socket import gethostbyaddr as early_gethostbyaddr
from socket import gethostbyname as early_gethostbyname
from socket import gethostbyname_ex as early_gethostbyname_ex
from socket import getnameinfo as early_getnameinfo

import aiodns
import aiosmtplib
import anyio
import dns.asyncbackend
import dns.asyncquery
import dns.asyncresolver
import dns.exception
import dns.message
import dns.query
import dns.resolver
import dns.reversename
import pycares
import trio
import uvloop

from pytest_mailnet import MailNet

OUTSIDE = "198.51.100.77"
OUTSIDE_6 = "2001:db8::77"
NAME = "mail.outside.example"
GOOGLE = "8.8.8.8"
HOSTS_FILE_S = "mailhub.corp.example"  # 127.0.1.1 in the hosts file of the test
STOPPED = (
    OSError,
    dns.exception.DNSException,
    aiodns.error.DNSError,
    smtplib.SMTPException,
    aiosmtplib.SMTPException,
)


class Index:
    def __init__(self, port):
        self.port = port

    def __index__(self):
        return self.port


def query(rdtype="MX"):
    return dns.message.make_query("shop.example", rdtype)


def connect(address, family=socket.AF_INET, *, by=socket.socket):
    with socket.socket(family) as sock:
        sock.settimeout(5)
        by.connect(sock, address)


def connect_ex(address):
    with socket.socket() as sock:
        sock.settimeout(5)
        if error := sock.connect_ex(address):
            raise OSError(error, "connect_ex")


def datagram(send, *, by=socket.socket):
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.settimeout(5)
        send(by, sock, query().to_wire())
        sock.recvfrom(1000)


def smtp(host, port=25, cls=smtplib.SMTP):
    with cls(host, port, timeout=5):
        pass


async def open_connection(host, port):
    _, writer = await asyncio.open_connection(host, port)
    writer.close()


async def sock_connect(address):
    with socket.socket() as sock:
        sock.settimeout(0)
        await asyncio.get_running_loop().sock_connect(sock, address)


async def look_up():
    await asyncio.get_running_loop().getaddrinfo(NAME, None)


async def look_back():
    await asyncio.get_running_loop().getnameinfo((OUTSIDE, 25))


class Asker(asyncio.DatagramProtocol):
    def __init__(self):
        self.answered = asyncio.get_running_loop().create_future()

    def datagram_received(self, data, addr):
        self.answered.set_result(data)


async def end_point(address=None, **options):
    transport, asker = await asyncio.get_running_loop().create_datagram_endpoint(Asker, **options)
    transport.sendto(query().to_wire(), address)
    await asyncio.wait_for(asker.answered, 5)
    transport.close()


def own_socket():
    sock = socket.socket(type=socket.SOCK_DGRAM)
    sock.settimeout(0)
    return sock


async def aiosmtp(host, port=25):
    async with aiosmtplib.SMTP(hostname=host, port=port, timeout=5, start_tls=False):
        pass


async def aiodns_asks(name, rdtype, **options):
    async with aiodns.DNSResolver(**options) as resolver:
        await resolver.query_dns(name, rdtype)


async def aiodns_asks_back(ip):
    async with aiodns.DNSResolver() as resolver:
        await resolver.gethostbyaddr(ip)


async def aiodns_asks_for_addresses(name):
    async with aiodns.DNSResolver() as resolver:
        await resolver.getaddrinfo(name, family=socket.AF_INET)


async def trio_connects(host, port):
    async with await trio.open_tcp_stream(host, port):
        pass


async def trio_sends(address):
    with trio.socket.socket(type=socket.SOCK_DGRAM) as sock, trio.fail_after(5):
        await sock.sendto(query().to_wire(), address)
        await sock.recvfrom(1000)


async def anyio_connects(host, port):
    async with await anyio.connect_tcp(host, port):
        pass


def resolver(**options):
    asking = dns.resolver.Resolver(configure=False)
    asking.nameservers = [GOOGLE]
    asking.resolve("shop.example", "MX", lifetime=5, **options)


async def async_resolver(**options):
    asking = dns.asyncresolver.Resolver(configure=False)
    asking.nameservers = [GOOGLE]
    await asking.resolve("shop.example", "MX", lifetime=5, **options)


def child(code):
    if subprocess.run(
        [sys.executable, "-c", code], stderr=subprocess.DEVNULL, timeout=60, check=False
    ).returncode:
        raise OSError("the child failed")


def plain_ways():
    """Name, what it does, how it ends."""
    for port in (25, 465, 587, 2525, 110, 143, 993, 995):
        yield f"connect to port {port}", lambda port=port: connect((OUTSIDE, port)), "stopped"
    yield "connect_ex", lambda: connect_ex((OUTSIDE, 25)), "stopped"
    yield "connect over IPv6", lambda: connect((OUTSIDE_6, 25, 0, 0), socket.AF_INET6), "stopped"
    yield (
        "connect to a mapped address",
        lambda: connect((f"::ffff:{OUTSIDE}", 25, 0, 0), socket.AF_INET6),
        "stopped",
    )
    yield "connect to a name", lambda: connect((NAME, 25)), "stopped"
    yield "connect to an index", lambda: connect((OUTSIDE, Index(25))), "stopped"
    yield "connect to the name server", lambda: connect((GOOGLE, 53)), "led"
    yield "create_connection by address", lambda: socket.create_connection((OUTSIDE, 25), 5), "stopped"
    yield "create_connection by name", lambda: socket.create_connection((NAME, 25), 5), "stopped"
    for host in ("localhost", "ip6-localhost", HOSTS_FILE_S, "127.1", ""):
        yield f"connect to {host!r}", lambda host=host: connect((host, 25)), "stopped"
        yield (
            f"create_connection to {host!r}",
            lambda host=host: socket.create_connection((host, 25), 5),
            "stopped",
        )
    yield "create_connection to None", lambda: socket.create_connection((None, 25), 5), "stopped"
    yield "sendto", lambda: datagram(lambda by, sock, data: by.sendto(sock, data, (GOOGLE, 53))), "led"
    yield (
        "sendto an index",
        lambda: datagram(lambda by, sock, data: by.sendto(sock, data, (GOOGLE, Index(53)))),
        "led",
    )
    yield (
        "sendmsg",
        lambda: datagram(lambda by, sock, data: by.sendmsg(sock, [data], [], 0, (GOOGLE, 53))),
        "led",
    )
    yield "smtplib by address", lambda: smtp(OUTSIDE), "stopped"
    yield "smtplib by name", lambda: smtp(NAME), "stopped"
    yield "smtplib over TLS", lambda: smtp(OUTSIDE, 465, smtplib.SMTP_SSL), "stopped"
    yield "smtplib to localhost", lambda: smtp("localhost"), "stopped"
    yield "smtplib to a host of the net", lambda: smtp("mx.shop.example"), "led"


def kernel_ways():
    """What is called on the C class, or was bound before the net."""
    for host in (OUTSIDE, "localhost", HOSTS_FILE_S, ""):
        yield f"_socket to {host!r}", lambda host=host: connect((host, 25), by=_socket.socket), "stopped"
    yield "_socket to an index", lambda: connect((OUTSIDE, Index(25)), by=_socket.socket), "stopped"
    yield (
        "_socket over IPv6",
        lambda: connect((OUTSIDE_6, 25), socket.AF_INET6, by=_socket.socket),
        "stopped",
    )
    yield (
        "_socket sends",
        lambda: datagram(lambda by, sock, data: by.sendto(sock, data, (GOOGLE, 53)), by=_socket.socket),
        "stopped",
    )
    yield (
        "_socket sends a message",
        lambda: datagram(
            lambda by, sock, data: by.sendmsg(sock, [data], [], 0, (GOOGLE, 53)), by=_socket.socket
        ),
        "stopped",
    )
    yield "early getaddrinfo", lambda: early_getaddrinfo(NAME, None), "stopped"
    yield "early gethostbyname", lambda: early_gethostbyname(NAME), "stopped"
    yield "early gethostbyname_ex", lambda: early_gethostbyname_ex(NAME), "stopped"
    yield "early gethostbyaddr", lambda: early_gethostbyaddr(OUTSIDE), "stopped"
    yield "early getnameinfo", lambda: early_getnameinfo((OUTSIDE, 25), 0), "stopped"


def name_ways():
    """Look-ups, forth and back."""
    yield "getaddrinfo", lambda: socket.getaddrinfo(NAME, None), "stopped"
    yield "getaddrinfo for a mail port", lambda: socket.getaddrinfo(NAME, 25), "stopped"
    yield "getaddrinfo for a mail service", lambda: socket.getaddrinfo(NAME, "smtp"), "stopped"
    yield "one label for a mail port", lambda: socket.getaddrinfo("mailhog", 25), "stopped"
    yield "gethostbyname", lambda: socket.gethostbyname(NAME), "stopped"
    yield "gethostbyname_ex", lambda: socket.gethostbyname_ex(NAME), "stopped"
    yield "gethostbyaddr of a name", lambda: socket.gethostbyaddr(NAME), "stopped"
    yield "gethostbyaddr", lambda: socket.gethostbyaddr(OUTSIDE), "stopped"
    yield "gethostbyaddr of IPv6", lambda: socket.gethostbyaddr(OUTSIDE_6), "stopped"
    yield "getnameinfo", lambda: socket.getnameinfo((OUTSIDE, 25), 0), "led"
    yield "getnameinfo of a name", lambda: socket.getnameinfo((OUTSIDE, 25), socket.NI_NAMEREQD), "stopped"
    yield "getfqdn", socket.getfqdn, "led"
    yield "getfqdn of an address", lambda: socket.getfqdn(OUTSIDE), "led"
    yield "getfqdn of a name", lambda: socket.getfqdn(NAME), "led"
    yield "dnspython's default", lambda: dns.resolver.resolve("shop.example", "MX", lifetime=5), "led"
    yield "dnspython that asks Google", resolver, "led"
    yield "dnspython that asks Google over TCP", lambda: resolver(tcp=True), "led"
    yield "dnspython asks back", lambda: dns.resolver.resolve_address(OUTSIDE, lifetime=5), "stopped"
    yield "dns.query.udp", lambda: dns.query.udp(query(), GOOGLE, 5), "led"
    yield "dns.query.tcp", lambda: dns.query.tcp(query(), GOOGLE, 5), "led"
    yield "pycares", ask_pycares, "led"


def ask_pycares():
    errors = []
    channel = pycares.Channel(servers=[GOOGLE], timeout=5)
    channel.query("shop.example", pycares.QUERY_TYPE_MX, callback=lambda _, error: errors.append(error))
    channel.wait()
    channel.close()
    if errors != [None]:
        raise OSError(errors)


def loop_ways():
    """Coroutine functions, for asyncio and uvloop."""
    for host in (OUTSIDE, OUTSIDE_6, NAME, "localhost", HOSTS_FILE_S, None, ""):
        yield f"open_connection to {host!r}", lambda host=host: open_connection(host, 25), "stopped"
    yield "open_connection to a service", lambda: open_connection(OUTSIDE, "smtp"), "stopped"
    yield "open_connection to an index", lambda: open_connection(OUTSIDE, Index(25)), "stopped"
    yield "sock_connect", lambda: sock_connect((OUTSIDE, 25)), "stopped"
    yield "sock_connect to a name", lambda: sock_connect((NAME, 25)), "stopped"
    yield "sock_connect to localhost", lambda: sock_connect(("localhost", 25)), "stopped"
    yield "an end point", lambda: end_point((GOOGLE, 53), local_addr=("0.0.0.0", 0)), "led"
    yield "an end point of one's own socket", lambda: end_point((GOOGLE, 53), sock=own_socket()), "led"
    yield "an end point that is connected", lambda: end_point(remote_addr=(GOOGLE, 53)), "led"
    yield "the loop's getaddrinfo", look_up, "stopped"
    yield "the loop's getnameinfo", look_back, "led"
    yield "aiosmtplib by address", lambda: aiosmtp(OUTSIDE), "stopped"
    yield "aiosmtplib by name", lambda: aiosmtp(NAME), "stopped"
    yield "aiosmtplib to localhost", lambda: aiosmtp("localhost"), "stopped"
    yield "aiodns", lambda: aiodns_asks("shop.example", "MX"), "led"
    yield "aiodns that asks Google", lambda: aiodns_asks("shop.example", "MX", nameservers=[GOOGLE]), "led"
    yield "aiodns asks back", lambda: aiodns_asks_back(OUTSIDE), "stopped"
    yield "aiodns asks for addresses", lambda: aiodns_asks_for_addresses(NAME), "stopped"


def any_loop_ways():
    """Coroutine functions, for trio too."""
    yield "dnspython", lambda: dns.asyncresolver.resolve("shop.example", "MX", lifetime=5), "led"
    yield "dnspython that asks Google", async_resolver, "led"
    yield "dnspython that asks Google over TCP", lambda: async_resolver(tcp=True), "led"
    yield "dns.asyncquery", lambda: dns.asyncquery.udp(query(), GOOGLE, 5), "led"
    yield "anyio", lambda: anyio_connects(OUTSIDE, 25), "stopped"
    yield "anyio by name", lambda: anyio_connects(NAME, 25), "stopped"
    yield "anyio to localhost", lambda: anyio_connects("localhost", 25), "stopped"


def trio_ways():
    yield "a stream", lambda: trio_connects(OUTSIDE, 25), "stopped"
    yield "a stream by name", lambda: trio_connects(NAME, 25), "stopped"
    yield "a stream to localhost", lambda: trio_connects("localhost", 25), "stopped"
    yield "sendto", lambda: trio_sends((GOOGLE, 53)), "led"
    yield "getaddrinfo", lambda: trio.socket.getaddrinfo(NAME, None), "stopped"
    yield "getnameinfo", lambda: trio.socket.getnameinfo((OUTSIDE, 25), 0), "led"


def child_ways():
    yield "a child by address", lambda: child(f"import smtplib; smtplib.SMTP({OUTSIDE!r}, 25)"), "stopped"
    yield "a child by name", lambda: child(f"import smtplib; smtplib.SMTP({NAME!r}, 25)"), "stopped"
    yield "a child to localhost", lambda: child("import smtplib; smtplib.SMTP('localhost', 25)"), "stopped"
    yield "a child asks back", lambda: child(f"import socket; socket.gethostbyaddr({OUTSIDE!r})"), "stopped"


def on(loop, work):
    """Run a coroutine function on a loop; dnspython keeps the first kind of loop that it meets."""

    def run():
        dns.asyncbackend.set_default_backend("trio" if loop == "trio" else "asyncio")
        LOOPS[loop](work)

    return run


LOOPS = {
    "asyncio": lambda work: asyncio.run(work()),
    "uvloop": lambda work: uvloop.run(work()),
    "trio": trio.run,
}


def ways():
    """All of them: name, a function, how it ends."""
    for group in (plain_ways, kernel_ways, name_ways, child_ways):
        yield from group()
    for loop in LOOPS:
        for group in (any_loop_ways, trio_ways if loop == "trio" else loop_ways):
            for name, work, ends in group():
                yield f"{loop}: {name}", on(loop, work), ends


def bring_loopback_up():
    with socket.socket() as sock:
        fcntl.ioctl(sock, 0x8914, struct.pack("16sh", b"lo", 1))  # SIOCSIFFLAGS, IFF_UP


def mark(way):
    with socket.socket(socket.AF_UNIX) as sock, suppress(OSError):
        sock.connect(f"\0way: {way}")


def tried(way):
    try:
        way()
    except STOPPED:
        return "stopped"
    except Exception as wrong:  # noqa: BLE001
        inner = wrong.split(STOPPED)[1] if isinstance(wrong, ExceptionGroup) else wrong
        return "stopped" if inner is None else repr(inner)
    return "led"


def called(server):
    """Whether a mail server of the machine has had a call."""
    try:
        taken, _ = server.accept()
    except BlockingIOError:
        return False
    taken.close()
    return True


def main():
    bring_loopback_up()
    ended = {}
    with socket.create_server(("::", 25), family=socket.AF_INET6, dualstack_ipv6=True) as server:
        server.setblocking(False)  # noqa: FBT003
        with MailNet(strict=False) as net:
            net.add_server("mx.shop.example", domain="shop.example")
            net.include_children()
            for name, way, ends in ways():
                mark(name)
                how = tried(way)
                ended[name] = "called the machine's mail server" if called(server) else how, ends
    print(json.dumps(ended))  # noqa: T201


if __name__ == "__main__":
    main()
