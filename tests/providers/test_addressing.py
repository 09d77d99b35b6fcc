"""Which addresses are one mailbox: tags, dots, capitals, and domains of other scripts."""

from __future__ import annotations

import smtplib
from email.message import EmailMessage

import dns.resolver
import pytest

from pytest_mailnet import FaultSchedule
from pytest_mailnet.errors import InvalidAddress, ProviderFileError, UnknownName
from pytest_mailnet.providers import catalogue_with

MAIL = b"Subject: hi\r\n\r\nhello\r\n"
GMAIL = "gmail-smtp-in.l.google.com"


def send(host, *recipients, options=()):
    with smtplib.SMTP(host, 25) as client:
        return client.sendmail("bob@b.example", recipients, MAIL, options)


@pytest.mark.parametrize(
    "address",
    [
        "alice+shop@gmail.com",
        "al.ice@gmail.com",
        "A.L.I.C.E+a+b@Gmail.com",
        "alice@googlemail.com",
        "al.ice+shop@googlemail.com",
    ],
)
def test_gmail_delivers_all_spellings_of_an_address_to_one_mailbox(mailnet, address):
    alice = mailnet.gmail.add_mailbox("alice")

    send(GMAIL, address)

    assert [it.recipients for it in alice.messages] == [(address,)]
    assert mailnet.gmail.mailbox(address) is alice


def test_a_mailbox_is_added_once_however_it_is_spelt(mailnet):
    alice = mailnet.gmail.add_mailbox("al.ice")

    send(GMAIL, "alice@gmail.com", "ali.ce+x@gmail.com")

    assert mailnet.gmail.add_mailbox("alice@googlemail.com", quota=100) is alice
    assert (alice.address, alice.quota, len(alice.messages)) == ("al.ice@gmail.com", 100, 1)
    assert mailnet.gmail.mailboxes == [alice]


def test_rules_about_recipients_find_the_same_mailbox(mailnet):
    mailnet.gmail.add_mailbox("alice").disabled = True

    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        send(GMAIL, "al.ice+x@googlemail.com", "carl+alice@gmail.com")

    assert {code for code, _ in refused.value.recipients.values()} == {550}
    assert b"does not exist" in refused.value.recipients["carl+alice@gmail.com"][1]
    assert b"inactive" in refused.value.recipients["al.ice+x@googlemail.com"][1]


@pytest.mark.parametrize(
    ("provider", "tagged", "dotted"),
    [
        ("fastmail", True, False),
        ("google-workspace", True, False),
        ("hotmail", True, False),
        ("icloud", True, False),
        ("microsoft365", True, False),
        ("opensmtpd", True, False),
        ("proton", True, False),
        ("sendmail", True, False),
        ("yandex", True, False),
        ("yahoo", False, False),
        ("gmx", False, False),
        ("postfix", False, False),
        ("exim", False, False),
        ("qmail", False, False),
    ],
)
def test_other_providers_know_tags_or_not_and_no_dots(mailnet, provider, tagged, dotted):
    shop = mailnet.provider(provider)
    if not shop.domains:
        shop = mailnet.add_domain("shop.example", on=provider)
    domain = shop.domains[0]
    shop.add_mailbox("alice")

    known = [local for local in ("alice+shop", "al.ice") if _has(shop, f"{local}@{domain}")]

    assert known == ["alice+shop"] * tagged + ["al.ice"] * dotted


def _has(shop, address):
    try:
        return bool(shop.mailbox(address))
    except UnknownName:
        return False


def test_icloud_s_domains_are_one(mailnet):
    alice = mailnet.icloud.add_mailbox("alice")

    assert mailnet.icloud.mailbox("alice@me.com") is alice
    assert mailnet.icloud.mailbox("alice+x@mac.com") is alice


def test_hotmail_s_domains_are_not(mailnet):
    alice = mailnet.hotmail.add_mailbox("alice@hotmail.com")

    assert mailnet.hotmail.add_mailbox("alice@outlook.com") is not alice


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("subaddress = '+'", "addressing.source: is missing"),
        ("source = 'x'\nsubaddress = '++'", "addressing.subaddress: '++' is not one sign, such as '+'"),
        ("source = 'x'\ndots = 'no'", "addressing.dots: 'no' is not true or false"),
        ("source = 'x'\nsame_domains = ['b.example']", "addressing.same_domains: no domain 'b.example'"),
    ],
)
def test_a_mistake_in_a_provider_s_file_is_told_with_its_key(tmp_path, table, told):
    (tmp_path / "shop.toml").write_text(
        f"name = 'shop'\ntitle = 'Shop'\ndomains = ['shop.example']\n[replies]\n[addressing]\n{table}\n"
    )

    with pytest.raises(ProviderFileError) as failed:
        catalogue_with((tmp_path,)).load("shop")

    assert told in str(failed.value)


