"""Eras of a provider: the year of its facts, or the version of a program."""

from __future__ import annotations

import smtplib

import pytest

from pytest_mailnet.errors import InvalidSetting, ProviderFileError, UnknownName
from pytest_mailnet.providers import catalogue_with

TODAY = """
name = "daemon"
title = "Daemon"
era = "4.1"

[customer]
source = "own"
text = "{domain}. 3600 IN MX 10 mail.{domain}."

[ehlo]
source = "own"
lines = ["SIZE 1000", "PIPELINING"]

[[rules]]
rule = "unknown_mailbox"

[[rules]]
rule = "local_recipient"

[replies.banner]
stage = "connect"
reply = "220 {server} Daemon"
source = "own"

[replies.user_unknown]
stage = "rcpt"
reply = "550 5.1.1 no such user"
source = "own"
"""
BEFORE = """
like = "daemon"
title = "Daemon 3.7"

[ehlo]
lines = ["SIZE 1000"]

[replies.user_unknown]
reply = "550 nobody"
"""


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "providers"
    folder.mkdir()
    (folder / "daemon.toml").write_text(TODAY)
    (folder / "daemon-3.7.toml").write_text(BEFORE)
    return folder


@pytest.fixture
def catalogue(folder):
    return catalogue_with((folder,))


def test_an_era_can_be_a_version_whose_file_tells_only_what_differs(make_mailnet, folder):
    with make_mailnet(providers=[folder]) as net:
        net.provider("daemon", era="3.7")
        net.add_domain("shop.example", on="daemon")

        with smtplib.SMTP() as client:
            banner = client.connect("mail.shop.example", 25)
            ehlo = client.ehlo("client.example")
            client.mail("bob@b.example")
            refused = client.rcpt("nobody@shop.example")

        assert banner == (220, b"mail.shop.example Daemon")
        assert ehlo[1].endswith(b"\nSIZE 1000")
        assert refused == (550, b"nobody")


def test_tables_are_changed_key_by_key_and_lists_as_a_whole(catalogue):
    today, before = catalogue.load("daemon"), catalogue.load("daemon", "3.7")

    assert (today.extensions, before.extensions) == (("SIZE 1000", "PIPELINING"), ("SIZE 1000",))
    assert before.phrases["user_unknown"].stage == "rcpt"
    assert len(before.rules) == len(today.rules) == 2
    assert (before.name, before.title, before.like) == ("daemon", "Daemon 3.7", "daemon")


def test_today_s_facts_have_an_era_too_where_their_file_names_it(catalogue):
    assert catalogue.load("daemon", "4.1") is catalogue.load("daemon")
    assert catalogue.stem("daemon-4.1") == "daemon"


def test_an_era_that_is_not_there_names_those_that_are(catalogue):
    with pytest.raises(UnknownName) as error:
        catalogue.load("daemon", "3.8")

    assert "no era of daemon '3.8'" in str(error.value)
    assert "3.7" in str(error.value)
    assert "4.1" in str(error.value)


def test_servers_of_the_test_s_own_are_no_eras(mailnet):
    mailnet.add_server("mx.shop.example")

    with pytest.raises(UnknownName) as error:
        mailnet.provider("exim", era="4.96")

    assert (
        str(error.value)
        == "no era of exim '4.96' (there is none). Without era= a provider is as it is today."
    )


def test_among_all_replies_an_era_has_only_those_that_differ(catalogue):
    assert list(catalogue.own_phrases("daemon-3.7")) == ["user_unknown"]
    assert list(catalogue.own_phrases("daemon")) == ["banner", "user_unknown"]


def test_an_era_is_like_no_other_provider(folder):
    (folder / "daemon-3.7.toml").write_text(BEFORE.replace('"daemon"', '"gmail"'))

    with pytest.raises(ProviderFileError) as error:
        catalogue_with((folder,)).load("daemon", "3.7")

    assert str(error.value) == (
        "daemon-3.7.toml: like: 'gmail' in daemon-3.7.toml: an era's file is like its own provider's of "
        "today, 'daemon'"
    )


def test_a_net_has_one_era_of_a_provider(mailnet):
    mailnet.provider("postfix", era="3.9")

    with pytest.raises(InvalidSetting) as error:
        mailnet.provider("postfix", era="3.7")

    assert "mailnet.provider('postfix', era='3.7'): postfix is in this net already" in str(error.value)


def test_postfix_is_its_newest_version_without_an_era(mailnet):
    assert mailnet.provider("postfix") is mailnet.provider("postfix", era="3.9")


def test_a_host_of_a_version_s_era_is_told_of_with_the_version_in_quotes(make_mailnet, folder):
    zone = '\n[zone]\nsource = "own"\ntext = "daemon.example. 300 IN MX 10 old.daemon.example."\n'
    (folder / "daemon-3.7.toml").write_text(BEFORE + zone)

    with make_mailnet(providers=[folder]), pytest.raises(OSError, match="known") as error:
        smtplib.SMTP("old.daemon.example", 25)

    assert "mailnet.provider('daemon', era='3.7'), before daemon is used" in str(error.value)
