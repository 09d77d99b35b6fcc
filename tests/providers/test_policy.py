"""Which rules are on, and how a provider tells of them."""

from __future__ import annotations

import re
import smtplib

import pytest

from pytest_mailnet.errors import InvalidSetting, UnknownName

CORP = """
name = "corp"
title = "Corp"
domains = ["corp.example"]

[zone]
source = "own"
text = "corp.example. 300 IN MX 10 mx.corp.example."

[ehlo]
source = "own"
lines = ["SIZE 1000"]

[[rules]]
rule = "dynamic_address"
when = "asked"

[[rules]]
rule = "throttled_address"
stage = "mail"
when = "published"
reply = "throttled"

[[rules]]
rule = "unknown_mailbox"

[[rules]]
rule = "local_recipient"

[[rules]]
rule = "relaying_denied"

[replies.dynamic_ip]
stage = "mail"
reply = "550 5.7.1 {ip} is dynamic"
source = "own"

[replies.throttled]
stage = "mail"
reply = "451 4.7.1 {ip} has sent too much"
source = "own"

[replies.user_unknown]
stage = "rcpt"
reply = "550 5.1.1 Nobody here by the name of {recipient}"
source = "own"
"""


@pytest.fixture
def corp_file(tmp_path):
    file = tmp_path / "corp.toml"
    file.write_text(CORP)
    return file


@pytest.fixture
def net(make_mailnet, corp_file):
    with make_mailnet(providers=[corp_file]) as net:
        net.provider("corp").add_mailbox("alice")
        yield net


@pytest.fixture
def corp(net):
    return net.provider("corp")


def send(sender="bob@shop.example", recipient="alice@corp.example"):
    """Send through the provider's MX; returns the reply to MAIL or RCPT, as text."""
    with smtplib.SMTP("mx.corp.example", 25) as client:
        client.ehlo()
        code, text = client.mail(sender)
        if code == 250:
            code, text = client.rcpt(recipient)
    return f"{code} {text.decode()}"


def test_a_rule_to_be_asked_for_is_off_in_a_fresh_net(net):
    net.sender.dynamic = True

    assert send() == "250 2.1.5 OK"


@pytest.mark.parametrize("name", ["dynamic_address", "reputation"])
def test_a_rule_is_turned_on_by_its_name_or_its_family(net, corp, name):
    net.sender.dynamic = True

    corp.enforce(name)

    assert send() == "550 5.7.1 203.0.113.7 is dynamic"


def test_all_rules_are_turned_on_at_once(net, corp):
    net.sender.throttled = True

    corp.enforce_all()

    assert send() == "451 4.7.1 203.0.113.7 has sent too much"


def test_a_setting_turns_rules_on_at_every_provider(make_mailnet, corp_file):
    with make_mailnet(providers=[corp_file], enforce=["dynamic_address"]) as net:
        net.sender.dynamic = True

        assert send() == "550 5.7.1 203.0.113.7 is dynamic"


@pytest.mark.parametrize(
    "record",
    [
        ("shop.example", "TXT", "v=spf1 -all"),
        ("_dmarc.shop.example", "TXT", "v=DMARC1; p=reject"),
        ("s1._domainkey.shop.example", "TXT", "k=rsa; p=MIGf"),
    ],
    ids=["spf", "dmarc", "dkim"],
)
@pytest.mark.parametrize("domain", ["shop.example", "news.shop.example"])
def test_a_rule_about_the_sender_s_domain_waits_until_that_has_published_something(net, record, domain):
    net.sender.throttled = True
    before = send(f"bob@{domain}")

    net.dns.add(*record)

    assert before == "250 2.1.5 OK"
    assert send(f"bob@{domain}") == "451 4.7.1 203.0.113.7 has sent too much"
    assert send("bob@other.example") == "250 2.1.5 OK"


def test_records_that_tell_nobody_apart_turn_nothing_on(net):
    net.sender.throttled = True

    net.dns.add("shop.example", "MX", "10 mx.corp.example.")
    net.dns.add("shop.example", "TXT", "site-verification=1")

    assert send() == "250 2.1.5 OK"


