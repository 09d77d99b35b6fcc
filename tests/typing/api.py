"""What a test writes, as type checkers see it. It is not run: mypy --strict, pyright and ty read it.

A line with `type: ignore` is a mistake that a checker has to find; one that is found no more is an error.
"""

# pyright: reportUnnecessaryTypeIgnoreComment=true
# ruff: noqa: B018  # an attribute that there is not is to be found where it is only read

from __future__ import annotations

import smtplib
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import assert_type

import pytest
from hypothesis import given

from pytest_mailnet import (
    FAULTS,
    AddressInUse,
    Clock,
    Crash,
    Crasher,
    CrashPlace,
    DnsFault,
    Envelope,
    EvidenceError,
    ExpectationFailed,
    Failure,
    Fault,
    FaultSchedule,
    Host,
    InvalidAddress,
    InvalidReply,
    InvalidSetting,
    Mailbox,
    MailNet,
    MailNetConfig,
    MailNetError,
    MailNetProcess,
    MailNetTampered,
    MakeMailNet,
    Message,
    MissingExtra,
    NoNamespace,
    NothingArrived,
    OutlivedItsNet,
    Provider,
    ProviderFileError,
    Query,
    ReadOnly,
    Reply,
    RetrySchedule,
    Sender,
    Server,
    Session,
    UnknownAttribute,
    UnknownExport,
    UnknownName,
    WouldHang,
    ZoneError,
)
from pytest_mailnet.handles.names import FaultName, ProviderName
from pytest_mailnet.strategies import World, faults, places, schedules, worlds

# Fixtures, settings and marks.


@pytest.fixture(scope="session")
def mailnet_config(mailnet_config: MailNetConfig) -> MailNetConfig:
    return mailnet_config.but(strict=False, enforce=("greylisting", "authentication"))


@pytest.fixture
def shop(mailnet: MailNet) -> Server:
    return mailnet.add_server("mx.shop.example", domain="shop.example", ip="192.0.2.27", ports=(25, 587))


@pytest.fixture
def entered(make_mailnet: MakeMailNet) -> Iterator[MailNet]:
    with make_mailnet(start=datetime(2026, 1, 1, tzinfo=UTC), seed=7, strict=False) as net:
        yield net


class Handler:
    async def handle_DATA(self, *_: object) -> str:
        return "250 OK"


@pytest.mark.mailnet(strict=False, providers=["providers"])
@pytest.mark.mailnet_faults(stage="message", kind="connection")
def test_marks(mailnet: MailNet, mailnet_fault: Fault) -> None:
    mailnet.fail("shop.example", mailnet_fault, times=1)
    assert_type(mailnet_fault.id, FaultName)
    assert_type(mailnet_fault.taken, bool | None)
    assert_type(mailnet_fault.does, str)


def test_settings() -> None:
    config = MailNetConfig(
        strict=False,
        unknown_names="fail",
        other_ports="closed",
        pass_names=("db.internal",),
        addresses="public",
        trust_ca=False,
        enforce=("all",),
        providers=(Path("providers"),),
        log="always",
        log_lines=0,
    )
    with MailNet(config, seed=1) as net:
        assert_type(net, MailNet)
        assert_type(net.config, MailNetConfig)

    MailNetConfig(enforce=("greylistin",))  # type: ignore[arg-type]
    MailNetConfig(unknown_names="refuse")  # type: ignore[arg-type]
    MailNetConfig(strikt=True)  # type: ignore[call-arg]
    config.strict = True  # type: ignore[misc]


# Providers, servers, hosts and mailboxes.


