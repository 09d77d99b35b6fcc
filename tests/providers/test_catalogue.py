"""Providers of users and of other packages, and domains of a test's own on a provider."""

from __future__ import annotations

import smtplib

import dns.resolver
import pytest

from pytest_mailnet.errors import InvalidAddress, InvalidSetting, ProviderFileError, UnknownName
from pytest_mailnet.providers import catalogue_with

HOSTER = """
name = "hoster"
title = "Hoster"
aliases = ["hoster-pro"]

[zone]
source = "own"
text = "hoster.example. 300 IN TXT \\"v=spf1 -all\\""

[customer]
source = "own"
text = '''
{domain}. 3600 IN MX 10 {label}.mx.hoster.example.
{domain}. 3600 IN MX 20 backup.hoster.example.
{domain}. 3600 IN TXT "v=spf1 include:hoster.example -all"
'''

[[rules]]
rule = "unknown_mailbox"

[[rules]]
rule = "local_recipient"

[[rules]]
rule = "relaying_denied"

[replies.banner]
stage = "connect"
reply = "220 {server} Hoster"
source = "own"
"""


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "providers"
    folder.mkdir()
    (folder / "hoster.toml").write_text(HOSTER)
    return folder


@pytest.fixture
def net(make_mailnet, folder):
    with make_mailnet(providers=[folder]) as net:
        yield net


def test_a_domain_of_the_test_s_own_is_put_on_a_provider(net):
    hoster = net.add_domain("Shop.example", on="hoster")
    sales = hoster.add_mailbox("sales@shop.example")

    answer = dns.resolver.resolve("shop.example", "MX")
    preferred = sorted((it.preference, str(it.exchange)) for it in answer)
    with smtplib.SMTP(preferred[0][1], 25) as client:
        client.sendmail("bob@b.example", ["sales@shop.example"], "Subject: hi\r\n\r\n")

    assert preferred == [(10, "shop-example.mx.hoster.example."), (20, "backup.hoster.example.")]
    assert [str(it) for it in dns.resolver.resolve("shop.example", "TXT")] == [
        '"v=spf1 include:hoster.example -all"'
    ]
    assert len(sales.messages) == 1


def test_two_domains_on_a_provider_share_the_hosts_that_they_both_name(net):
    net.add_domain("shop.example", on="hoster")
    hoster = net.add_domain("club.example", on="hoster")

    assert sorted(hoster.hosts) == [
        "backup.hoster.example",
        "club-example.mx.hoster.example",
        "shop-example.mx.hoster.example",
    ]
    assert hoster.domains == ("shop.example", "club.example")


def test_a_domain_is_put_on_a_server_of_the_test_s_own(net):
    server = net.add_server("mx.shop.example", domain="shop.example")
    net.add_domain("club.example", on="mx.shop.example")

    with smtplib.SMTP("mx.shop.example", 25) as client:
        client.sendmail("bob@b.example", ["alice@club.example"], "")

    assert [str(it.exchange) for it in dns.resolver.resolve("club.example", "MX")] == ["mx.shop.example."]
    assert server.mailbox("alice@club.example").messages


def test_an_alias_means_the_same_provider(net):
    assert net.provider("hoster-pro") is net.provider("hoster")
    assert net.outlook is net.hotmail


@pytest.mark.parametrize(
    ("domain", "on", "error", "told"),
    [
        ("shop.example", "hostre", UnknownName, "no provider 'hostre' (did you mean 'hoster'"),
        ("shop.example", "gmail", InvalidSetting, "Gmail takes no domains of others"),
        ("shop..example", "hoster", InvalidAddress, "'shop..example' cannot be a host or domain name"),
    ],
)
def test_a_domain_that_cannot_be_put_there_is_told(net, domain, on, error, told):
    with pytest.raises(error) as refused:
        net.add_domain(domain, on=on)

    assert told in str(refused.value)


def test_a_domain_is_put_on_a_provider_once(net):
    net.add_domain("shop.example", on="hoster")

    with pytest.raises(InvalidSetting, match="it is there already"):
        net.add_domain("shop.example", on="hoster")


def test_a_path_without_providers_is_told(make_mailnet, tmp_path):
    with pytest.raises(InvalidSetting, match=r"providers: '.*none\.toml' is no TOML file, and no folder"):
        make_mailnet(providers=[tmp_path / "none.toml"])


def test_one_path_in_place_of_several_is_told(make_mailnet):
    with pytest.raises(
        InvalidSetting, match=r"providers takes several, as in \('corp.toml',\), not 'corp.toml'"
    ):
        make_mailnet(providers="corp.toml")


def test_a_file_that_is_named_otherwise_than_its_provider_is_refused(make_mailnet, tmp_path):
    (tmp_path / "corp.toml").write_text(HOSTER)

    with (
        make_mailnet(providers=[tmp_path]) as net,
        pytest.raises(
            ProviderFileError, match=r"corp\.toml: name: 'hoster' in a file that is named after 'corp'"
        ),
    ):
        net.provider("corp")


def test_a_user_s_file_goes_before_the_package_s_of_the_same_name(tmp_path):
    (tmp_path / "gmail.toml").write_text(HOSTER.replace('"hoster"', '"gmail"'))

    facts = catalogue_with((tmp_path,)).load("gmail")

    assert facts.title == "Hoster"


def test_a_package_ships_providers_through_an_entry_point(pytester, folder):
    package = pytester.mkpydir("mail_hoster")
    (package / "hoster.toml").write_text(HOSTER)
    installed = pytester.mkdir("mail_hoster-1.0.dist-info")
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: mail-hoster\nVersion: 1.0\n")
    (installed / "entry_points.txt").write_text("[pytest_mailnet.providers]\nhoster = mail_hoster\n")
    pytester.makepyfile(
        """
        def test_it(mailnet):
            assert mailnet.provider("hoster").facts.title == "Hoster"
        """
    )
    pytester.syspathinsert()

    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_an_entry_point_that_leads_nowhere_is_told(pytester):
    installed = pytester.mkdir("mail_hoster-1.0.dist-info")
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: mail-hoster\nVersion: 1.0\n")
    (installed / "entry_points.txt").write_text("[pytest_mailnet.providers]\nhoster = mail_hoster\n")
    pytester.makepyfile("def test_it(mailnet): mailnet.gmail")
    pytester.syspathinsert()

    result = pytester.runpytest_subprocess()

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*entry point hoster = 'mail_hoster' of group pytest_mailnet.providers: *"])


def test_every_name_of_a_provider_leads_to_it():
    catalogue = catalogue_with()

    for name in catalogue.names:
        facts = catalogue.load(name)
        assert [catalogue.owner(domain) for domain in facts.domains] == [name] * len(facts.domains)


def test_a_name_that_a_file_only_mentions_is_nobody_s():
    assert catalogue_with().owner("support.google.com") is None


def test_a_reply_that_is_shared_and_that_there_is_not_is_told(tmp_path):
    file = tmp_path / "hoster.toml"
    file.write_text(f'{HOSTER}\n[shared]\nfrom = "gmail"\nreplies = ["over_qouta"]\n')
    catalogue = catalogue_with((file,))

    with pytest.raises(UnknownName) as raised:
        catalogue.other_phrases(catalogue.load("hoster"))

    assert str(raised.value).startswith("no reply of gmail 'over_qouta' (")
    assert str(raised.value).endswith("hoster has it in [shared].")
