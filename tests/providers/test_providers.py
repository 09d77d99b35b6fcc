"""Providers as data: every phrase is loaded, sent, and has a source; a file with an error is refused."""

from __future__ import annotations

import re
import smtplib
from importlib import resources

import pytest

from pytest_mailnet.dns.zone import Zones
from pytest_mailnet.dns.zonefile import parse_zone
from pytest_mailnet.errors import ProviderFileError
from pytest_mailnet.providers import catalogue_with
from pytest_mailnet.providers.catalogue import stock_phrases
from pytest_mailnet.providers.toml_file import parse_facts
from pytest_mailnet.providers.zones import customer_zones, zones_of
from pytest_mailnet.values import Stage

CATALOGUE = catalogue_with()


@pytest.mark.parametrize("stem", CATALOGUE.stems)
def test_the_rules_of_a_shipped_file_pass_the_check_that_a_user_s_file_meets(stem):
    data = resources.files("pytest_mailnet.providers") / "data"
    text = (data / f"{stem}.toml").read_text("utf-8")

    today = (data / f"{CATALOGUE.load_stem(stem).name}.toml").read_text("utf-8")
    facts = parse_facts(text, f"{stem}.toml", CATALOGUE.other_phrases, today)

    known = CATALOGUE.load_stem(stem).rules
    assert [(type(it), vars(it)) for it in facts.rules] == [(type(it), vars(it)) for it in known]


@pytest.mark.parametrize("stem", CATALOGUE.stems)
def test_the_zones_of_a_shipped_file_are_what_the_reader_of_master_files_finds(stem):
    facts = CATALOGUE.load_stem(stem)

    for zones, text in (
        (zones_of(facts), facts.zone),
        (customer_zones(facts, "a-b.example"), customer_text(facts)),
    ):
        read = Zones(parse_zone(f"{text}\n", "."))
        assert {name: records_at(zones, name) for name in zones.names} == {
            name: records_at(read, name) for name in read.names
        }


def customer_text(facts):
    return facts.customer.replace("{domain}", "a-b.example").replace("{label}", "a-b-example")


def records_at(zones, name):
    return {rdtype: set(zones.find(name, rdtype)) for rdtype in zones.types(name)}


MINIMAL = """
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
rule = "unknown_mailbox"
reply = "user_unknown"

[replies.user_unknown]
stage = "rcpt"
reply = "550 5.1.1 Nobody here by the name of {recipient}"
source = "own"
year = 2026
stage_evidence = "captured"
"""


def test_braces_that_are_doubled_are_no_variables():
    entry = """
    [replies.blocked]
    stage = "rcpt"
    reply = "550 {{ip}} is blocked by {{policy}}, {ip}"
    source = "own"
    """

    facts = parse_facts(MINIMAL + entry, "corp.toml")

    said = facts.phrases["blocked"].reply.wire(lambda _: "192.0.2.1")
    assert said == b"550 {ip} is blocked by {policy}, 192.0.2.1\r\n"


@pytest.mark.parametrize("stem", CATALOGUE.stems)
def test_every_phrase_has_a_source(stem):
    for name, phrase in CATALOGUE.load_stem(stem).phrases.items():
        assert len(phrase.source) > 10, name
        assert phrase.year is None or 2000 < phrase.year < 2100, name


@pytest.mark.parametrize("stem", CATALOGUE.stems)
def test_every_phrase_goes_over_the_wire_as_it_stands(mailnet, converse, stem):
    for name, phrase in CATALOGUE.load_stem(stem).phrases.items():
        if phrase.stage not in ("connect", "mail", "rcpt", "data", "message"):
            continue
        host = f"{name.replace('_', '-')[:60].strip('-')}.shop.example"
        server = mailnet.add_server(host, domain="shop.example")
        stage = Stage(phrase.stage)
        getattr(server, f"on_{stage}")().reply(phrase.reply)

        client = converse(host)
        said = {Stage.CONNECT: client.banner}
        if stage is not Stage.CONNECT:
            client.say("EHLO app.example")
            said[Stage.MAIL] = client.say("MAIL FROM:<bob@hotmail.com>")
        if stage in (Stage.RCPT, Stage.DATA, Stage.MESSAGE):
            said[Stage.RCPT] = client.say("RCPT TO:<alice@shop.example>")
        if stage in (Stage.DATA, Stage.MESSAGE):
            said[Stage.DATA] = client.say("DATA")
        if stage is Stage.MESSAGE:
            said[Stage.MESSAGE] = client.say("Message-ID: <m@app.example>\r\n\r\n.")

        written = re.split(r"(\\\{\w+\\\})", re.escape(str(phrase.reply)))
        pattern = "".join(".*" if part.startswith(r"\{") else part for part in written)
        assert re.fullmatch(pattern, said[stage].replace("\r\n", "\n").rstrip("\n")), name