def test_an_unknown_rule_is_told_with_near_misses(corp):
    with pytest.raises(
        UnknownName, match=r"no rule of corp 'dynamic_adress' \(did you mean 'dynamic_address'"
    ):
        corp.enforce("dynamic_adress")


def test_no_rule_at_all_is_told_with_those_that_there_are(corp):
    with pytest.raises(InvalidSetting, match=r"takes the names of rules: dynamic_address, reputation, "):
        corp.enforce()


def test_an_unknown_rule_in_the_settings_is_told(make_mailnet):
    with pytest.raises(
        InvalidSetting, match=r"enforce: no rule 'dynamic_adress' \(did you mean 'dynamic_address'"
    ):
        make_mailnet(enforce=["dynamic_adress"])


def explained(corp, net):
    """Lines of the first session's explanation; newer versions of smtplib write commands in other letters."""
    told = corp.explain(net.sessions[0])
    return re.sub(r"(?im)^(mail from|rcpt to):", lambda verb: verb[0].upper(), told).splitlines()


def test_a_session_is_explained_rule_by_rule(net, corp):
    send(recipient="carl@corp.example")

    assert explained(corp, net)[2:] == [
        "MAIL FROM:<bob@shop.example> -> 250 2.1.0 OK",
        "    dynamic_address: off until the test asks, .enforce('dynamic_address')",
        "    throttled_address: let it pass, or waits for records of the sender's domain",
        "RCPT TO:<carl@corp.example> -> 550 5.1.1 Nobody here by the name of carl@corp.example",
        "    unknown_mailbox: there is no mailbox carl@corp.example",
        "    local_recipient: not asked",
        "    relaying_denied: not asked",
    ]


def test_a_permission_ends_its_stage(net, corp):
    send()

    assert explained(corp, net)[-4:] == [
        "RCPT TO:<alice@corp.example> -> 250 2.1.5 OK",
        "    unknown_mailbox: let it pass",
        "    local_recipient: permitted, which ends the stage",
        "    relaying_denied: not asked",
    ]


def test_a_scripted_answer_is_explained_as_the_test_s_own(net, corp):
    corp.on_rcpt("alice@*").reply("452 4.2.2 Full")

    send()

    assert explained(corp, net)[-2:] == [
        "RCPT TO:<alice@corp.example> -> 452 4.2.2 Full",
        "    the test's own answer, which comes before the rules",
    ]


def test_a_command_out_of_order_is_explained_without_rules(net, corp, converse):
    client = converse("mx.corp.example")
    client.say("EHLO app.example")
    client.say("RCPT TO:<alice@corp.example>")

    assert explained(corp, net)[-1] == (
        "    no rule was asked: the command was not in order, or came out of order"
    )


def test_the_failure_section_tells_the_rule_that_refused(pytester, corp_file):
    pytester.makeini(f"[pytest]\nmailnet_providers = {corp_file}\n")
    pytester.makepyfile(
        """
        import smtplib

        def test_mail(mailnet):
            with smtplib.SMTP("mx.corp.example", 25) as client:
                client.sendmail("bob@shop.example", ["carl@corp.example"], "")
        """
    )

    result = pytester.runpytest_inprocess()

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "* ms  [[]1[]] S  550 5.1.1 Nobody here by the name of carl@corp.example",
            "* ms  [[]1[]] -> unknown_mailbox: there is no mailbox carl@corp.example",
        ]
    )


def test_the_ini_file_turns_rules_on(pytester, corp_file):
    pytester.makeini(
        f"[pytest]\nmailnet_providers = {corp_file}\nmailnet_enforce = dynamic_address reputation\n"
    )
    pytester.makepyfile(
        """
        def test_settings(mailnet):
            assert mailnet.config.enforce == ("dynamic_address", "reputation")
        """
    )

    pytester.runpytest_inprocess().assert_outcomes(passed=1)