def test_providers(mailnet: MailNet) -> None:
    for provider in (
        mailnet.gmail,
        mailnet.hotmail,
        mailnet.outlook,
        mailnet.microsoft365,
        mailnet.google_workspace,
        mailnet.yahoo,
        mailnet.icloud,
        mailnet.provider("gmail", era=2009),
        mailnet.provider("postfix", era="3.7"),
        mailnet.provider("mx.shop.example"),  # one of the test's own
        mailnet.add_domain("shop.example", on="google-workspace"),
        *mailnet.providers,
    ):
        assert_type(provider, Provider)
    chosen: ProviderName = "fastmail"
    mailnet.provider(chosen)
    mailnet.gmail.enforce("greylisting", "authentication", "unknown_mailbox", "all")
    mailnet.gmail.enforce_all()
    mailnet.gmail.submission.enforce("submission")
    mailnet.gmail.trust("10.0.0.0/8")
    assert_type(mailnet.gmail.name, str)
    assert_type(mailnet.gmail.domains, tuple[str, ...])
    assert_type(mailnet.gmail.hosts["gmail-smtp-in.l.google.com"], Host)
    assert_type(mailnet.gmail.mailboxes, list[Mailbox])
    sendgrid = mailnet.provider("sendgrid")
    assert_type(sendgrid.add_account("apikey", password="pw", aliases=["@shop.example"]).address, str)
    sendgrid.suppress("bob@hotmail.com")
    assert_type(sendgrid.suppressed, list[str])
    assert_type(mailnet.gmail.sessions, list[Session])
    assert_type(mailnet.gmail.facts.title, str)
    assert_type(mailnet.gmail.replies.user_unknown, Reply)
    assert_type(mailnet.gmail.explain(mailnet.sessions[0]), str)

    mailnet.gmial  # type: ignore[attr-defined]
    mailnet.gmail.enforce("greylistin")  # type: ignore[arg-type]
    mailnet.gmail.mailboxs  # type: ignore[attr-defined]
    mailnet.gmail.domains = ("gmail.com",)  # type: ignore[misc]
    not_chosen: ProviderName = "fastmial"  # type: ignore[assignment]
    mailnet.provider(not_chosen, era=3.7)  # type: ignore[arg-type]


def test_mailboxes(mailnet: MailNet) -> None:
    mailbox = mailnet.gmail.add_mailbox("alice", quota=1000, password="secret", aliases=["a.lice"])
    assert_type(mailbox, Mailbox)
    assert_type(mailnet.gmail.mailbox("alice"), Mailbox)
    assert_type(mailbox.address, str)
    assert_type(mailbox.messages, list[Message])
    assert_type(mailbox.quota, int | None)
    assert_type(mailbox.disabled, bool)
    mailbox.quota = None
    mailbox.hourly_limit = 10
    mailbox.disabled = True
    mailbox.account.two_step = True
    mailbox.account.imap_enabled = mailbox.account.pop3_enabled = False
    mailbox.account.web_login_required = True
    assert_type(mailbox.account.daily_download, int | None)
    mailbox.account.daily_download = 1000
    mailbox.account.aliases = ("alice@shop.example",)
    assert_type(mailbox.account.password, str | None)
    assert_type(mailbox.account.issue_token(seconds=60), str)
    mailbox.report_spam(mailbox.messages[0])
    assert_type(mailbox.junk, list[Message])
    assert_type(mailbox.catch_all, bool)
    assert_type(mailbox.auto_reply, str | None)
    mailbox.catch_all = True
    mailbox.auto_reply = "I am away."
    mailbox.forward_to("bob@shop.example", keep=False)

    mailbox.quota = "1 MB"  # type: ignore[assignment]
    mailbox.address = "bob@gmail.com"  # type: ignore[misc]
    mailbox.disabeld  # type: ignore[attr-defined]


def test_servers(mailnet: MailNet, shop: Server) -> None:
    assert_type(shop.ip, str)
    assert_type(shop.addresses, tuple[str, ...])
    assert_type(shop.ports, tuple[int, ...])
    assert_type(shop.messages, list[Message])
    assert_type(shop.host, Host)
    shop.tls.expired()
    shop.tls.require()
    shop.refuse_connections()
    shop.accept_connections()
    shop.fail("reset-after-dot", times=1)
    shop.add_domain("club.example")

    host = mailnet.host("mx.shop.example")
    assert_type(host, Host)
    assert_type(mailnet.hosts, list[Host])
    assert_type(host.provider, Provider)
    host.ports = (25, 2465)
    host.tls_ports = (2465,)
    host.lmtp_ports = (25,)
    host.auth_before_tls = True
    host.helo_only = True
    host.extensions.add("SIZE 1000")
    host.extensions.discard("PIPELINING")
    host.tls.strip_starttls()
    host.fail(FAULTS["closed-at-rcpt"])

    mailnet.add_server("mx.club.example", handler=Handler())
    mailnet.add_server(domain="shop.example")  # type: ignore[call-arg]
    shop.ip = "192.0.2.1"  # type: ignore[misc]
    host.helo_only = "yes"  # type: ignore[assignment]
    host.fail("reset-at-rctp")  # type: ignore[arg-type]
    shop.fail("reset-at-rctp")  # type: ignore[arg-type]


