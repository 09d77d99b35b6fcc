"""Faults in turn, faults by chance, and the search for the ones that break an application."""

from __future__ import annotations

import smtplib

import dns.resolver
import hypothesis
import pytest
from hypothesis import Phase, given, settings

from pytest_mailnet import MailNet
from pytest_mailnet.errors import ExpectationFailed, InvalidSetting, UnknownName
from pytest_mailnet.faults import FAULTS, DnsFault, Fault, FaultSchedule, fault_named
from pytest_mailnet.strategies import World, faults, messages, replies, schedules, worlds
from pytest_mailnet.values import Reply, Stage

DOMAIN = "shop.example"
HOST = "mx.shop.example"
MAIL = b"Message-ID: <1@sender.example>\r\nSubject: hi\r\n\r\nhi\r\n"
quick = settings(max_examples=60, database=None)


def send():
    exchange = dns.resolver.resolve(DOMAIN, "MX")[0].exchange.to_text(omit_final_dot=True)
    with smtplib.SMTP(exchange, timeout=60) as client:
        client.sendmail("app@sender.example", ["alice@shop.example"], MAIL)


def outcome():
    try:
        send()
    except (OSError, dns.exception.DNSException) as error:
        return type(error).__name__
    return "sent"


def test_each_try_meets_the_next_step(mailnet, shop):
    mailnet.fail(DOMAIN, FaultSchedule("refused-at-connect", "dns-servfail", None, "closed-at-rcpt"))

    told = [outcome() for _ in range(5)]

    assert told == ["ConnectionRefusedError", "NoNameservers", "sent", "SMTPServerDisconnected", "sent"]


def test_a_step_is_met_at_whichever_host_is_called(mailnet):
    for number in (1, 2):
        mailnet.add_server(f"mx{number}.shop.example", domain=DOMAIN)
    mailnet.fail(DOMAIN, FaultSchedule("refused-at-connect", None))

    with pytest.raises(ConnectionRefusedError):
        smtplib.SMTP("mx2.shop.example")
    smtplib.SMTP("mx1.shop.example").close()


def test_a_schedule_that_nobody_comes_to_the_end_of_fails_the_test():
    told = r"FaultSchedule\('reset-at-mail', None, 'reset-at-rcpt'\) of shop.example is longer than the application"

    with pytest.raises(ExpectationFailed, match=told), MailNet() as net:  # noqa: PT012
        net.add_server(HOST, domain=DOMAIN)
        net.fail(DOMAIN, FaultSchedule("reset-at-mail", None, "reset-at-rcpt"))
        assert outcome() == "SMTPServerDisconnected"


@pytest.mark.parametrize(
    ("do", "error", "text"),
    [
        (lambda _: FaultSchedule("reset-at-rcp"), UnknownName, "did you mean 'reset-at-rcpt'"),
        (
            lambda net: net.fail(DOMAIN, FaultSchedule("reset-at-mail", None, None), times=2),
            InvalidSetting,
            "3 steps are more than 2 tries can meet",
        ),
        (
            lambda net: net.fail("gmail.com", FaultSchedule("reset-at-auth")),
            InvalidSetting,
            "does not offer AUTH",
        ),
        (lambda net: net.fail("shup.example", FaultSchedule("reset-at-mail")), UnknownName, "'shop.example'"),
        (lambda _: schedules(2, longest=3), InvalidSetting, "at most one for each try"),
        (lambda _: schedules(0), InvalidSetting, "1 step or more"),
        (lambda _: faults(stage="rctp"), InvalidSetting, "did you mean 'rcpt'"),
        (lambda _: faults(stage="rcpt", kind="tls"), InvalidSetting, "there it is connection, reply"),
        (lambda net: net.chaos(rate=2), InvalidSetting, "0 .never. to 1"),
    ],
)
def test_what_cannot_be_met_is_told_at_once(mailnet, shop, do, error, text):
    with pytest.raises(error, match=text):
        do(mailnet)


def test_a_schedule_is_written_as_code():
    schedule = FaultSchedule("reset-after-dot", None, DnsFault(FAULTS["dns-servfail"].manner))

    assert repr(schedule) == "FaultSchedule('reset-after-dot', None, 'dns-servfail')"
    assert eval(repr(schedule)) == schedule
    assert hash(eval(repr(schedule))) == hash(schedule)
    assert all(eval(repr(fault)) is fault for fault in map(fault_named, FAULTS))


