"""What becomes of a mail that fails DMARC, at providers that go by one edition or the other."""

from __future__ import annotations

import smtplib

import pytest

pytest.importorskip("spf")

CORP = """
name = "corp"
title = "Corp"
domains = ["corp.example"]
{dmarc}

[zone]
source = "own"
text = "corp.example. 300 IN MX 10 mx.corp.example."

[[rules]]
rule = "unknown_mailbox"

[[rules]]
rule = "local_recipient"

[[rules]]
rule = "dmarc_reject"

[replies.dmarc_reject]
stage = "message"
reply = "550 5.7.1 Rejected by the policy of {{domain}}"
source = "own"
"""
OLD = '[dmarc]\nrfc = 7489\nsource = "own"'


@pytest.fixture
def net(mailnet):
    """A net with Gmail's Alice, and a service at esp.example that passes SPF for its own names."""
    mailnet.gmail.add_mailbox("alice")
    mailnet.dns.add("esp.example", "TXT", "v=spf1 ip4:203.0.113.0/24 -all")
    mailnet.dns.add("mx.esp.example", "A", "203.0.113.7")
    mailnet.dns.add("esp.example", "MX", "10 mx.esp.example")
    return mailnet


def code_for(
    author, *, sender="bounce@esp.example", mx="gmail-smtp-in.l.google.com", recipient="alice@gmail.com"
):
    with smtplib.SMTP(mx, 25) as client:
        client.ehlo()
        client.mail(sender)
        client.rcpt(recipient)
        code, _ = client.data(f"From: bob@{author}\r\nMessage-ID: <1@{author}>\r\n\r\nhello")
        return code


@pytest.mark.parametrize(
    ("tags", "author", "code"),
    [
        ("p=reject", "shop.example", 550),
        ("p=reject; t=y", "shop.example", 250),
        ("p=none; np=reject", "nosuch.shop.example", 550),
        ("p=reject; sp=reject; np=none", "nosuch.shop.example", 250),
        ("rua=mailto:d@shop.example", "shop.example", 250),
        ("p=reject; pct=0", "shop.example", 550),
    ],
)
def test_gmail_does_as_rfc_9989_says(net, tags, author, code):
    net.dns.add("_dmarc.shop.example", "TXT", f"v=DMARC1; {tags}")
    net.dns.add("shop.example", "A", "192.0.2.99")

    assert code_for(author) == code


def test_the_policy_is_the_organisation_s_and_not_the_nearest_above(net):
    net.dns.add("_dmarc.shop.example", "TXT", "v=DMARC1; p=reject")
    net.dns.add("_dmarc.mid.shop.example", "TXT", "v=DMARC1; p=none")
    net.dns.add("a.mid.shop.example", "A", "192.0.2.99")

    assert code_for("a.mid.shop.example") == 550


def test_names_below_a_public_suffix_are_not_aligned(net):
    net.dns.add("_dmarc.co.example", "TXT", "v=DMARC1; p=reject; psd=y")
    net.dns.add("_dmarc.shop.co.example", "TXT", "v=DMARC1; p=reject")
    net.dns.add("esp.co.example", "TXT", "v=spf1 ip4:203.0.113.0/24 -all")
    net.dns.add("esp.co.example", "MX", "10 mx.esp.example")

    assert code_for("shop.co.example", sender="bounce@esp.co.example") == 550


def test_what_is_rejected_in_a_test_is_junk_and_the_record_tells_why(net):
    net.dns.add("_dmarc.shop.example", "TXT", "v=DMARC1; p=reject; t=y")

    code_for("shop.example")

    [message] = net.gmail.mailbox("alice").junk
    assert "dmarc=fail (p=reject) header.from=shop.example" in message.parsed["Authentication-Results"]
    findings = [it.finding for it in net.sessions[0].exchanges if it.finding]
    assert "DMARC of shop.example failed (p=reject, so quarantine)" in findings[-1].why


class TestWherePublicSuffixesCount:
    @pytest.fixture(autouse=True)
    def library(self):
        pytest.importorskip("publicsuffixlist")

    @pytest.mark.parametrize(
        ("dmarc", "file", "era", "code"),
        [
            ("", "corp.toml", None, 550),
            (OLD, "corp.toml", None, 250),
            ("", "corp-2019.toml", 2019, 250),
            ("", "corp-2026.toml", 2026, 550),
            (OLD.replace("7489", "9989"), "corp-2019.toml", 2019, 550),
        ],
    )
    def test_a_provider_s_file_or_its_era_tells_the_edition(
        self, make_mailnet, tmp_path, dmarc, file, era, code
    ):
        (tmp_path / "corp.toml").write_text(CORP.format(dmarc=""))
        (tmp_path / file).write_text(CORP.format(dmarc=dmarc))
        with make_mailnet(providers=[tmp_path]) as net:
            net.provider("corp", era=era).add_mailbox("alice")
            net.dns.add("_dmarc.news.shop.com", "TXT", "v=DMARC1; p=reject")
            net.sender.publish("shop.com", dkim=False, dmarc=None)

            found = code_for(
                "news.shop.com",
                sender="bounce@shop.com",
                mx="mx.corp.example",
                recipient="alice@corp.example",
            )

        assert found == code

    def test_mail_ru_names_rfc_7489_and_goes_by_it(self, net):
        net.provider("mail.ru").add_mailbox("alice")
        net.dns.add("_dmarc.shop.com", "TXT", "v=DMARC1; p=reject; pct=0")
        net.dns.add("_dmarc.club.com", "TXT", "v=DMARC1; p=reject; t=y")

        codes = [code_for(it, mx="mxs.mail.ru", recipient="alice@mail.ru") for it in ("shop.com", "club.com")]

        assert codes == [250, 550]