# Answers of the test's own.


def test_scripts(mailnet: MailNet, shop: Server) -> None:
    shop.on_connect("203.0.113.*").disconnect()
    shop.on_ehlo().reply("421 4.3.2 Bye", close=True)
    shop.on_starttls().reply("454 4.7.0 Not now")
    shop.on_auth("alice").reply("535 5.7.8 No")
    shop.on_mail("", sender=mailnet.sender).reply("550 5.7.1 No").times(2)
    shop.on_rcpt("sales@*", sender="bob@*").reply("450 4.2.0 Greylisted").after(1).times(1)
    shop.on_rcpt(lambda step: step.recipient == "a@shop.example").reply(
        Reply(550, ("No such user",), "5.1.1")
    )
    shop.on_data().reply_in_turn("450 4.2.0 Later", Reply.parse("451 4.3.0 Nor now"))
    mailnet.gmail.submission.on_message().reply("554 5.7.1 Spam")
    shop.on_message("alice@*").junk().times(1)
    shop.on_message().reply("250 2.0.0 OK").discard()
    shop.on_message().bounce("550 5.1.1 No such user").after(1)

    shop.on_rctp()  # type: ignore[attr-defined]
    shop.on_rcpt(match=5)  # type: ignore[arg-type]
    shop.on_rcpt().reply(550)  # type: ignore[arg-type]
    shop.on_rcpt().reply("550 5.1.1", "No such user")  # type: ignore[arg-type]
    shop.on_rcpt().respond("550 No")  # type: ignore[attr-defined]
    shop.on_rcpt().reply("450 Later").times("2")  # type: ignore[arg-type]


def test_replies() -> None:
    reply = Reply.parse("550 5.1.1 No such user {recipient}")
    assert_type(reply.code, int)
    assert_type(reply.lines, tuple[str, ...])
    assert_type(reply.enhanced, str | None)
    assert_type(reply.variables, list[str])
    assert_type(reply.text, str)
    assert_type(reply.positive, bool)


# Faults.


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_by_name(mailnet: MailNet, fault: FaultName) -> None:
    mailnet.fail("shop.example", fault)
    mailnet.fail("shop.example", FAULTS[fault])
    assert_type(FAULTS[fault], Fault | DnsFault)


def test_faults(mailnet: MailNet) -> None:
    schedule = FaultSchedule("reset-after-dot", None, FAULTS["dns-servfail"])
    assert_type(schedule.steps, tuple[Fault | DnsFault | None, ...])
    mailnet.fail("shop.example", schedule, times=3)
    mailnet.fail("alice@shop.example", "dns-mx-dangling")
    mailnet.dns.fail("shop.example", "SERVFAIL", rdtype="MX", times=1)
    failure = mailnet.dns.fail("shop.example", "dns-time-out")
    failure.end()
    mailnet.fail("shop.example", "reset-at-data").end()
    failure.times = 1  # type: ignore[attr-defined]
    assert_type(mailnet.chaos(rate=0.05).seed, int)

    mailnet.fail("shop.example", "reset-at-rctp")  # type: ignore[arg-type]
    mailnet.fail("shop.example", "SERVFAIL")  # type: ignore[arg-type]
    mailnet.fail(fault="reset-at-rcpt")  # type: ignore[call-arg]
    mailnet.dns.fail("shop.example", "SERVFIAL")  # type: ignore[arg-type]
    mailnet.dns.fail("shop.example", "reset-at-rcpt")  # type: ignore[arg-type]
    FaultSchedule("reset-at-rctp")  # type: ignore[arg-type]
    FAULTS["reset-at-rctp"]  # type: ignore[index]


@pytest.mark.mailnet_crashes
def test_crashes(mailnet: MailNet, mailnet_crash: Crasher) -> None:
    done = mailnet_crash.run([sys.executable, Path("outbox.py")], timeout=10, cwd=Path())
    assert_type(done.returncode, int)
    assert_type(mailnet_crash.call(str.upper, "x"), str)
    assert_type(mailnet_crash.places, list[CrashPlace])
    assert_type(mailnet_crash.died_at, CrashPlace | None)
    assert_type(mailnet_crash.places[0].number, int)
    Crasher(mailnet, at=3).run(["outbox"])

    mailnet_crash.call(str.upper, 1)  # type: ignore[arg-type]
    mailnet_crash.at = 3  # type: ignore[attr-defined]