def weather(net, tries=40):
    net.clock.compress()
    net.add_server(HOST, domain=DOMAIN)
    return [outcome() for _ in range(tries)]


def test_chaos_is_the_same_for_the_same_seed():
    told = []
    for seed in (7, 7, 8):
        with MailNet() as net:
            net.chaos(seed=seed, rate=0.5)
            told.append(weather(net))

    assert told[0] == told[1] != told[2]
    assert "sent" in told[0]
    assert len(set(told[0])) > 2


@pytest.mark.parametrize(("rate", "sent"), [(0, {"sent"}), (1, set())])
def test_chaos_comes_as_often_as_its_rate(rate, sent):
    with MailNet() as net:
        net.chaos(seed=1, rate=rate)

        met = weather(net, tries=10)

    assert {it for it in met if it == "sent"} == sent


def test_a_failing_test_tells_the_seed(pytester):
    pytester.makepyfile(
        """
        def test_it(mailnet):
            mailnet.chaos(rate=0.25)
            assert False

        def test_again(mailnet):
            mailnet.chaos(seed=4711, rate=0.25)
            assert False
        """
    )

    result = pytester.runpytest_inprocess("-p", "no:randomly")

    result.stdout.re_match_lines_random(
        [r".*!!  chaos: mailnet.chaos\(seed=\d+, rate=0.25\)", r".*mailnet.chaos\(seed=4711, rate=0.25\)"]
    )


def test_the_seed_that_is_told_brings_the_same_weather_again(pytester):
    soak = """
        import smtplib

        def test_soak(mailnet):
            mailnet.clock.compress()
            mailnet.add_server("mx.shop.example", domain="shop.example")
            WEATHER
            told = []
            for number in range(30):
                try:
                    with smtplib.SMTP("mx.shop.example", timeout=60) as client:
                        client.sendmail("app@sender.example", ["alice@shop.example"], "Subject: hi")
                    told.append("sent")
                except OSError as error:
                    told.append(type(error).__name__)
            print("told", told)
            assert False
        """

    def told_in(weather):
        pytester.makepyfile(soak.replace("WEATHER", weather))
        lines = pytester.runpytest_inprocess("-p", "no:randomly").outlines
        [told] = [line for line in lines if line.startswith("told [")]
        [seed] = [line.partition("chaos: ")[2] for line in lines if "!!  chaos: " in line]
        return told, seed

    told, weather = told_in("mailnet.chaos(rate=0.5)")
    told_again, _ = told_in(weather)

    assert told_again == told
    assert len(set(told.split(", "))) > 2


def fire_and_forget():
    """An application with a defect: it takes a mail for sent when the connection breaks after the dot."""
    for _ in range(3):
        try:
            send()
        except smtplib.SMTPServerDisconnected:
            return "sent"
        except (OSError, dns.exception.DNSException):
            continue
        return "sent"
    return "failed"


def test_the_search_ends_in_the_smallest_schedule_that_breaks_the_application():
    # Without the phase that explains a failure, which takes ten times as long as finding it.
    @settings(quick, max_examples=400, phases=[Phase.generate, Phase.shrink])
    @hypothesis.seed(1)
    @given(schedules(3))
    def the_application_is_right(schedule):
        with MailNet(strict=False) as net:
            net.clock.compress()
            net.add_server(HOST, domain=DOMAIN)
            net.fail(DOMAIN, schedule)
            belief = fire_and_forget()
            assert net.account_for({"1@sender.example": belief}).right

    with pytest.raises(AssertionError) as told:
        the_application_is_right()

    note = "".join(told.value.__notes__)
    schedule = eval(note[note.index("FaultSchedule(") : note.index(")", note.index("FaultSchedule(")) + 1])
    assert len(schedule.steps) == 1
    assert schedule.steps[0].taken is False


