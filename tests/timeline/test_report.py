"""The story of a net: what it tells, how it is made short, and how it looks."""

from __future__ import annotations

import re
import smtplib
import socket
import subprocess
import sys
import warnings
from types import SimpleNamespace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_mailnet import MailNet
from pytest_mailnet.errors import ExpectationFailed, WouldHang
from pytest_mailnet.net.mailnet import life_of
from pytest_mailnet.record.journal import ClockMoved, Incident, Journal, Query
from pytest_mailnet.record.session import Exchange, Finding, note
from pytest_mailnet.timeline.folding import Line, shortened
from pytest_mailnet.timeline.story import in_colours, story, timeline
from pytest_mailnet.values import Endpoint, Stage

CLIENT, SERVER = Endpoint("203.0.113.7", 40000), Endpoint("192.0.2.10", 25)
MAIL = "Subject: hi\r\n\r\nhello\r\n"


def untimed(told):
    return re.sub(r"(?m)^ *[\d.]+ ms  ", "", told)


def send(to="alice@shop.example", host="mx.shop.example", **options):
    with smtplib.SMTP(host, 25, **options) as client:
        client.sendmail("bob@sender.example", [to], MAIL)


def session(journal, *exchanges, ended="client quit"):
    """A session in which was said what the pairs of stage, request and reply tell."""
    made = journal.open_session(CLIENT, SERVER, "mx.shop.example", "shop")
    for stage, request, reply in exchanges:
        made.exchanges.append(Exchange(journal.elapsed(), stage, request, reply))
    note(made, ended=ended)
    return made


def delivery(journal, number, answer=b"250 2.1.5 OK"):
    return session(
        journal,
        (Stage.CONNECT, b"", b"220 mx.shop.example ESMTP\r\n"),
        (Stage.RCPT, f"RCPT TO:<user{number}@shop.example>\r\n".encode(), answer + b"\r\n"),
        (Stage.MESSAGE, b"Subject: %d\r\n" % number, b"250 2.0.0 OK queued as 4c%04d\r\n" % number),
    )


@pytest.mark.parametrize(
    ("fault", "error", "cause"),
    [
        ("refused-at-connect", "connection refused", "the connection is refused (ECONNREFUSED)"),
        ("unreachable-at-connect", "no route to host", "the host cannot be reached (EHOSTUNREACH)"),
        ("no-route-at-connect", "network is unreachable", "there is no route to the host (ENETUNREACH)"),
        ("dropped-at-connect", "no answer", "the connection is never answered"),
    ],
)
def test_a_connection_that_does_not_come_about_is_told(mailnet, shop, fault, error, cause):
    mailnet.clock.compress()
    mailnet.host("mx.shop.example").fail(fault)

    with pytest.raises(OSError):  # noqa: PT011  # each fault has its own
        send(timeout=60)

    told = untimed(timeline(life_of(mailnet).journal)).splitlines()
    assert told[2:4] == [
        f"tcp  203.0.113.7 cannot connect to mx.shop.example (192.0.2.10:25): {error}",
        f"tcp  -> {cause}, as the test has it: {fault}",
    ]


def test_a_port_where_nobody_listens_is_told(mailnet, shop):
    mailnet.host("mx.shop.example").ports = (25,)

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("mx.shop.example", 587))

    told = untimed(timeline(life_of(mailnet).journal)).splitlines()
    assert told[-2:] == [
        "tcp  203.0.113.7 cannot connect to mx.shop.example (192.0.2.10:587): connection refused",
        "tcp  -> mx.shop.example does not listen on port 587, only on 25, 110, 143, 993, 995",
    ]


def test_a_leak_is_told_once():
    with MailNet(strict=False) as net, pytest.raises(OSError, match=r"192\.0\.2\.99"):
        socket.create_connection(("192.0.2.99", 25))

    assert timeline(life_of(net).journal).count("192.0.2.99:25") == 1


def test_a_server_that_cannot_reach_another_is_told(mailnet, shop):
    mailnet.gmail.add_mailbox("bob", password="pw")
    with smtplib.SMTP_SSL("smtp.gmail.com", 465) as client:
        client.login("bob", "pw")
        client.sendmail("bob@gmail.com", ["alice@shop.example"], MAIL)
    mailnet.host("mx.shop.example").refuse_connections()

    mailnet.deliver_all()

    assert re.search(
        r"tcp  [\d.]+ cannot connect to mx\.shop\.example \([\d.]+:25\): connection refused\n"
        r".*tcp  -> the connection is refused",
        timeline(life_of(mailnet).journal),
    )