@given(places(20), schedules(3, kind="connection"))
def test_places(at: int, schedule: FaultSchedule) -> None:
    with MailNet() as net:
        Crasher(net, at=at).call(print)


@given(schedules(3, kind="connection"), worlds(), faults(stage="message"))
def test_strategies(schedule: FaultSchedule, world: World, fault: Fault | DnsFault) -> None:
    with MailNet(strict=False) as net:
        world.put_into(net)
        net.fail(world.domain, schedule)
        net.fail(world.domain, fault)

    schedules(3, kind="connexion")  # type: ignore[arg-type]
    faults(stage="rctp")  # type: ignore[arg-type]


# Names.


def test_dns(mailnet: MailNet) -> None:
    mailnet.dns.add("shop.example", "MX", "10 mx.shop.example.", "20 mx2.shop.example.", ttl=60)
    mailnet.dns.load(Path("shop.zone"), origin="shop.example")
    mailnet.dns.sign("shop.example")
    mailnet.dns.remove("shop.example", "MX")
    assert_type(mailnet.dns.names, list[str])
    assert_type(mailnet.dns.queries, list[Query])
    query = mailnet.dns.queries[0]
    assert_type(query.name, str)
    assert_type(query.rcode, str)
    assert_type(query.answers, tuple[str, ...])

    mailnet.dns.add("shop.example", "MX", 10)  # type: ignore[arg-type]
    mailnet.dns.querys  # type: ignore[attr-defined]
    query.rcode = "NOERROR"  # type: ignore[misc]


# Senders.


def test_senders(mailnet: MailNet) -> None:
    sender = mailnet.sender
    assert_type(sender, Sender)
    assert_type(sender.helo, str)
    assert_type(sender.ptr, str | None)
    sender.ip = "203.0.113.8"
    sender.ptr = None
    sender.helo = "app.sender.example"
    sender.throttled = sender.bulk = sender.dynamic = True
    sender.reputation = "bad"
    sender.listed_in = ["zen.spamhaus.org"]
    sender.listed_in = {"zen.spamhaus.org": "127.0.0.4"}
    key = sender.publish("sender.example", spf=True, dmarc="reject")
    assert_type(key.sign(b"Subject: hi\r\n\r\nhi\r\n"), bytes)
    assert_type(sender.publish("sender.example", dkim=False), None)
    with mailnet.sending_from(mailnet.add_sender(ip="203.0.113.9", ptr="mail.sender.example")) as other:
        assert_type(other, Sender)

    sender.reputation = "awful"  # type: ignore[assignment]
    sender.throtled = True  # type: ignore[attr-defined]
    mailnet.sending_from("203.0.113.9")  # type: ignore[arg-type]


# Time, the queue, and what the application believes.


def test_time(mailnet: MailNet) -> None:
    assert_type(mailnet.clock, Clock)
    mailnet.clock.compress()
    assert_type(mailnet.clock.advance(minutes=15), datetime)
    assert_type(mailnet.clock.now() + timedelta(hours=1), datetime)
    mailnet.clock.set(datetime(2027, 1, 1, tzinfo=UTC))
    mailnet.queue.schedule = RetrySchedule(retries=(timedelta(minutes=5),), warn_after=None)
    mailnet.deliver_all(days=5)
    assert_type(len(mailnet.queue), int)
    assert_type(mailnet.queue[0].reason, str)

    mailnet.clock.advance(15)  # type: ignore[arg-type]
    mailnet.clock.advance(minuts=15)  # type: ignore[call-arg]
    mailnet.deliver_all(5)  # type: ignore[arg-type]


def test_beliefs(mailnet: MailNet) -> None:
    log: dict[str, str] = {"1@sender.example": "sent"}
    by_recipient: dict[tuple[str, str], str | None] = {("1@sender.example", "a@shop.example"): None}
    assert mailnet.account_for(log).right
    assert mailnet.account_for(by_recipient)
    assert mailnet.account_for(log.items())
    assert not mailnet.account_for({"1@sender.example": "failed"}, key=lambda message: message.subject).lost


# What came.


