"""Who the application seems to be: what the net's DNS says of its addresses."""

from __future__ import annotations

import dns.resolver
import pytest

from pytest_mailnet.errors import InvalidSetting, ZoneError
from pytest_mailnet.net.mailnet import life_of

ZEN = "7.113.0.203.zen.spamhaus.org"
NIBBLES = "7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.3.0.2.0.8.b.d.0.1.0.0.2"


def ask(name, rdtype="A"):
    return sorted(str(it).strip('"') for it in dns.resolver.resolve(name, rdtype))


def test_a_sender_is_on_no_list(mailnet):
    with pytest.raises(dns.resolver.NXDOMAIN):
        ask(ZEN)

    assert mailnet.sender.listed_in == ()


def test_a_listed_sender_can_be_looked_up_by_the_application(mailnet):
    mailnet.sender.listed_in = ["xbl"]

    assert ask(ZEN) == ["127.0.0.4"]
    assert ask(ZEN, "TXT") == ["Listed by XBL, see https://check.spamhaus.org/query/ip/203.0.113.7"]
    assert ask("7.113.0.203.xbl.spamhaus.org") == ["127.0.0.4"]
    assert ask(f"{NIBBLES}.zen.spamhaus.org") == ["127.0.0.4"]


def test_two_lists_of_one_zone_both_answer(mailnet):
    mailnet.sender.listed_in = ["sbl", "xbl"]

    assert ask(ZEN) == ["127.0.0.2", "127.0.0.4"]


def test_a_list_of_one_s_own_is_a_zone_with_its_code(mailnet):
    mailnet.sender.listed_in = {"bl.shop.example": "127.0.0.9"}

    assert ask("7.113.0.203.bl.shop.example") == ["127.0.0.9"]


@pytest.mark.parametrize(
    ("zone", "code"),
    [
        ("zen.spamhaus.org", "127.0.0.2"),
        ("xbl.spamhaus.org", "127.0.0.4"),
        ("bl.spamcop.net", "127.0.0.2"),
        ("B.BarracudaCentral.org.", "127.0.0.2"),
    ],
)
def test_a_list_is_known_by_its_zone_too(mailnet, zone, code):
    mailnet.sender.listed_in = [zone]

    assert ask(f"7.113.0.203.{zone}") == [code]


def test_a_known_list_with_a_code_has_its_text(mailnet):
    mailnet.sender.listed_in = {"bl.spamcop.net": "127.0.0.2", "zen.spamhaus.org": "127.0.0.11"}

    assert ask("7.113.0.203.bl.spamcop.net", "TXT") == [
        "Blocked - see https://www.spamcop.net/bl.shtml?203.0.113.7"
    ]
    assert ask(ZEN, "TXT") == ["Listed by PBL, see https://check.spamhaus.org/query/ip/203.0.113.7"]


def test_a_dynamic_sender_that_is_listed_as_one_is_listed_once(mailnet):
    mailnet.sender.listed_in = ["pbl"]
    mailnet.sender.dynamic = True

    assert ask(ZEN) == ["127.0.0.10"]
    assert [it.zone for it in mailnet.sender.listed_in] == ["zen.spamhaus.org", "pbl.spamhaus.org"]


def test_a_sender_that_is_no_longer_dynamic_leaves_the_list(mailnet):
    mailnet.sender.dynamic = True

    mailnet.sender.dynamic = False

    with pytest.raises(dns.resolver.NXDOMAIN):
        ask(ZEN)


def test_a_dynamic_sender_is_in_the_policy_block_list(mailnet):
    mailnet.sender.dynamic = True

    assert ask(ZEN) == ["127.0.0.10"]


def test_a_listing_follows_the_address(mailnet):
    mailnet.sender.listed_in = ["xbl"]

    mailnet.sender.ip = "198.51.100.9"

    assert ask("9.100.51.198.zen.spamhaus.org") == ["127.0.0.4"]
    with pytest.raises(dns.resolver.NXDOMAIN):
        ask(ZEN)


def test_a_reverse_name_follows_the_address(mailnet):
    mailnet.sender.ip = "198.51.100.9"

    assert ask("app.sender.example") == ["198.51.100.9"]


def test_a_listing_is_taken_away_again(mailnet):
    mailnet.sender.listed_in = ["xbl"]

    mailnet.sender.listed_in = []

    with pytest.raises(dns.resolver.NXDOMAIN):
        ask(ZEN)


def test_a_reverse_name_that_is_not_confirmed_is_made_in_dns(mailnet):
    mailnet.sender.ptr = "mail.sender.example"
    mailnet.dns.remove("mail.sender.example", "A")
    mailnet.dns.add("mail.sender.example", "A", "198.51.100.1")

    assert ask("7.113.0.203.in-addr.arpa", "PTR") == ["mail.sender.example."]
    assert ask("mail.sender.example") == ["198.51.100.1"]