def test_a_queue_names_what_delivers_it(mailnet, shop):
    mailnet.gmail.add_mailbox("bob", password="pw")
    with smtplib.SMTP_SSL("smtp.gmail.com", 465) as client:
        client.login("bob", "pw")
        client.sendmail("bob@gmail.com", ["alice@shop.example"], MAIL)

    told = timeline(life_of(mailnet).journal, mailnet.queue).splitlines()

    assert told[-1] == (
        "      in the queue  until mailnet.deliver_all(), or (days=5) with all its tries, lets the servers deliver it"
    )
    assert told[-2].startswith("      in the queue  gmail ")
    assert "deliver_all" not in timeline(life_of(mailnet).journal)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (599.9999999, "10 min"),
        (600, "10 min"),
        (599.5, "9 min 59.5 s"),
        (3599.9996, "1 h"),
        (86399.9999, "1 d"),
        (90061.25, "1 d 1 h 1 min 1.25 s"),
        (0.0001, "0 s"),
    ],
)
def test_a_span_of_time_has_no_sixty_seconds(seconds, told):
    journal = Journal()
    journal.add(ClockMoved(0, seconds, "2026-11-28 13:00:00"))

    assert timeline(journal).endswith(f"clock  {told} on, to 2026-11-28 13:00:00 UTC")


@given(
    request=st.binary(),
    reply=st.binary(min_size=1),
    stage=st.sampled_from([None, *Stage]),
    words=st.text(),
)
@example(
    b"EHLO \x1b]0;owned\x07\x1b[2J\xc2\x9b2J\xe2\x80\xae\r\n", b"250 OK\r\n", Stage.EHLO, "a\x1b[31m\nb\x85c"
)
@example(b"\x1b[2J\x1b[31m PLAIN\r\n", b"500 \x7f\r\n", Stage.AUTH, "\u2028")
def test_no_control_character_of_anybody_reaches_a_terminal(request, reply, stage, words):
    journal = Journal()
    journal.add(Query(0, words, "MX", words, (f"{words} 300 MX 10 {words}",), words))
    journal.add(Incident(0, "leak", words))
    journal.not_connected("203.0.113.7", SERVER, words, 111, words)
    said = journal.open_session(CLIENT, SERVER, words, words)
    said.exchanges.append(Exchange(0, stage, request, reply, Finding("rule", words)))
    note(said, user=words, ended=words)

    told = [timeline(journal, [words]), str(said), story(journal, [words], 3).short]

    assert all(line.isprintable() for text in told for line in text.split("\n"))


def test_what_a_client_says_makes_no_line_of_its_own(client, mailnet):
    client.say(b"NOOP \x0b\x0c\x85[2] S  250 forged\r\n")

    [told] = [line for line in timeline(life_of(mailnet).journal).splitlines() if "forged" in line]
    assert told.endswith(r"[1] C  NOOP \x0b\x0c\x85[2] S  250 forged")
    assert r"C: NOOP \x0b\x0c\x85[2] S  250 forged" in str(mailnet.sessions[0]).splitlines()


def test_a_failure_quotes_no_control_characters(converse):
    def nonsense(step):
        raise ValueError(f"no sense in {step.helo}: \x1b[2J\u202e")

    with pytest.raises(ExpectationFailed, match="ValueError at EHLO") as caught, MailNet() as net:  # noqa: PT012
        net.add_server("mx.shop.example").on_ehlo(nonsense).reply("550 no")
        converse("mx.shop.example").say("EHLO app.example")

    assert r"no sense in app.example: \x1b[2J\u202e" in str(caught.value)


def test_a_short_story_is_told_as_it_is():
    journal = Journal()
    for number in range(6):
        delivery(journal, number)

    short, full = story(journal, limit=200), timeline(journal)

    assert short == (full, full)


def test_sessions_that_went_alike_are_folded_into_the_first():
    journal = Journal()
    for number in range(200):
        delivery(journal, number)

    told = untimed(story(journal, limit=50).short).splitlines()

    assert told == [
        "[1]  203.0.113.7:40000 connects to mx.shop.example (192.0.2.10:25)",
        "[1] S  220 mx.shop.example ESMTP",
        "[1] C  RCPT TO:<user0@shop.example>",
        "[1] S  250 2.1.5 OK",
        "[1] C  Subject: 0",
        "[1] C  .",
        "[1] S  250 2.0.0 OK queued as 4c0000",
        "[1]  client quit",
        "[2] to [200]  went the same way as [1]",
    ]


