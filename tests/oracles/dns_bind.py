"""BIND as a resolver beside the net: one process on loopback, with the zones of a folder."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import dns.exception
import dns.message
import dns.query

__all__ = ["SIGNED", "ZONES", "Bind", "missing"]

ZONES = Path(__file__).parent / "dns_zones"
SIGNED = "signed.example"
"""The zone that is signed, and that the resolver has a trust anchor for."""

_HOST, _ITSELF = "127.0.0.1", "127.0.0.2"
_PROGRAMS = ("named", "dnssec-keygen", "dnssec-signzone")
_PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
_PATIENCE = 20.0  # seconds

# What the net tells of the root.
_ROOT = """\
. 86400 IN SOA a.root-servers.net. nstld.verisign-grs.com. 2026010100 1800 900 604800 86400
. 3600 IN NS ns.mailnet.example.
ns.mailnet.example. 300 IN A 192.0.2.53
"""

# Two views: one has the zones, the other asks it as a resolver does, follows aliases and validates. They are told
# apart by where a question comes from.
_CONFIGURATION = """\
options {{
    directory "{folder}";
    pid-file none; session-keyfile none; lock-file none;
    listen-on port {port} {{ {host}; }};
    listen-on-v6 {{ none; }};
    notify no; empty-zones-enable no; minimal-responses yes; querylog no;
}};
controls {{ }};
logging {{ category default {{ default_stderr; }}; }};
trust-anchors {{ {anchor} }};
view authority {{
    match-clients {{ {itself}; }};
    recursion no; dnssec-validation no;
    {zones}
}};
view resolver {{
    match-clients {{ any; }};
    recursion yes; allow-recursion {{ any; }}; allow-query-cache {{ any; }};
    dnssec-validation yes;
    query-source address {itself};
    max-ncache-ttl 604800;
    forward only; forwarders {{ {host} port {port}; }};
}};
"""


def missing() -> str | None:
    """Why BIND cannot be asked here; None if it can."""
    if sys.platform != "linux":  # where every address of 127/8 can be bound to
        return "BIND is asked on Linux only"
    absent = [it for it in _PROGRAMS if shutil.which(it, path=_PATH) is None]
    return f"BIND is not installed (Debian: bind9): there is no {', '.join(absent)}" if absent else None


class Bind:
    """A running BIND.

    Attributes:
        version: as it tells it.
        address: where its resolver is to be asked.
    """

    def __init__(self, version: str, address: tuple[str, int]) -> None:
        self.version, self.address = version, address

    @classmethod
    @contextlib.contextmanager
    def started(cls, folder: Path) -> Iterator[Bind]:
        """Run BIND in an empty folder until the context ends."""
        anchor = _sign(folder)
        port = _free_port()
        delegations = []
        zones = ['zone "." { type primary; file "root.zone"; };']
        for zone in sorted(ZONES.iterdir()):
            file = folder / f"{zone.name}.signed" if zone.name == SIGNED else zone
            delegations.append(f"{zone.name}. 3600 IN NS ns.mailnet.example.\n")
            zones.append(f'zone "{zone.name}" {{ type primary; file "{file}"; check-names ignore; }};')
        (folder / "root.zone").write_text(_ROOT + "".join(delegations))
        configuration = folder / "named.conf"
        configuration.write_text(
            _CONFIGURATION.format(
                folder=folder,
                port=port,
                host=_HOST,
                itself=_ITSELF,
                anchor=anchor,
                zones="\n    ".join(zones),
            )
        )
        log = folder / "named.log"
        with log.open("wb") as written:
            process = subprocess.Popen(
                (_found("named"), "-f", "-n", "1", "-c", str(configuration)),
                stdin=subprocess.DEVNULL,
                stdout=written,
                stderr=written,
            )
        try:
            _wait_for((_HOST, port), process, log)
            # What has been validated once has AD, even where CD asks for no validation.
            dns.query.udp(dns.message.make_query(SIGNED, "MX"), _HOST, _PATIENCE, port)
            told = subprocess.run((_found("named"), "-v"), check=True, capture_output=True, text=True).stdout
            yield cls(told.split("(")[0].strip(), (_HOST, port))
        finally:
            process.terminate()
            process.wait(_PATIENCE)


def _sign(folder: Path) -> str:
    """Sign the zone that is to be signed, and return the trust anchor for it."""
    keygen = (_found("dnssec-keygen"), "-q", "-a", "ECDSAP256SHA256", "-f", "KSK", "-K", str(folder), SIGNED)
    key = folder / f"{_run(*keygen).strip()}.key"
    _run(
        *(_found("dnssec-signzone"), "-q", "-z", "-S", "-K", str(folder), "-o", SIGNED),
        *("-f", str(folder / f"{SIGNED}.signed"), "-d", str(folder), str(ZONES / SIGNED)),
    )
    [line] = [it for it in key.read_text().splitlines() if not it.startswith(";")]
    flags, protocol, algorithm, public = line.partition(" DNSKEY ")[2].split(None, 3)
    return f'{SIGNED} static-key {flags} {protocol} {algorithm} "{public}";'


def _wait_for(address: tuple[str, int], process: subprocess.Popen[bytes], log: Path) -> None:
    asked = dns.message.make_query("shop.example", "SOA")
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError, dns.exception.DNSException):
            if dns.query.udp(asked, address[0], 0.2, address[1]).answer:
                return
    raise TimeoutError(f"BIND has not answered: {log.read_text() or 'it said nothing'}")


def _free_port() -> int:
    """A port that nobody has, for datagrams or for streams."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams, socket.socket() as streams:
            datagrams.bind((_HOST, 0))
            port: int = datagrams.getsockname()[1]
            with contextlib.suppress(OSError):  # the streams' is another's, or was until just now
                streams.bind((_HOST, port))
                return port


def _found(program: str) -> str:
    return shutil.which(program, path=_PATH) or program


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