@pytest.mark.parametrize("condition", sorted(stock_phrases()))
def test_every_stock_phrase_names_its_section(condition):
    assert re.match(r"(RFC \d{4}|draft-[\w-]+), ", stock_phrases()[condition].source)


def test_today_s_gmail_refuses_in_its_own_words(mailnet):
    with (
        smtplib.SMTP("gmail-smtp-in.l.google.com", 25) as client,
        pytest.raises(smtplib.SMTPRecipientsRefused) as refused,
    ):
        client.sendmail("bob@hotmail.com", ["carl@gmail.com"], "Subject: hi\r\n\r\n")

    [(code, text)] = refused.value.recipients.values()
    queue_id = (
        mailnet.sessions[0].replies[0].removeprefix("220 mx.google.com ESMTP ").removesuffix(" - gsmtp")
    )
    assert code == 550
    assert text.decode() == (
        "5.1.1 The email account that you tried to reach does not exist. Please try\n"
        "5.1.1 double-checking the recipient's email address for typos or\n"
        "5.1.1 unnecessary spaces. For more information, go to\n"
        f"5.1.1  https://support.google.com/mail/?p=NoSuchUser {queue_id} - gsmtp"
    )


def test_today_s_hotmail_takes_mail_for_bob(mailnet):
    bob = mailnet.hotmail.add_mailbox("bob")

    with smtplib.SMTP("hotmail-com.olc.protection.outlook.com", 25) as client:
        client.sendmail("alice@gmail.com", ["bob@hotmail.com"], "Message-ID: <m1@app.example>\r\n\r\n")

    assert len(bob.messages) == 1
    assert re.fullmatch(
        r"250 2\.6\.0 <m1@app\.example> \[InternalId=\d{14}, Hostname=hotmail-com\.olc\.protection\.outlook\.com\] "
        r"\d+ bytes in 0\.105, \d+\.\d{3} KB/sec Queued mail for delivery -> 250 2\.1\.5",
        mailnet.sessions[0].replies[-2],
    )