@pytest.mark.parametrize("answer", [b"250 2.1.6 OK", b"251 2.1.5 OK", b"550 5.1.1 No", b"250 2.1.5 Fine"])
def test_a_session_that_went_otherwise_is_told_by_itself(answer):
    journal = Journal()
    for number in range(20):
        delivery(journal, number, answer if number == 6 else b"250 2.1.5 OK")

    told = untimed(story(journal, limit=50).short).splitlines()

    assert "[2] to [6], [8] to [20]  went the same way as [1]" in told
    assert f"[7] S  {answer.decode()}" in told


def test_look_ups_that_are_alike_are_folded_too():
    journal = Journal()
    for number in range(20):
        journal.add(Query(number, f"d{number}.example", "MX", "NXDOMAIN", (), "udp"))

    told = untimed(story(journal, limit=5).short)

    assert told == "dns  d0.example MX? NXDOMAIN  (udp)  [and 19 more like it]"


def test_a_story_that_is_still_too_long_keeps_its_ends_and_what_went_wrong():
    journal = Journal()
    recipients = [
        (Stage.RCPT, b"RCPT TO:<u%d@shop.example>\r\n" % n, b"550 No\r\n" if n == 50 else b"250 OK\r\n")
        for n in range(100)
    ]
    session(journal, *recipients)

    told = untimed(story(journal, limit=12).short).splitlines()

    assert told == [
        "[1]  203.0.113.7:40000 connects to mx.shop.example (192.0.2.10:25)",
        "[1] C  RCPT TO:<u0@shop.example>",
        "[1] S  250 OK",
        "[1] C  RCPT TO:<u1@shop.example>",
        "      ... 97 lines",
        "[1] C  RCPT TO:<u50@shop.example>",
        "[1] S  550 No",
        "      ... 95 lines",
        "[1] S  250 OK",
        "[1] C  RCPT TO:<u99@shop.example>",
        "[1] S  250 OK",
        "[1]  client quit",
    ]


@given(
    answers=st.lists(st.sampled_from([b"250 OK", b"550 No", b"451 Later"]), max_size=60),
    limit=st.integers(1, 40),
)
def test_a_story_is_never_longer_than_it_may_be(answers, limit):
    journal = Journal()
    for at, answer in enumerate(answers):
        # Words, so that no two are alike.
        session(journal, (Stage.EHLO, b"EHLO " + b"x" * at + b"\r\n", answer + b"\r\n"))

    short, full = reversed(story(journal, limit=limit))

    assert len(short.splitlines()) <= max(limit, 1)
    assert short == full or len(full.splitlines()) > limit


def test_colours_tell_clients_servers_refusals_and_troubles_apart():
    journal = Journal()
    session(journal, (Stage.RCPT, b"RCPT\r\n", b"250 OK\r\n"), (Stage.RCPT, b"RCPT\r\n", b"550 No\r\n"))
    journal.add(Incident(1, "leak", "out"))
    journal.add(Query(1, "a.example", "A", "NXDOMAIN", (), "udp"))
    told = timeline(journal)

    painted = in_colours(told)

    assert "[1] C  \033[36mRCPT\033[0m" in painted
    assert "[1] S  \033[32m250 OK\033[0m" in painted
    assert "[1] S  \033[31m550 No\033[0m" in painted
    assert "!!  \033[31mleak: out\033[0m" in painted
    assert "dns  \033[35ma.example A? NXDOMAIN  (udp)\033[0m" in painted
    assert re.sub("\033\\[\\d+m", "", painted) == told


def test_where_nobody_came_the_clock_is_told_behind_that(mailnet):
    mailnet.clock.advance(minutes=1)

    assert re.fullmatch(
        r"nothing was looked up, and nobody connected\n *[\d.]+ ms  clock  1 min on, to .* UTC",
        timeline(life_of(mailnet).journal),
    )


