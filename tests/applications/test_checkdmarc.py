"""checkdmarc: MX, SPF and DMARC by the records of the net, and whether its hosts speak TLS."""

from __future__ import annotations

import pytest

pytest.importorskip("checkdmarc", reason="checkdmarc is not installed; `tox -e applications` has it")

from checkdmarc import check_domains, dnssec, smtp, utils
from checkdmarc.dmarc import check_dmarc
from checkdmarc.smtp import SMTPError, check_mx
from checkdmarc.smtp import test_starttls as starttls
from checkdmarc.smtp import test_tls as tls
from checkdmarc.spf import check_spf

CACHES = (
    utils.DNS_CACHE,
    utils._NAMESERVER_FAILURES,
    dnssec.DNSSEC_CACHE,
    dnssec.DNSKEY_CACHE,
    dnssec.TLSA_CACHE,
    smtp.TLS_CACHE,
    smtp.STARTTLS_CACHE,
)


@pytest.fixture(autouse=True)
def _forgetful():
    """It remembers for half an hour what it found out, whatever net that was in."""
    for cache in CACHES:
        cache.clear()


def test_a_domain_that_is_as_it_should_be_has_no_warnings(mailnet, shop):
    mailnet.sender.publish("shop.example", dmarc="reject")

    result = check_domains(["shop.example"], check_mx_tls=True)

    [host] = result["mx"]["hosts"]
    assert host["hostname"] == "mx.shop.example"
    assert (host["tls"], host["starttls"]) == (True, True)
    assert result["mx"]["warnings"] == []
    assert result["spf"]["valid"]
    assert result["spf"]["parsed"]["all"] == "fail"
    assert result["dmarc"]["tags"]["p"]["value"] == "reject"
    assert [session.tls is not None for session in mailnet.sessions] == [True]


def test_the_hosts_of_a_provider_are_found_and_speak_tls(mailnet):
    result = check_mx("gmail.com", check_mx_tls=True)

    assert [(it["preference"], it["starttls"]) for it in result["hosts"]] == [
        (n, True) for n in (5, 10, 20, 30, 40)
    ]
    assert not [it for it in result["warnings"] if "STARTTLS" in it]


def test_a_domain_without_policies_is_told_so(mailnet, shop):
    assert check_spf("shop.example")["error"] == "An SPF record does not exist."
    assert "A DMARC record does not exist" in check_dmarc("shop.example")["error"]


def test_more_look_ups_than_spf_allows_are_counted(mailnet):
    for number in range(11):
        mailnet.dns.add(f"_{number}.shop.example", "TXT", f"v=spf1 include:_{number + 1}.shop.example -all")
    mailnet.dns.add("_11.shop.example", "TXT", "v=spf1 -all")
    mailnet.dns.add("shop.example", "TXT", "v=spf1 include:_0.shop.example -all")

    result = check_spf("shop.example")

    assert not result["valid"]
    assert "DNS lookups" in result["error"]


def test_a_null_mx_is_told(mailnet):
    mailnet.dns.add("shop.example", "MX", "0 .")

    result = check_mx("shop.example")

    assert result["hosts"] == []
    assert any("null MX" in it for it in result["warnings"])


def test_an_mx_that_leads_nowhere_is_told(mailnet):
    mailnet.dns.add("shop.example", "MX", "10 gone.shop.example")

    result = check_mx("shop.example")

    assert "The domain gone.shop.example does not exist." in result["warnings"]


def test_name_servers_that_fail_are_told_and_come_back(mailnet, shop):
    mailnet.dns.fail("shop.example", "SERVFAIL", rdtype="MX", times=1)

    first = check_mx("shop.example")
    second = check_mx("shop.example")

    assert "SERVFAIL" in first["error"]
    assert [it["hostname"] for it in second["hosts"]] == ["mx.shop.example"]


def test_name_servers_that_do_not_answer_are_told_after_the_time_out(mailnet, shop):
    mailnet.clock.compress()
    mailnet.dns.fail("shop.example", "dns-time-out")
    began = mailnet.clock.time()

    result = check_mx("shop.example", timeout=2)

    assert "The resolution lifetime expired after 2." in result["error"]
    assert 2 <= mailnet.clock.time() - began < 4  # what was lived counts too


def test_a_host_that_offers_no_starttls_is_told(mailnet, shop):
    mailnet.host("mx.shop.example").tls.strip_starttls()

    result = check_mx("shop.example", check_mx_tls=True)

    assert "STARTTLS is not supported on mx.shop.example." in result["warnings"]
    assert result["hosts"][0]["tls"]


@pytest.mark.parametrize(
    ("flaw", "reason"), [("expired", "has expired"), ("wrong_name", "Hostname mismatch")]
)
def test_a_certificate_that_is_not_good_is_told(mailnet, shop, flaw, reason):
    getattr(mailnet.host("mx.shop.example").tls, flaw)()

    for probe in (starttls, tls):
        with pytest.raises(SMTPError, match=rf"SSL error: .*certificate verify failed: .*{reason}"):
            probe("mx.shop.example")


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("refused-at-connect", "Connection refused"),
        ("dropped-at-connect", "Connection timed out"),
        (
            "reset-at-ehlo",
            r"SMTP error code Connection unexpectedly closed: \[Errno 104\] Connection reset by peer",
        ),
        ("stalled-at-connect", "SMTP error code Connection unexpectedly closed: timed out"),
    ],
)
def test_a_host_that_is_not_to_be_spoken_to_is_told(mailnet, shop, fault, reason):
    mailnet.clock.compress()
    mailnet.host("mx.shop.example").fail(fault)

    with pytest.raises(SMTPError, match=f"^{reason}$"):
        starttls("mx.shop.example")


def test_a_host_that_wants_nothing_of_us_is_told(mailnet, shop):
    shop.on_connect().reply("554 5.7.1 Your address is blocked")

    with pytest.raises(SMTPError, match=r"^Could not connect: SMTP error code 554 - Not allowed$"):
        starttls("mx.shop.example")


def test_a_host_that_is_busy_is_told_and_comes_back(mailnet, shop):
    shop.on_connect().reply("421 4.3.2 Too busy").times(1)

    with pytest.raises(SMTPError, match=r"^Could not connect: SMTP error code 421$"):
        starttls("mx.shop.example")
    assert starttls("mx.shop.example")


def test_what_was_found_out_in_one_net_is_told_in_the_next(make_mailnet):
    with make_mailnet() as first:
        first.add_server("mx.shop.example", domain="shop.example")
        check_mx("shop.example", check_mx_tls=True)

    with make_mailnet() as second:
        result = check_mx("shop.example", check_mx_tls=True)

    assert result["hosts"][0]["starttls"]
    assert (second.sessions, [it.rdtype for it in second.dns.queries if it.rdtype == "MX"]) == ([], [])