def test_a_file_with_everything_right_is_read():
    facts = parse_facts(MINIMAL, "corp.toml", lambda _: stock_phrases())

    assert facts.domains == ("corp.example",)
    assert str(facts.phrases["user_unknown"].reply) == "550 5.1.1 Nobody here by the name of {recipient}"
    assert facts.rules[0].stage is Stage.RCPT


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('title = "Corp"', 'titel = "Corp"', "corp.toml: titel: unknown key (did you mean 'title'"),
        ('title = "Corp"', "", "corp.toml: title: is missing"),
        ('title = "Corp"', "title = 1", "corp.toml: title: 1 is not a text"),
        ('title = "Corp"', "title = ", "corp.toml: no valid TOML: "),
        ('["corp.example"]', '"corp.example"', "corp.toml: domains: 'corp.example' is not a list of texts"),
        ('"SIZE 1000"', "1000", "corp.toml: ehlo.lines[1]: 1000 is not a text"),
        (
            'rule = "unknown_mailbox"',
            'rule = "unknown_mailbx"',
            "rules[1].rule: no rule 'unknown_mailbx' (did you mean",
        ),
        (
            'reply = "user_unknown"',
            'reply = "user_unknwon"',
            "rules[1].reply: no reply 'user_unknwon' (did you mean",
        ),
        ('reply = "user_unknown"', 'replies = "x"', "rules[1].replies: unknown key (did you mean 'reply'"),
        ('reply = "user_unknown"', 'stage = "rctp"', "rules[1].stage: no stage 'rctp' (did you mean 'rcpt'"),
        (
            'reply = "user_unknown"',
            'reply = "ok_data"',
            "rules[1].reply: '354 Start mail input; end with <CRLF>.<CRLF>' makes no sense at RCPT",
        ),
        (
            'reply = "user_unknown"',
            'stage = "data"',
            "rules[1].stage: unknown_mailbox cannot speak at DATA: it has its evidence at RCPT or MESSAGE",
        ),
        (
            'reply = "user_unknown"',
            'stage = "message"',
            "rules[1].reply: 'user_unknown' is given at RCPT and this rule speaks at MESSAGE; give one",
        ),
        (
            'rule = "unknown_mailbox"\nreply = "user_unknown"',
            'rule = "too_many_recipients"\nlimit = "ten"',
            "rules[1].limit: 'ten' is not a number of 0 or more",
        ),
        (
            'rule = "unknown_mailbox"\nreply = "user_unknown"',
            'rule = "too_many_recipients"',
            "rules[1].limit: is missing; too_many_recipients has no default for it",
        ),
        (
            'rule = "unknown_mailbox"\nreply = "user_unknown"',
            'rule = "rate_limit"\nlimit = 1\nper = "adress"',
            "rules[1]: per: 'adress' (did you mean 'address'",
        ),
        (
            'reply = "user_unknown"',
            'when = "maybe"',
            "rules[1].when: 'maybe' (there is: always, asked, published)",
        ),
        ('stage = "rcpt"', 'stage = "rctp"', "replies.user_unknown.stage: 'rctp' (did you mean 'rcpt'"),
        ('"550 5.1.1 Nobody', '"55O 5.1.1 Nobody', "replies.user_unknown.reply: '55O 5.1.1 Nobody"),
        ('"550 5.1.1 Nobody', '"354 Nobody', "replies.user_unknown.reply: '354 Nobody"),
        (
            "{recipient}",
            "{recipent}",
            "replies.user_unknown.reply: no variable {recipent} (did you mean 'recipient'",
        ),
        (
            'stage_evidence = "captured"',
            'stage_evidence = "seen"',
            "replies.user_unknown.stage_evidence: 'seen' (there is",
        ),
        (
            "[[rules]]",
            '[dmarc]\nrfc = 7498\nsource = "own"\n\n[[rules]]',
            "dmarc.rfc: 7498 is no RFC of DMARC; it takes 9989, or 7489",
        ),
        ("[[rules]]", "[dmarc]\nrfc = 7489\n\n[[rules]]", "dmarc.source: is missing"),
    ],
)
def test_a_file_with_an_error_is_refused_with_file_and_key(old, new, told):
    assert old in MINIMAL

    with pytest.raises(ProviderFileError) as error:
        parse_facts(MINIMAL.replace(old, new, 1), "corp.toml", lambda _: stock_phrases())

    assert told in str(error.value)


SUBMISSION = """
[submission]
source = "own"
hosts = ["smtp.corp.example"]
ports = [587]

[submission.ehlo]
source = "own"
lines = ["STARTTLS", "AUTH PLAIN"]

[[submission.rules]]
rule = "wrong_credentials"
reply = "go_away"

[bounces]
source = "own"
failed_subject = "Sorry, {recipient}"

[replies.go_away]
role = "submission"
stage = "auth"
reply = "535 5.7.8 Go away, {user}"
source = "own"

[replies.submission_banner]
role = "submission"
condition = "banner"
stage = "connect"
reply = "220 {server} Hand it in here"
source = "own"
"""


def test_submission_servers_have_their_own_words_and_rules(make_mailnet, tmp_path):
    (tmp_path / "corp.toml").write_text(MINIMAL + SUBMISSION)

    with make_mailnet(providers=[tmp_path]) as net:
        net.provider("corp").add_mailbox("alice", password="right")
        with smtplib.SMTP("smtp.corp.example", 587) as client:
            banner = net.sessions[0].replies[0]
            client.starttls()
            with pytest.raises(smtplib.SMTPAuthenticationError) as refused:
                client.login("alice", "wrong")
        with smtplib.SMTP("mx.corp.example", 25):
            pass

    assert banner == "220 smtp.corp.example Hand it in here"
    assert refused.value.smtp_code == 535
    assert net.sessions[1].replies[0] == "220 mx.corp.example ESMTP"