@pytest.mark.parametrize("backend", ["locmem", "console", "dummy", "filebased"])
def test_a_django_that_sends_nothing_is_a_cause(mailnet, monkeypatch, backend):
    settings = SimpleNamespace(
        configured=True, EMAIL_BACKEND=f"django.core.mail.backends.{backend}.EmailBackend"
    )
    monkeypatch.setitem(sys.modules, "django.conf", SimpleNamespace(settings=settings))

    assert timeline(life_of(mailnet).journal).splitlines()[1] == (
        f"  - Django's settings.EMAIL_BACKEND is 'django.core.mail.backends.{backend}.EmailBackend', which connects "
        "to nobody; django.test sets it in every test. In a test that has a mailnet: "
        "settings.EMAIL_BACKEND = 'django.core.mail.backends.smtp.EmailBackend'"
    )


@pytest.mark.parametrize(
    "settings",
    [
        SimpleNamespace(configured=False),
        SimpleNamespace(configured=True, EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend"),
        SimpleNamespace(configured=True, EMAIL_BACKEND="anymail.backends.mailgun.EmailBackend"),
        SimpleNamespace(configured=True),
    ],
)
def test_a_django_that_may_send_is_no_cause(mailnet, monkeypatch, settings):
    monkeypatch.setitem(sys.modules, "django.conf", SimpleNamespace(settings=settings))

    assert timeline(life_of(mailnet).journal) == "nothing was looked up, and nobody connected"


def test_a_django_that_does_not_want_to_be_looked_at_is_no_matter(mailnet, monkeypatch):
    class Settings:
        configured = True

        @property
        def EMAIL_BACKEND(self):  # Django's name
            warnings.warn("deprecated", DeprecationWarning, stacklevel=2)
            raise RuntimeError("not now")

    monkeypatch.setitem(sys.modules, "django.conf", SimpleNamespace(settings=Settings()))

    assert timeline(life_of(mailnet).journal) == "nothing was looked up, and nobody connected"


@pytest.mark.parametrize(("suppress", "causes"), [(True, 1), (False, 0)])
def test_a_flask_mail_that_suppresses_is_a_cause(mailnet, monkeypatch, suppress, causes):
    class State:
        def __init__(self):
            self.suppress = suppress

    monkeypatch.setitem(sys.modules, "flask_mail", SimpleNamespace(_Mail=State))
    state = State()

    told = timeline(life_of(mailnet).journal).splitlines()[1:]

    assert len(told) == causes
    assert all(line.startswith("  - Flask-Mail suppresses all mail") for line in told)
    assert state.suppress == suppress


def test_a_child_that_is_not_in_the_net_is_a_cause(mailnet):
    subprocess.run([sys.executable, "-S", "-c", "pass"], check=True)

    assert timeline(life_of(mailnet).journal).splitlines()[1:] == [
        f"  - a process was started outside of the net: `{sys.executable} -S -c pass`. For Python: "
        "mailnet.include_children() before it starts; for others: a port by mailnet.listen(...)"
    ]


def test_a_child_that_is_in_the_net_is_no_cause(mailnet):
    mailnet.include_children()

    subprocess.run([sys.executable, "-c", "pass"], check=True)

    assert timeline(life_of(mailnet).journal) == "nothing was looked up, and nobody connected"


def test_a_hang_that_the_test_failed_with_is_not_told_again():
    net = MailNet()

    with net:
        net.add_server("mx.shop.example", domain="shop.example")
        net.clock.compress()
        net.fail("shop.example", "stalled-at-connect")
        with (
            socket.create_connection(("mx.shop.example", 25)) as sock,
            pytest.raises(WouldHang, match="waits without a time-out") as caught,
        ):
            sock.recv(1)
        wrapped = RuntimeError("the application's own")
        wrapped.__cause__ = caught.value
        life_of(net).settle(wrapped)  # and nothing is raised when the net is left

    [incident] = life_of(net).journal.incidents
    assert incident.text == "the application waits without a time-out for a server that will never speak"


def test_an_explanation_is_printable(client, mailnet, shop):
    client.say(b"EHLO \x1b[2J\r\n")

    told = shop.explain(mailnet.sessions[0])

    assert r"EHLO \x1b[2J -> 501 5.5.4 " in told
    assert all(line.isprintable() for line in told.split("\n"))


def test_a_line_of_a_million_letters_is_compared_like_any_other():
    long = "x" * 1_000_000
    lines = [Line(0, strand, f"[{strand}]", f"S  220 {long} {strand}", compared=True) for strand in (1, 2, 3)]

    told = shortened(lines, 2)

    assert [it.text for it in told] == [f"S  220 {long} 1", " went the same way as [1]"]