U_LABELS, A_LABELS = "jö@bücher.example", "jö@xn--bcher-kva.example"


@pytest.fixture
def books(mailnet):
    return mailnet.add_server("mx.b.example", domain="bücher.example")


@pytest.mark.parametrize("added", [U_LABELS, A_LABELS, "JÖ@BÜCHER.example", "jo\u0308@bücher.example"])
@pytest.mark.parametrize("recipient", [U_LABELS, A_LABELS, "jo\u0308@bücher.example"])
def test_a_domain_is_one_in_u_labels_and_in_a_labels(books, added, recipient):
    jo = books.add_mailbox(added)

    send("mx.b.example", recipient, options=["SMTPUTF8"])

    assert [it.recipients for it in jo.messages] == [(recipient,)]
    assert books.mailboxes == [jo]
    assert jo.address == added


def test_smtplib_s_send_message_reaches_a_domain_of_another_script(books):
    mail = EmailMessage()
    mail["From"], mail["To"] = "b@sender.example", U_LABELS
    mail.set_content("x")

    with smtplib.SMTP("mx.b.example") as client:
        client.send_message(mail)

    assert len(books.mailbox(U_LABELS).messages) == 1


def test_an_ascii_address_needs_no_smtputf8(books):
    sales = books.add_mailbox("sales@bücher.example")

    send("mx.b.example", "sales@xn--bcher-kva.example")

    assert len(sales.messages) == 1


def test_a_provider_refuses_who_is_unknown_in_both_forms(mailnet, books):
    shop = mailnet.add_domain("bücher.test", on="postfix")
    host = next(iter(shop.hosts))

    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        send(host, "jo@bücher.test", "jo@xn--bcher-kva.test", options=["SMTPUTF8"])

    assert all(b"User unknown" in text for _, text in refused.value.recipients.values())


def test_a_relay_finds_the_host_of_a_domain_in_u_labels(mailnet, books):
    relay = mailnet.add_server("smtp.app.example", domain="app.example")
    relay.trust("0.0.0.0/0")
    jo = books.add_mailbox(U_LABELS)

    send("smtp.app.example", U_LABELS, options=["SMTPUTF8"])
    mailnet.deliver_all()

    assert len(jo.messages) == 1


@pytest.mark.parametrize("glob", ["*@bücher.example", "*@xn--bcher-kva.example", "jö@bücher.*"])
@pytest.mark.parametrize("recipient", [U_LABELS, A_LABELS])
def test_a_glob_matches_both_forms(books, glob, recipient):
    books.on_rcpt(glob).reply("450 4.2.0 Later")

    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send("mx.b.example", recipient, options=["SMTPUTF8"])


def test_an_account_owns_its_address_in_both_forms(mailnet, books):
    books.add_mailbox("jo@bücher.example", password="pw", aliases=["info@bücher.example"])

    with smtplib.SMTP("mx.b.example", 25) as client:
        client.login("jo@xn--bcher-kva.example", "pw")

    assert mailnet.sessions[0].user == "jo@bücher.example"
    assert books.mailbox("info@xn--bcher-kva.example").address == "jo@bücher.example"


def test_what_can_be_no_domain_is_refused_as_before(books):
    with pytest.raises(InvalidAddress, match="cannot be a mailbox"):
        books.add_mailbox(f"jo@{'ü' * 70}.example")


def test_a_schedule_of_faults_knows_both_forms(mailnet, books):
    mailnet.fail("bücher.example", FaultSchedule("dns-servfail", None))

    with pytest.raises(dns.resolver.NoNameservers):
        dns.resolver.resolve("xn--bcher-kva.example", "MX")
    assert len(dns.resolver.resolve("bücher.example", "MX")) == 1


@pytest.mark.parametrize("domain", ["bücher.example", "xn--bcher-kva.example"])
def test_authentication_knows_both_forms(mailnet, domain):
    pytest.importorskip("spf")
    pytest.importorskip("dkim")
    mailnet.sender.publish("bücher.example", dkim=False, dmarc="reject")
    alice = mailnet.gmail.add_mailbox("alice")

    with smtplib.SMTP(GMAIL, 25) as client:
        mail = f"From: jo@{domain}\r\nSubject: hi\r\n\r\nhello\r\n".encode()
        client.sendmail(f"jo@{domain}", ["alice@gmail.com"], mail, ["SMTPUTF8"])

    told = alice.messages[0]["Authentication-Results"]
    assert "spf=pass" in told
    assert "dmarc=pass" in told
