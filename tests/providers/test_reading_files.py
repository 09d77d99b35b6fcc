"""The files of this package that tell how users read their mail: NAME.reading.toml."""

from __future__ import annotations

import re
import tomllib
from importlib import resources

import dns.resolver
import pytest

import pytest_mailnet.providers
from pytest_mailnet.errors import ProviderFileError
from pytest_mailnet.mailboxes.shelf import PLAIN
from pytest_mailnet.providers import Catalogue, catalogue_with
from pytest_mailnet.providers.catalogue import stock_reading
from pytest_mailnet.providers.variables import VARIABLES
from pytest_mailnet.smtp.sasl import MECHANISMS

DATA = resources.files(pytest_mailnet.providers) / "data"
FILES = {
    it.name.removesuffix(".reading.toml"): it for it in DATA.iterdir() if it.name.endswith(".reading.toml")
}
CATALOGUE = catalogue_with()
NAMES = sorted(FILES.keys() - {"stock"})
# What a conversation fills in beside the variables of all replies.
OF_A_CONVERSATION = {
    "capabilities", "count", "exists", "flags", "folder", "milliseconds", "new_uids", "number", "octets", "permanent_flags",
    "problem", "recent", "session", "size", "uid", "uidnext", "uids", "uidvalidity", "unseen",
}  # fmt: skip
# What the net does not do, and clients do by themselves where it is announced.
NOT_DONE = re.compile(
    r"ACL|BINARY|CATENATE|COMPRESS=.+|CONDSTORE|CREATE-SPECIAL-USE|ESORT|METADATA|MULTIAPPEND|NOTIFY|OBJECTID"
    r"|PARTIAL|PREVIEW.*|QRESYNC|QUOTA.*|REPLACE|RIGHTS=.+|SEARCHRES|SORT.*|THREAD=.+|UIDONLY|WITHIN"
)

every_file = pytest.mark.parametrize("name", sorted(FILES))
every_provider = pytest.mark.parametrize("name", NAMES)


def reading_of(name):
    return stock_reading() if name == "stock" else CATALOGUE.reading(CATALOGUE.load(name))


def sources_in(table, named):
    """What a table and those in it give as sources, the names of those in [sources] resolved."""
    for key, value in table.items():
        if key == "source":
            yield named.get(value, value)
        elif isinstance(value, dict) and key != "names":
            yield from sources_in(value, named)


@every_file
def test_a_file_tells_where_mail_is_read_or_is_the_stock(name):
    reading = reading_of(name)

    assert reading.servers
    assert all(it.hosts for it in reading.servers) or name == "stock"


@every_file
def test_each_source_is_a_public_address_or_an_rfc(name):
    told = tomllib.loads(FILES[name].read_text("utf-8"))
    named = told.get("sources", {})

    sources = [*named.values(), *sources_in({it: told[it] for it in told if it != "sources"}, named)]

    assert [it for it in sources if "https://" not in it and not it.startswith("RFC ")] == []


@every_file
def test_no_source_has_a_name_that_nothing_uses(name):
    told = tomllib.loads(FILES[name].read_text("utf-8"))
    named = told.get("sources", {})
    used = set(sources_in({it: told[it] for it in told if it != "sources"}, {}))

    assert set(named) - used == set()


@every_file
def test_no_variable_is_unknown(name):
    said = [
        it.text
        for servers in reading_of(name).servers
        for it in [*servers.words.values(), *servers.lines.values()]
    ]

    variables = {variable for text in said for variable in re.findall(r"\{([a-z_]+)\}", text)}

    assert variables - VARIABLES.keys() - OF_A_CONVERSATION == set()


@every_file
def test_each_line_is_one_that_the_stock_or_a_conversation_knows(name):
    known = {
        "capabilities_at_login",
        "continue_literal",
        "id",
        "idling",
        "move_copied",
        "refused_again",
        "select",
        "timeout",
        "token_challenge",
        "web_login_required",
    }

    assert {line for servers in reading_of(name).servers for line in servers.lines} - known == set()


@every_file
def test_no_capability_is_told_that_the_net_has_not_and_clients_would_use(name):
    servers = reading_of(name).servers
    told = [able for it in servers for able in (*it.capabilities, *it.capabilities_after_login)]

    mechanisms = {it.removeprefix("AUTH=") for it in told if it.startswith("AUTH=")}
    mechanisms |= {mechanism for it in told if it.startswith("SASL ") for mechanism in it.split()[1:]}

    assert [it for it in told if NOT_DONE.fullmatch(it)] == []
    assert mechanisms - MECHANISMS.keys() == set()