def test_what_breaks_an_application_is_printed_as_code_to_paste(pytester):
    """What hypothesis shows of each value: it goes by its own rules, and not by repr alone."""
    pytester.makepyfile(
        """
        from hypothesis import Phase, given, settings
        from pytest_mailnet import MailNet
        from pytest_mailnet.strategies import faults, messages, replies, schedules, worlds

        quick = settings(deadline=None, database=None, phases=[Phase.generate, Phase.shrink])

        @quick
        @given(schedules(3), faults(), faults(kind="reply"), replies(), worlds(), messages())
        def test_it(schedule, fault, reply_fault, reply, world, message):
            assert len([step for step in schedule.steps if step]) < 2
        """
    )

    result = pytester.runpytest_inprocess("-p", "no:randomly")

    lines = [line.removeprefix("E").strip() for line in result.outlines]
    told = lines[next(number for number, line in enumerate(lines) if line.endswith(": test_it(")) + 1 :]
    printed = dict(line.partition(" # ")[0].rstrip(", ").split("=", 1) for line in told[: told.index(")")])
    names = {it.__name__: it for it in (FaultSchedule, fault_named, Reply, World)}
    values = {name: eval(code, names) for name, code in printed.items()}
    assert printed["schedule"] == "FaultSchedule('dns-servfail', 'dns-servfail')"
    assert printed["fault"] == "fault_named('dns-servfail')"
    assert [type(values[name]) for name in ("reply_fault", "reply", "world", "message")] == [
        Fault,
        Reply,
        World,
        bytes,
    ]


@quick
@given(worlds())
def test_a_world_can_be_put_into_a_net(world):
    with MailNet() as net:
        eval(repr(world)).put_into(net)

        found = sorted(dns.resolver.resolve(world.domain, "MX"), key=lambda mx: mx.preference)
        assert [mx.preference for mx in found] == sorted(preference for preference, _ in world.exchanges)
        up = 0
        for mx in found:
            try:
                smtplib.SMTP(str(mx.exchange).rstrip(".")).close()
            except ConnectionRefusedError:
                continue
            up += 1
        assert up == sum(up for _, up in world.exchanges) >= 1


@quick
@given(replies())
def test_a_reply_that_is_drawn_goes_over_the_wire(reply):
    with MailNet() as net:
        net.add_server(HOST, domain=DOMAIN).on_rcpt().reply(reply)

        with smtplib.SMTP(HOST) as client:
            client.helo()
            client.mail("app@sender.example")
            code, text = client.rcpt("alice@shop.example")

    assert code == reply.code
    assert Reply.parse("\n".join(f"{code} {line}" for line in text.decode().split("\n"))).code == code


@pytest.mark.parametrize(("permanent", "digit"), [(True, 5), (False, 4)])
def test_replies_can_be_had_of_one_kind(permanent, digit):
    @quick
    @given(replies(permanent=permanent))
    def all_are(reply):
        assert reply.code // 100 == digit
        assert reply.enhanced is None or reply.enhanced[0] == str(digit)

    all_are()


@quick
@given(faults(stage="message", kind="connection"))
def test_faults_can_be_had_of_a_stage_and_kind(fault):
    assert isinstance(fault, Fault)
    assert (fault.stage, fault.kind) == (Stage.MESSAGE, "connection")


@quick
@given(messages())
def test_a_message_arrives_as_it_was_drawn(message):
    with MailNet() as net:
        net.add_server(HOST, domain=DOMAIN)

        with smtplib.SMTP(HOST) as client:
            client.sendmail("app@sender.example", ["alice@shop.example"], message)
        [taken] = net.messages

    assert taken.content == message
    assert taken.parsed["To"] == "alice@shop.example"


def test_a_world_is_written_as_code():
    assert (
        repr(World("shop.example", ((10, True),))) == "World(domain='shop.example', exchanges=((10, True),))"
    )


def test_steps_at_the_end_that_let_connections_through_need_not_be_met():
    with MailNet() as net:
        net.add_server("mx.shop.example", domain="shop.example")
        net.fail("shop.example", FaultSchedule("refused-at-connect", None, None))

        with pytest.raises(ConnectionRefusedError):
            smtplib.SMTP("mx.shop.example")


def test_a_connection_does_not_meet_what_is_to_happen_to_a_question(mailnet, shop):
    mailnet.fail("shop.example", FaultSchedule("dns-servfail", "refused-at-connect"))
    [address] = shop.addresses

    with smtplib.SMTP(address) as client:
        assert client.noop()[0] == 250

    with pytest.raises(dns.resolver.NoNameservers):
        dns.resolver.resolve("shop.example", "MX")
    with pytest.raises(ConnectionRefusedError):
        smtplib.SMTP(address)