def test_a_file_can_name_the_ports_that_are_tls_from_the_first_byte(make_mailnet, tmp_path):
    several = SUBMISSION.replace("ports = [587]", "ports = [465, 587, 2465]\ntls_ports = [465, 2465]")
    (tmp_path / "corp.toml").write_text(MINIMAL + several)

    with make_mailnet(providers=[tmp_path]) as net:
        for port in (465, 2465):
            with smtplib.SMTP_SSL("smtp.corp.example", port) as client:
                assert client.noop()[0] == 250
        with smtplib.SMTP("smtp.corp.example", 587) as client:
            assert client.noop()[0] == 250

    assert [session.tls for session in net.sessions] == ["TLSv1.3", "TLSv1.3", None]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('hosts = ["smtp.corp.example"]', "", "corp.toml: submission.hosts: is missing"),
        ("ports = [587]", 'ports = ["587"]', "corp.toml: submission.ports[1]: '587' is not a number"),
        (
            "ports = [587]",
            "ports = [587]\ntls_ports = [587, 2465]",
            "corp.toml: submission.tls_ports: 2465 is not among the ports, [587]",
        ),
        ("ports = [587]", "ports = [587]\nport = 1", "submission.port: unknown key (did you mean 'ports'"),
        (
            "ports = [587]",
            "ports = [587]\nauth_before_tls = 1",
            "submission.auth_before_tls: 1 is not true or false",
        ),
        ("[submission.ehlo]", "[submission.helo]", "submission.helo: unknown key (did you mean 'ehlo'"),
        (
            '"go_away"\n',
            '"go_awy"\n',
            "submission.rules[1].reply: no reply 'go_awy' (did you mean 'go_away'?)",
        ),
        (
            "wrong_credentials",
            "wrong_credential",
            "submission.rules[1].rule: no rule 'wrong_credential' (did",
        ),
        ('"go_away"\n', '"go_away"\nstage = "rcpt"\n', "wrong_credentials cannot speak at RCPT"),
        (
            "{recipient}",
            "{recipeint}",
            "bounces.failed_subject: no variable {recipeint} (did you mean 'recip",
        ),
        (
            "failed_subject",
            "failed_subjekt",
            "bounces.failed_subjekt: unknown key (did you mean 'failed_subj",
        ),
        ('"Sorry, {recipient}"', "3", "bounces.failed_subject: 3 is not a text"),
        ('[bounces]\nsource = "own"', "[bounces]", "corp.toml: bounces.source: is missing"),
    ],
)
def test_a_mistake_in_what_is_told_of_submission_is_told(old, new, told):
    assert old in SUBMISSION

    with pytest.raises(ProviderFileError) as error:
        parse_facts(MINIMAL + SUBMISSION.replace(old, new, 1), "corp.toml", lambda _: stock_phrases())

    assert told in str(error.value)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("idle_secs = 60", "manners.idle_secs: unknown key (did you mean 'idle_seconds'"),
        ("idle_seconds = -1", "manners.idle_seconds: -1 is not a number of 0 or more"),
        ("checks_paths = 1", "manners.checks_paths: 1 is not true or false"),
        ("hello_name = '['", "manners.hello_name: '[' is not a regular expression"),
        ("unknown = ['expn']", "manners.unknown: ['expn'] is not a list of commands in capitals"),
        ("bare_line_feed = 'lost'", "manners.bare_line_feed: 'lost' is not one of 'kept', 'ends lines'"),
    ],
)
def test_a_mistake_in_the_manners_is_told_with_its_key(line, told):
    text = f"""
name = "shop"
title = "Shop"
[manners]
source = "x"
{line}
[replies]
"""

    with pytest.raises(ProviderFileError) as error:
        parse_facts(text, "shop.toml")

    assert told in str(error.value)
