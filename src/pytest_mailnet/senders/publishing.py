"""The DNS records that authenticate a domain's mail: SPF, DKIM, DMARC."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, get_args

from pytest_mailnet.errors import InvalidSetting, MissingExtra, amongst
from pytest_mailnet.handles.attributes import flag
from pytest_mailnet.senders.dkim_key import DkimKey, DmarcPolicy

if TYPE_CHECKING:
    from pytest_mailnet.dns.resolver import Resolver

__all__ = ["publish"]

_SELECTOR = r"(?i:[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*)"


def publish(
    dns: Resolver,
    domain: str,
    *,
    ips: tuple[str, ...],
    spf: bool | str,
    dkim: bool,
    dmarc: DmarcPolicy | str | None,
    selector: str,
) -> DkimKey | None:
    """Put the records of a domain into a net's DNS, in place of its old ones.

    Args:
        dns: the net's.
        domain: the domain.
        ips: the addresses that may send for it.
        spf: True for a record with those addresses and -all; a text for another record; False for none.
        dkim: whether to publish a key.
        dmarc: the policy, or a whole record "v=DMARC1; ..."; None for no record.
        selector: the name of the key, one or more labels.

    Returns:
        The key, or None without `dkim`.

    Raises:
        InvalidSetting: for an invalid policy, selector, `spf` or `dkim`.
        ZoneError: if the domain cannot be one.
        MissingExtra: if `dkim` is True and cryptography is not installed.
    """
    if not isinstance(spf, bool | str):
        raise InvalidSetting(f"publish({domain!r}, spf={spf!r}) takes True, False, or a record 'v=spf1 -all'")
    flag(dkim, f"publish({domain!r}, dkim=...)")
    if not (dmarc is None or str(dmarc).startswith("v=DMARC1") or dmarc in get_args(DmarcPolicy)):
        known = get_args(DmarcPolicy)
        raise InvalidSetting(
            f"publish({domain!r}, dmarc={dmarc!r}): no such policy{amongst(str(dmarc), known)}"
        )
    if not (isinstance(selector, str) and re.fullmatch(_SELECTOR, selector)):
        raise InvalidSetting(f"publish({domain!r}, selector={selector!r}): a selector is one or more labels")
    if spf:
        mechanisms = " ".join(f"ip{6 if ':' in ip else 4}:{ip}" for ip in ips)
        _replace(dns, domain, "v=spf1", spf if isinstance(spf, str) else f"v=spf1 {mechanisms} -all")
    if dmarc is not None:
        record = dmarc if dmarc.startswith("v=") else f"v=DMARC1; p={dmarc}"
        _replace(dns, f"_dmarc.{domain}", "v=DMARC1", record)
    if not dkim:
        return None
    private, public = _run_key()
    _replace(dns, f"{selector}._domainkey.{domain}", "v=DKIM1", f"v=DKIM1; k=rsa; p={public}")
    return DkimKey(domain, selector, private)


def _replace(dns: Resolver, name: str, version: str, record: str) -> None:
    kept = [it.rdata for it in dns.lookup(name, "TXT").answers if it.rdtype == "TXT" and it.name == name]
    others = [rdata for rdata in kept if not rdata.lower().lstrip('"').startswith(version.lower())]
    if kept and len(others) < len(kept):
        dns.remove(name, "TXT")
        if others:
            dns.add(name, "TXT", *others)
    # A character-string holds 255 octets (RFC 1035, 3.3).
    dns.add(name, "TXT", " ".join(f'"{record[at : at + 255]}"' for at in range(0, len(record), 255)))


@functools.cache
def _run_key() -> tuple[str, str]:
    """A key pair, as PEM and as the p= of a record. Made once a run, since it takes a tenth of a second."""
    try:
        from cryptography.hazmat.primitives import serialization  # noqa: PLC0415  # an extra
        from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtra("making a DKIM key", "cryptography", "auth") from error
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private.decode(), "".join(public.decode().splitlines()[1:-1])
