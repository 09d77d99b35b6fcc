"""email-validator: what is deliverable by the records of the net, and what its resolvers remember."""

from __future__ import annotations

import pytest

pytest.importorskip(
    "email_validator", reason="email-validator is not installed; `tox -e applications` has it"
)

from email_validator import EmailUndeliverableError, caching_resolver, validate_email


def test_an_address_of_a_provider_is_deliverable_and_its_hosts_are_told(mailnet):
    found = validate_email("Alice@GMail.com")

    assert found.normalized == "Alice@gmail.com"
    assert (5, "gmail-smtp-in.l.google.com") in found.mx


def test_an_address_at_a_customer_s_own_domain_is_deliverable(mailnet):
    mailnet.add_domain("shop.example", on="google-workspace")

    assert validate_email("sales@shop.example").mx


@pytest.mark.mailnet(addresses="public")
def test_a_domain_without_mx_is_deliverable_to_its_address(mailnet):
    mailnet.add_server("shop.example")

    found = validate_email("sales@shop.example")

    assert found.mx == [(0, "shop.example")]
    assert found.mx_fallback_type == "A"


def test_an_address_of_the_documentation_s_ranges_is_none_to_deliver_to(mailnet):
    mailnet.add_server("shop.example")

    with pytest.raises(EmailUndeliverableError, match="does not accept email"):
        validate_email("sales@shop.example")


def test_a_domain_that_does_not_exist_is_refused(mailnet):
    mailnet.add_domain("shop.example", on="google-workspace")

    with pytest.raises(EmailUndeliverableError, match=r"The domain name shoop\.example does not exist\."):
        validate_email("sales@shoop.example")


def test_a_domain_that_has_nothing_to_do_with_mail_is_refused(mailnet):
    mailnet.dns.add("shop.example", "TXT", "hello")

    with pytest.raises(EmailUndeliverableError, match="does not accept email"):
        validate_email("sales@shop.example")


def test_a_null_mx_is_refused(mailnet):
    mailnet.dns.add("shop.example", "MX", "0 .")

    with pytest.raises(EmailUndeliverableError, match="does not accept email"):
        validate_email("sales@shop.example")


@pytest.mark.mailnet(addresses="public")
def test_a_domain_without_mx_that_sends_no_mail_is_refused(mailnet):
    mailnet.add_server("shop.example")
    mailnet.dns.add("shop.example", "TXT", "v=spf1 -all")

    with pytest.raises(EmailUndeliverableError, match="does not send email"):
        validate_email("sales@shop.example")


def test_name_servers_that_fail_once_put_the_look_up_off_and_the_address_passes(mailnet):
    """It is deliverable as far as anybody knows: that it has no hosts is all that tells of the failure."""
    mailnet.add_domain("shop.example", on="google-workspace")
    mailnet.dns.fail("shop.example", "SERVFAIL", rdtype="MX", times=1)

    first = validate_email("sales@shop.example")
    second = validate_email("sales@shop.example")

    assert not hasattr(first, "mx")
    assert second.mx


def test_name_servers_that_do_not_answer_put_the_look_up_off_and_the_address_passes(mailnet):
    mailnet.add_domain("shop.example", on="google-workspace")
    mailnet.clock.compress()
    mailnet.dns.fail("shop.example", "dns-time-out")
    began = mailnet.clock.time()

    found = validate_email("sales@shop.example", timeout=5)

    assert not hasattr(found, "mx")
    # dnspython pauses once more before it looks at the time, and what was lived counts too.
    assert 5 <= mailnet.clock.time() - began < 10


def test_a_caching_resolver_asks_once(mailnet):
    mailnet.add_domain("shop.example", on="google-workspace")
    resolver = caching_resolver(timeout=5)

    for name in ("sales", "office"):
        validate_email(f"{name}@shop.example", dns_resolver=resolver)

    assert [(it.name, it.rdtype) for it in mailnet.dns.queries] == [("shop.example", "MX")]


def test_a_caching_resolver_remembers_the_net_in_which_it_asked(make_mailnet):
    resolver = caching_resolver(timeout=5)
    with make_mailnet() as first:
        first.add_server("mx.shop.example", domain="shop.example")
        validate_email("sales@shop.example", dns_resolver=resolver)

    with make_mailnet() as second:
        found = validate_email("sales@shop.example", dns_resolver=resolver)

    assert found.mx == [(10, "mx.shop.example")]
    assert second.dns.queries == []


def test_no_look_up_is_made_where_none_is_wanted(mailnet):
    validate_email("sales@shoop.example", check_deliverability=False)

    assert mailnet.dns.queries == []
