"""`mailnet providers` and `mailnet faults`: what there is, for people and for programs."""

from __future__ import annotations

import json

import pytest

from pytest_mailnet.cli import fault_list, provider_list
from pytest_mailnet.cli.main import main
from pytest_mailnet.faults import FAULTS, faults_of
from pytest_mailnet.faults.known import READING_FAULTS
from pytest_mailnet.providers import catalogue_with

FASTMAIL = """\
fastmail: Fastmail
  domains     fastmail.com
  MX hosts    in1-smtp.messagingengine.com, in2-smtp.messagingengine.com (port 25)
  rules on    unknown_mailbox, trusted_network, local_recipient, authenticated_user, relaying_denied
  submission  smtp.fastmail.com (ports 465, 587)
    rules on  wrong_credentials, tls_required, login_required, sender_not_owned
  IMAP        imap.fastmail.com (port 993)
  POP3        pop.fastmail.com (port 995)
"""
DETAIL = """\
fastmail: Fastmail
  domains     fastmail.com
  addresses   alice+tag is alice
  MX hosts    in1-smtp.messagingengine.com port 25
              in2-smtp.messagingengine.com port 25
  customers   mailnet.add_domain("shop.example", on="fastmail")
              in1-smtp.messagingengine.com port 25
              in2-smtp.messagingengine.com port 25
  rules       rcpt     asked     sender_not_qualified
              rcpt     always    unknown_mailbox
"""


@pytest.fixture
def run(capsys):
    """Run `mailnet` with arguments; returns its exit status, standard output and standard error."""

    def run(*arguments):
        status = main(list(arguments))
        told = capsys.readouterr()
        return status, told.out, told.err

    return run


def test_each_provider_has_a_paragraph(run):
    status, out, _ = run("providers")

    paragraphs = out.split("\n\n")
    assert status == 0
    assert [it.partition(":")[0] for it in paragraphs] == catalogue_with().stems
    assert FASTMAIL in [f"{it}\n" for it in paragraphs]
    assert "att: AT&T (gateway, to June 2025)\n  replies     they are all that is known of it" in paragraphs


def test_a_provider_goes_by_its_other_names_and_by_its_years_too(run):
    assert run("providers", "outlook") == run("providers", "hotmail")
    assert run("providers", "gmail-2009")[1].startswith("gmail-2009: Gmail (2009)\n")


def test_one_provider_is_told_in_detail(run):
    status, out, _ = run("providers", "fastmail")

    assert status == 0
    assert out.startswith(DETAIL)
    assert "\n    rules     auth     always    wrong_credentials\n" in out
    assert "\n  IMAP        imap.fastmail.com port 993\n  POP3        pop.fastmail.com port 995\n" in out
    assert out.endswith(
        "\n  hangs up    after 300 s of silence\n  replies     mailnet replies --provider fastmail\n"
    )


@pytest.mark.parametrize(
    ("stem", "line"),
    [
        ("postfix", "  eras        mailnet.provider('postfix', era='3.7')"),
        ("postfix-3.7", "  to have it  mailnet.provider('postfix', era='3.7')"),
        ("gmail", "  eras        mailnet.provider('gmail', era=2009)"),
        ("qmail", "  hangs up    after 1200 s of silence"),
    ],
)
def test_a_provider_s_eras_and_patience_are_told(run, stem, line):
    assert line in run("providers", stem)[1].splitlines()


def test_providers_are_told_to_programs(run):
    status, out, _ = run("providers", "--json", "yahoo")

    [told] = json.loads(out)
    assert status == 0
    assert (told["name"], told["title"], told["aliases"]) == ("yahoo", "Yahoo and AOL", ["aol"])
    assert told["domains"][:4] == ["yahoo.com", "ymail.com", "rocketmail.com", "aol.com"]
    assert "mta5.am0.yahoodns.net" in told["hosts"]
    assert told["addressing"] == {"subaddress": "", "dots": True, "same_domains": []}
    assert told["ports"] == [25]
    assert told["submission"]["hosts"] == ["smtp.mail.yahoo.com", "smtp.aol.com"]
    assert told["submission"]["ports"] == [465, 587]
    assert [it["protocol"] for it in told["reading"]] == ["IMAP", "POP3"]
    assert told["reading"][1]["hosts"] == ["pop.mail.yahoo.com", "pop.aol.com", "inbound.att.net"]
    assert told["reading"][1]["ports"] == told["reading"][1]["tls_ports"] == [995]
    assert {
        "rule": "sender_domain_without_soa",
        "stage": "message",
        "on": "asked",
        "reply": "sender_domain_without_soa",
    } in [{**it, "reply": it["rule"]} for it in told["rules"]]


def test_all_providers_are_told_to_programs(run):
    assert [it["name"] for it in json.loads(run("providers", "--json")[1])] == catalogue_with().stems


def test_no_line_about_a_provider_is_wider_than_a_terminal():
    catalogue = catalogue_with()

    assert max(map(len, provider_list.as_text(catalogue, catalogue.stems, 80))) <= 80


def test_each_fault_has_a_line(run):
    status, out, _ = run("faults")

    assert status == 0
    assert [line.split()[0] for line in out.splitlines()] == [*FAULTS, *READING_FAULTS]
    assert (
        "reset-after-dot                message  connection "
        "the server resets the connection in place of the reply at MESSAGE\n"
    ) in out


def test_faults_are_chosen_as_the_mark_chooses_them(run):
    _, out, _ = run("faults", "--stage", "rcpt", "--kind", "connection", "--json")

    assert [it["id"] for it in json.loads(out)] == [
        it.id for it in faults_of(stage="rcpt", kind="connection")
    ]


def test_faults_are_told_to_programs(run):
    _, out, _ = run("faults", "--json", "--stage", "lookup")

    assert json.loads(out)[0] == {
        "id": "dns-servfail",
        "stage": "lookup",
        "kind": "dns",
        "does": "the resolver says SERVFAIL",
        "taken": None,
    }


def test_no_line_about_a_fault_is_wider_than_a_terminal():
    lines = list(fault_list.as_text(list(FAULTS.values()), 80))

    assert max(map(len, lines)) <= 80
    assert "    the zone's name servers do not know the zone, and the resolver says SERVFAIL" in lines


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["providers", "gmial"], "mailnet providers: no provider 'gmial' (did you mean 'gmail'"),
        (["providers", "gmail-2008"], "mailnet providers: no era of gmail '2008' (did you mean '2009'"),
        (["faults", "--stage", "rctp"], "mailnet faults: no stage 'rctp' (did you mean 'rcpt'?)\n"),
        (
            ["faults", "--kind", "tsl"],
            "mailnet faults: no kind 'tsl' (did you mean 'tls'? There is: connection, dns, reply, tls)\n",
        ),
        (
            ["faults", "--stage", "rcpt", "--kind", "dns"],
            "mailnet faults: no fault at rcpt is of the kind 'dns'; there it is connection, reply\n",
        ),
    ],
)
def test_a_mistake_is_told_with_what_there_is(run, arguments, told):
    status, out, err = run(*arguments)

    assert (status, out) == (2, "")
    assert err.startswith(told)