@pytest.mark.parametrize(
    "change",
    [
        lambda sender: setattr(sender, "listed_in", ["xbl"]),
        lambda sender: setattr(sender, "dynamic", True),
        lambda sender: setattr(sender, "ip", "198.51.100.9"),
    ],
    ids=["listed_in", "dynamic", "ip"],
)
@pytest.mark.parametrize("addresses", [[], ["198.51.100.1"]], ids=["none", "another"])
def test_what_the_test_made_of_a_reverse_name_stays(mailnet, change, addresses):
    mailnet.dns.remove("app.sender.example", "A")
    for address in addresses:
        mailnet.dns.add("app.sender.example", "A", address)

    change(mailnet.sender)
    mailnet.sender.ipv6 = "2001:db8:9::9"

    assert list(life_of(mailnet).internet.dns.lookup("app.sender.example", "A").values("A")) == addresses
    assert ask("app.sender.example", "AAAA") == ["2001:db8:9::9"]


def test_a_reverse_name_that_the_test_has_resolved_is_left_alone(mailnet):
    mailnet.dns.add("mail.shop.example", "A", "198.51.100.1")

    mailnet.sender.ptr = "mail.shop.example"

    assert ask("mail.shop.example") == ["198.51.100.1"]
    assert life_of(mailnet).internet.dns.types("app.sender.example") == []


def test_a_reverse_name_that_can_be_none_is_told(mailnet):
    with pytest.raises(ZoneError, match="'no name' is no domain name"):
        mailnet.sender.ptr = "no name"


def test_a_listing_that_the_test_has_put_in_itself_stays(mailnet):
    mailnet.dns.add(ZEN, "A", "127.0.0.2")
    mailnet.sender.listed_in = ["xbl"]

    mailnet.sender.listed_in = []

    assert ask(ZEN) == ["127.0.0.2"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["xbll"], r"no list 'xbll' \(did you mean 'xbl'"),
        ("xbl", r"listed_in takes several lists, as in \['xbl'\], not 'xbl'"),
        ({"bl.shop.example": "10.0.0.1"}, "'10.0.0.1' is no code of a list"),
        ({"bl.shop.example": 2130706433}, "2130706433 is no code of a list"),
        ({"": "127.0.0.2"}, "listed_in '': no zone of a list"),
        ({"bl": "127.0.0.2"}, "listed_in 'bl': no zone of a list"),
        ({"bl shop.example": "127.0.0.2"}, "listed_in 'bl shop.example': no zone of a list"),
        ({"l" * 64 + ".example": "127.0.0.2"}, "no zone of a list"),
        ({".".join(["l" * 60] * 4): "127.0.0.2"}, "no zone of a list"),
        ({"bl.shop.example": "yes"}, "'yes' is no code of a list"),
    ],
)
def test_a_list_that_cannot_be_is_told(mailnet, given, told):
    with pytest.raises(InvalidSetting, match=told):
        mailnet.sender.listed_in = given


def test_a_reputation_that_there_is_not_is_told(mailnet):
    with pytest.raises(InvalidSetting, match=r"sender.reputation: 'por' \(did you mean 'poor'"):
        mailnet.sender.reputation = "por"


def test_spf_and_dmarc_are_published_with_one_call(mailnet):
    mailnet.sender.publish("shop.example", dkim=False, dmarc="reject")

    assert ask("shop.example", "TXT") == ["v=spf1 ip4:203.0.113.7 ip6:2001:db8:203::7 -all"]
    assert ask("_dmarc.shop.example", "TXT") == ["v=DMARC1; p=reject"]


def test_what_is_published_again_takes_the_place_of_what_was(mailnet):
    mailnet.dns.add("shop.example", "TXT", "site-verification=1", "v=spf1 -all")

    mailnet.sender.publish("shop.example", spf="v=spf1 mx -all", dkim=False, dmarc=None)

    assert ask("shop.example", "TXT") == ["site-verification=1", "v=spf1 mx -all"]
    with pytest.raises(dns.resolver.NXDOMAIN):
        ask("_dmarc.shop.example", "TXT")


def test_a_key_signs_and_its_public_half_verifies(mailnet):
    dkim = pytest.importorskip("dkim")
    key = mailnet.sender.publish("shop.example")
    message = b"From: shop@shop.example\r\nSubject: hi\r\n\r\nhi\r\n"

    signed = key.sign(message)

    record = "".join(
        part.decode() for part in dns.resolver.resolve("mailnet._domainkey.shop.example", "TXT")[0].strings
    )
    assert record.startswith("v=DKIM1; k=rsa; p=MIIB")
    assert dkim.verify(signed, dnsfunc=lambda *_, **__: record.encode())
    assert key.private_key.startswith("-----BEGIN RSA PRIVATE KEY-----")
    assert "PRIVATE" not in repr(key)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (
            {"dmarc": "rejct"},
            r"publish\('shop.example', dmarc='rejct'\): no such policy \(did you mean 'reject'",
        ),
        ({"selector": "a b"}, "a selector is one or more labels"),
    ],
)
def test_records_that_cannot_be_are_told(mailnet, settings, told):
    with pytest.raises(InvalidSetting, match=told):
        mailnet.sender.publish("shop.example", **settings)