@every_provider
def test_tls_begins_at_each_port_or_is_offered_there(name):
    for it in reading_of(name).servers:
        offer = "STARTTLS" if it.protocol == "IMAP" else "STLS"
        assert it.ports == it.tls_ports or offer in it.capabilities


@every_provider
def test_a_host_is_found_by_its_name(name):
    reading = reading_of(name)

    owners = {host: CATALOGUE.owner(host) for host in reading.hosts}

    assert all(host in CATALOGUE.reading(CATALOGUE.load(owner)).hosts for host, owner in owners.items())


@every_provider
def test_each_folder_for_mail_that_the_net_puts_away_is_there_once(name):
    uses = [use for _, use in reading_of(name).layout.folders]

    assert [uses.count(it) for it in ("\\Junk", "\\Sent", "\\Trash")] == [1, 1, 1]


def test_google_workspace_has_gmail_s_words_and_folders():
    workspace, gmail = reading_of("google-workspace"), reading_of("gmail")

    assert workspace.imap.words == gmail.imap.words
    assert workspace.layout == gmail.layout
    assert workspace.hosts == gmail.hosts
    assert workspace.imap.name == "google-workspace.imap"


def test_a_file_that_is_like_another_has_its_own_folders_alone():
    names = [name for name, _ in reading_of("hotmail").layout.folders]

    assert "Deleted" in names
    assert "Deleted Items" not in names


def test_a_provider_of_which_only_the_hosts_are_known_has_the_words_and_capabilities_of_the_rfcs():
    orange, stock = reading_of("orange"), stock_reading()

    assert orange.imap.words == stock.imap.words
    assert orange.imap.capabilities == stock.imap.capabilities
    assert orange.pop3.capabilities_after_login == stock.pop3.capabilities_after_login
    assert orange.pop3.idle_seconds == stock.pop3.idle_seconds
    assert orange.layout == PLAIN


def test_a_user_s_file_may_be_like_a_shipped_one(tmp_path):
    (tmp_path / "hoster.toml").write_text('name = "hoster"\ntitle = "Hoster"\n[replies]\n')
    (tmp_path / "hoster.reading.toml").write_text(
        'like = "gmail"\n[imap]\nsource = "own"\nhosts = ["imap.hoster.example"]\n'
    )
    catalogue = catalogue_with((tmp_path,))

    reading = catalogue.reading(catalogue.load("hoster"))

    assert catalogue.owner("imap.hoster.example") == "hoster"
    assert reading.imap.hosts == ("imap.hoster.example",)
    assert reading.imap.words == reading_of("gmail").imap.words


def test_a_file_that_is_like_nothing_known_says_so(tmp_path):
    (tmp_path / "hoster.toml").write_text('name = "hoster"\ntitle = "Hoster"\n[replies]\n')
    (tmp_path / "hoster.reading.toml").write_text('like = "gmial"\n')
    catalogue = catalogue_with((tmp_path,))

    with pytest.raises(
        ProviderFileError, match=r"hoster\.reading\.toml: like: nothing is told of .* 'gmial'"
    ):
        catalogue.reading(catalogue.load("hoster"))


def test_who_looks_up_a_domain_has_no_file_about_reading_read(mailnet, monkeypatch):
    asked = []
    reading = Catalogue.reading

    def noted(catalogue, facts):
        asked.append(facts.name)
        return reading(catalogue, facts)

    monkeypatch.setattr(Catalogue, "reading", noted)

    dns.resolver.resolve("gmail.com", "MX")
    with pytest.raises(dns.resolver.NXDOMAIN):
        dns.resolver.resolve("nothing.hotmail.com", "MX")
    assert asked == []

    dns.resolver.resolve("imap.gmail.com", "A")
    assert "gmail" in asked


@every_provider
def test_uids_are_told_by_servers_that_have_uidplus_alone(name):
    imap = reading_of(name).imap
    said = {
        key: it.text
        for key, it in {**imap.words, **imap.lines}.items()
        if re.search(r"\[(APPENDUID|COPYUID) ", it.text)
    }

    if "UIDPLUS" not in imap.capabilities_after_login:
        assert said == {}
        assert imap.lines["move_copied"].text == ""
    else:
        assert {"append_ok", "copy_ok"} <= said.keys()
