"""Libraries around mail, with their own look-ups on: SPF, DKIM, address validation, Django."""

from __future__ import annotations

import base64

import dkim
import email_validator
import pytest
import spf
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.smtp import EmailBackend

# pyspf still calls `dns.resolver.query`, which dnspython would have renamed.
pyspf = pytest.mark.filterwarnings("ignore:please use dns.resolver.resolve:DeprecationWarning")


@pyspf
@pytest.mark.parametrize(
    ("ip", "result"),
    [("192.0.2.10", "pass"), ("203.0.113.200", "pass"), ("198.51.100.1", "fail")],
)
def test_pyspf_judges_by_the_records_of_the_net(mailnet, mx, asked, ip, result):
    mailnet.dns.add("shop.example", "TXT", '"v=spf1 mx include:_spf.esp.example -all"')
    mailnet.dns.add("_spf.esp.example", "TXT", '"v=spf1 ip4:203.0.113.0/24 -all"')

    verdict, _ = spf.check2(i=ip, s="bob@shop.example", h="app.example")

    assert verdict == result
    assert ("shop.example", "TXT", "NOERROR", "udp", None, mailnet.sender.ip) in asked()


@pyspf
def test_pyspf_finds_no_policy_where_there_is_none(mailnet, mx):
    assert spf.check2(i="192.0.2.10", s="bob@shop.example", h="app.example")[0] == "none"


@pyspf
def test_pyspf_tells_a_temporary_failure_of_the_name_server(mailnet):
    mailnet.dns.fail("shop.example", "SERVFAIL")

    assert spf.check2(i="192.0.2.10", s="bob@shop.example", h="app.example")[0] == "temperror"


@pytest.fixture(scope="module")
def key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def signed(key, letter):
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    mail = letter.encode()
    return dkim.sign(mail, b"s1", b"app.example", private) + mail


@pytest.fixture
def published(key):
    public = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    record = f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}"
    return f'"{record[:255]}" "{record[255:]}"'  # RFC 1035, 3.3: a string has 255 octets at most


def test_dkimpy_verifies_by_the_key_in_the_net(mailnet, signed, published, asked):
    mailnet.dns.add("s1._domainkey.app.example", "TXT", published)

    assert dkim.verify(signed)

    assert asked() == [("s1._domainkey.app.example", "TXT", "NOERROR", "udp", None, mailnet.sender.ip)]


def test_dkimpy_verifies_nothing_without_the_key(mailnet, signed, asked):
    assert not dkim.verify(signed)

    assert [rcode for _, _, rcode, *_ in asked()] == ["NXDOMAIN"]


def test_dkimpy_does_not_verify_an_altered_mail(mailnet, signed, published):
    mailnet.dns.add("s1._domainkey.app.example", "TXT", published)

    assert not dkim.verify(signed.replace(b"hello", b"hallo"))


@pytest.fixture
def _every_domain(monkeypatch):
    # RFC 2606's names are refused by email-validator before any look-up.
    monkeypatch.setattr(email_validator, "SPECIAL_USE_DOMAIN_NAMES", [])


@pytest.mark.usefixtures("_every_domain")
def test_email_validator_passes_a_domain_with_an_mx(mailnet, mx, asked):
    found = email_validator.validate_email("sales@shop.example", check_deliverability=True)

    assert found.mx == mx_names(mx)
    assert asked() == [("shop.example", "MX", "NOERROR", "udp", None, mailnet.sender.ip)]


def mx_names(mx):
    return [(preference, name.rstrip(".")) for preference, name in mx]


def test_email_validator_passes_gmail(mailnet):
    found = email_validator.validate_email("alice@gmail.com", check_deliverability=True)

    assert (5, "gmail-smtp-in.l.google.com") in found.mx


@pytest.mark.usefixtures("_every_domain")
def test_email_validator_refuses_an_unknown_domain(mailnet, mx):
    with pytest.raises(email_validator.EmailUndeliverableError, match="does not exist"):
        email_validator.validate_email("sales@shoop.example", check_deliverability=True)


@pytest.mark.usefixtures("_every_domain")
def test_email_validator_refuses_a_null_mx(mailnet):
    mailnet.dns.add("nomail.example", "MX", "0 .")

    with pytest.raises(email_validator.EmailUndeliverableError, match="does not accept email"):
        email_validator.validate_email("sales@nomail.example", check_deliverability=True)


# Django 6.1 would have its back ends made by its settings.
@pytest.mark.filterwarnings("ignore:Directly creating EmailBackend")
def test_django_delivers(mailnet, delivered):
    if not settings.configured:
        settings.configure()
    backend = EmailBackend(host="mx.shop.example", port=25, timeout=10)

    sent = backend.send_messages([EmailMessage("hi", "hello", "bob@app.example", ["sales@shop.example"])])

    assert sent == 1
    delivered()