def test_messages(mailnet: MailNet) -> None:
    with smtplib.SMTP("gmail-smtp-in.l.google.com") as client:
        client.sendmail("bob@sender.example", ["alice@gmail.com"], "Subject: hi\r\n\r\nhi\r\n")
    assert_type(mailnet.messages, list[Message])
    [message] = mailnet.wait_for_messages(1, timeout=2.5)
    assert_type(message.envelope, Envelope)
    assert_type(message.envelope.mail_from, str)
    assert_type(message.envelope.rcpt_tos, tuple[str, ...])
    assert_type(message.content, bytes)
    assert_type(message.trace, bytes)
    assert_type(message.session, Session)
    assert_type(message.received, datetime)
    assert_type(message.provider, str)
    assert_type(message.parsed, EmailMessage)
    assert_type(message.sender, str)
    assert_type(message.recipients, tuple[str, ...])
    assert_type(message.subject, str)
    assert_type(message.text, str)
    assert_type(message.html, str)
    assert_type(message.links, list[str])
    assert_type(message.attachments[0].content, bytes)
    assert_type(message["Subject"], str | None)

    message.subjet  # type: ignore[attr-defined]
    message.content = b""  # type: ignore[misc]
    for _ in message:  # type: ignore[misc]
        pass


async def test_messages_in_a_task(mailnet: MailNet) -> None:
    assert_type(await mailnet.wait_for_messages_async(2), list[Message])


def test_sessions(mailnet: MailNet) -> None:
    assert_type(mailnet.sessions, list[Session])
    session = mailnet.sessions[0]
    assert_type(session.at, float)
    assert_type(session.number, int)
    assert_type(session.client.ip, str)
    assert_type(session.server.port, int)
    assert_type(session.host, str)
    assert_type(session.provider, str)
    assert_type(session.commands, list[str])
    assert_type(session.replies, list[str])
    assert_type(session.messages, list[Message])
    assert_type(session.ended, str | None)
    assert_type(session.tls, str | None)
    assert_type(session.user, str | None)
    assert_type(session.open, bool)
    exchange = session.exchanges[0]
    assert_type(exchange.request, bytes)
    assert_type(exchange.code, int | None)
    if exchange.finding is not None:
        assert_type(exchange.finding.why, str)

    session.repliez  # type: ignore[attr-defined]
    session.ended = "closed"  # type: ignore[misc]


# What production said, other clients, and errors.


def test_evidence(mailnet: MailNet) -> None:
    failures = mailnet.reproduce("bounce.eml", Path("logs"), Failure(recipient="alice@shop.example"))
    assert_type(failures, list[Failure])
    failure = failures[0]
    assert_type(failure.recipient, str | None)
    assert_type(failure.code, int | None)
    assert_type(failure.permanent, bool | None)
    assert_type(failure.reply, tuple[str, ...])
    if failure.fault is not None:
        mailnet.fail("shop.example", failure.fault)

    failure.recipent  # type: ignore[attr-defined]


def test_other_clients(mailnet: MailNet) -> None:
    ip, port = mailnet.listen("mx.shop.example", 25)
    assert_type(ip, str)
    assert_type(port, int)
    assert_type(mailnet.ca.bundle, Path)
    mailnet.include_children()


def test_programs(mailnet: MailNet, mailnet_process: MailNetProcess) -> None:
    assert_type(mailnet.process(trust_ca=True), MailNetProcess)
    done = mailnet_process.run("swaks --to alice@gmail.com", input="hello", timeout=10, env={}, check=True)
    assert_type(done.returncode, int)
    with mailnet_process.popen(["sendmail", Path("mail")], cwd="/") as program:
        program.terminate()
    mailnet_process.start("swaks")  # type: ignore[attr-defined]


def test_errors(mailnet: MailNet) -> None:
    kinds: list[type[MailNetError]] = [
        AddressInUse,
        EvidenceError,
        InvalidAddress,
        InvalidReply,
        InvalidSetting,
        MailNetTampered,
        MissingExtra,
        NoNamespace,
        NothingArrived,
        ProviderFileError,
        ReadOnly,
        UnknownAttribute,
        UnknownExport,
        WouldHang,
        ZoneError,
    ]
    assert issubclass(OutlivedItsNet, UserWarning)
    assert issubclass(Crash, SystemExit)
    assert kinds
    with pytest.raises(UnknownName) as caught:
        mailnet.gmail.mailbox("alcie")
    assert_type(caught.value.kind, str)
    assert_type(caught.value.given, str)
    assert_type(caught.value.known, tuple[str, ...])
    assert_type(caught.value.cure, str)
    with pytest.raises(ExpectationFailed):
        mailnet.wait_for_messages(timeout=0)
