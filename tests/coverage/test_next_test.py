"""The line for the next test: typed as it stands, it lets happen what no test has met."""

from __future__ import annotations

import contextlib
import smtplib
import ssl
from collections import Counter

import dns.exception
import dns.resolver
import pytest

from pytest_mailnet.coverage import COUNTED, Cell
from pytest_mailnet.coverage.importance import ORDER
from pytest_mailnet.coverage.next_test import next_test, suggestion
from pytest_mailnet.providers import catalogue_with
from pytest_mailnet.providers.zones import standing_hosts

GMAIL = Counter(
    {Cell("hosts", "gmail", "gmail-smtp-in.l.google.com"): 3, Cell("hosts", "other.example", "x"): 2}
)
SHOP = Counter(
    {Cell("hosts", "mx.shop.example", "mx.shop.example"): 1, Cell("domains", "", "shop.example"): 1}
)
SERVICE = Counter({Cell("hosts", "sendgrid", "smtp.sendgrid.net"): 1})


def deliver(domain, host=None, port=25):
    """Send a mail as an application would, by MX or through a host, and be content with whatever comes."""
    with contextlib.suppress(OSError, dns.exception.DNSException):
        if host is None:
            records = dns.resolver.resolve(domain, "MX", lifetime=10)
            host = min(records, key=lambda it: it.preference).exchange.to_text(omit_final_dot=True)
        with contextlib.closing(smtplib.SMTP(host, port, timeout=10)) as client:
            client.ehlo()
            if client.has_extn("starttls"):
                client.starttls(context=ssl.create_default_context())
                client.ehlo()
            if client.has_extn("auth"):
                with contextlib.suppress(smtplib.SMTPAuthenticationError):
                    client.login(f"alice@{domain}", "open sesame")
            with contextlib.suppress(smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused):
                client.sendmail("bob@sender.example", [f"alice@{domain}"], "Subject: x\r\n\r\nx\r\n")
            client.quit()


@pytest.fixture(scope="module")
def catalogue():
    return catalogue_with()


@pytest.mark.parametrize("cell", ORDER, ids=" ".join)
@pytest.mark.parametrize(("used", "domain"), [(GMAIL, "gmail.com"), (SHOP, "shop.example")])
def test_the_line_lets_happen_what_was_not_met(net, met, catalogue, cell, used, domain):
    code = suggestion(cell, used, catalogue).code
    provider = net.provider("gmail" if used is GMAIL else "mx.shop.example")
    if "add_mailbox" not in code:
        provider.add_mailbox("alice" if used is GMAIL else "alice@shop.example", password="open sesame")

    exec(code, {"mailnet": net})  # noqa: S102
    logs_in = used is GMAIL and cell.row in {"log-in", "auth"}  # which Gmail's MX hosts do not offer
    deliver(domain, *(("smtp.gmail.com", 587) if logs_in else ()))

    assert met()[cell]


def places():
    """The first MX host and the first submission host of each provider that has such."""
    for stem in catalogue_with().stems:
        facts = catalogue_with().load_stem(stem)
        hosts = [*list(standing_hosts(facts))[:1], *(facts.submission.hosts[:1] if facts.submission else ())]
        yield from ((stem, host) for host in hosts)


@pytest.mark.parametrize("place", list(places()), ids=" ".join)
def test_each_line_can_be_typed_whatever_provider_was_used(make_mailnet, catalogue, place):
    used = Counter({Cell("hosts", *place): 1})

    for code in {suggestion(cell, used, catalogue).code for cell in ORDER}:
        with make_mailnet(strict=False) as net:
            exec(code, {"mailnet": net})  # noqa: S102


def test_what_the_application_may_have_no_use_for_comes_last(catalogue):
    without = Counter({it: 1 for it in ORDER if it.table == "stages" and it.row not in {"starttls", "auth"}})
    asking = without + Counter({Cell("lookups", "MX", "answer"): 1})

    assert next_test(without, catalogue).cell == Cell("lookups", "A/AAAA", "SERVFAIL")
    assert next_test(asking, catalogue).cell == Cell("lookups", "MX", "SERVFAIL")


def test_the_order_has_all_that_counts_each_once():
    assert len(ORDER) == len(set(ORDER))
    assert set(ORDER) == COUNTED


def test_the_most_important_of_what_is_missing_is_told(catalogue):
    used = GMAIL + Counter({ORDER[0]: 1})

    following = next_test(used, catalogue)

    assert str(following) == (
        "no test meets the end of the connection after the dot: mailnet.gmail.on_message().disconnect()"
    )


def test_a_reply_is_the_provider_s_own_where_it_has_one(catalogue):
    following = suggestion(Cell("stages", "message", "4yz"), GMAIL, catalogue)

    assert following.told == "a refusal for now after the dot"
    [name] = following.code.partition("mailnet.gmail.on_message().reply(mailnet.gmail.replies.")[2].split(
        ")"
    )[:1]
    assert catalogue.load("gmail").phrases[name].reply.code // 100 == 4
    assert catalogue.load("gmail").phrases[name].stage == "message"


@pytest.mark.parametrize(
    ("provider", "written"),
    [
        ("hotmail-2009", 'mailnet.provider("hotmail", era=2009).on_mail().disconnect()'),
        ("mail.ru", 'mailnet.provider("mail.ru").on_mail().disconnect()'),
        ("mx-2009.shop.example", 'mailnet.provider("mx-2009.shop.example").on_mail().disconnect()'),
        ("localhost", 'mailnet.provider("localhost").on_mail().disconnect()'),
    ],
)
def test_a_provider_is_written_as_a_test_asks_for_it(catalogue, provider, written):
    used = Counter({Cell("hosts", provider, "mx.example"): 1})

    assert suggestion(Cell("stages", "mail", "cut"), used, catalogue).code == written


def test_a_service_is_told_to_fail_where_its_users_log_in(catalogue):
    assert suggestion(Cell("stages", "auth", "silent"), SERVICE, catalogue).code == (
        'mailnet.host("smtp.sendgrid.net").fail("stalled-at-auth")'
    )


def test_a_run_that_met_all_that_counts_lacks_no_test(catalogue):
    assert next_test(Counter(dict.fromkeys(ORDER, 1)), catalogue) is None
