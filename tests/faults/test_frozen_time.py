"""Tests that freeze time: servers, waits and the record go by the machine's clock all the same."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import smtplib
import ssl
import time
from datetime import UTC, datetime

import dns.resolver
import pytest

from pytest_mailnet import MailNet
from pytest_mailnet.errors import NothingArrived

freezegun = pytest.importorskip("freezegun")
real = time.monotonic

HOST = "mx.shop.example"
MAIL = "Subject: hi\r\n\r\nhello\r\n"


FREEZES = {
    "freezegun": lambda: freezegun.freeze_time("2020-01-01"),
    "freezegun, ticking": lambda: freezegun.freeze_time("2020-01-01", tick=True),
    "freezegun, real asyncio": lambda: freezegun.freeze_time("2020-01-01", real_asyncio=True),
    "time-machine": lambda: pytest.importorskip("time_machine").travel("2020-01-01", tick=False),
}


@pytest.fixture(params=FREEZES)
def frozen(request):
    """Each way to freeze time."""
    return FREEZES[request.param]()


async def say_hello():
    reader, writer = await asyncio.open_connection(HOST, 25)
    try:
        return await asyncio.wait_for(reader.readline(), 3)
    finally:
        writer.close()


def test_a_freeze_that_begins_while_a_connection_stands_does_not_end_it(mailnet, frozen):
    mailnet.add_server(HOST, domain="shop.example")

    with smtplib.SMTP(HOST, timeout=10) as before:
        with frozen, smtplib.SMTP(HOST, timeout=10) as during:
            assert during.noop()[0] == 250
            assert before.noop()[0] == 250
        assert before.noop()[0] == 250


def test_a_frozen_clock_that_is_moved_on_past_the_idle_time_does_not_end_a_connection(mailnet):
    mailnet.add_server(HOST, domain="shop.example")

    with freezegun.freeze_time("2020-01-01") as clock, smtplib.SMTP(HOST, timeout=10) as client:
        client.ehlo()
        clock.tick(dt.timedelta(hours=1))
        assert smtplib.SMTP(HOST, timeout=10).quit()[0] == 221
        assert client.noop()[0] == 250


def test_the_record_tells_times_that_are_real_and_in_order(mailnet, frozen):
    mailnet.add_server(HOST, domain="shop.example")
    began = real()

    with frozen, smtplib.SMTP(HOST) as client:
        client.sendmail("a@sender.example", ["b@shop.example"], MAIL)
    with smtplib.SMTP(HOST) as client:
        client.sendmail("a@sender.example", ["b@shop.example"], MAIL)

    times = [exchange.at for session in mailnet.sessions for exchange in session.exchanges]
    assert times == sorted(times)
    assert times[-1] - times[0] <= real() - began


def test_asyncio_meets_its_time_out_on_the_net_s_clock(mailnet, shop, passed, lived, frozen):
    mailnet.fail("shop.example", "stalled-at-connect")

    with frozen, pytest.raises(TimeoutError):
        asyncio.run(say_hello())

    assert 3 <= passed() <= 3 + lived()
    assert lived() < 15


def test_a_freeze_that_begins_in_a_running_loop_lets_its_time_outs_be_met(
    mailnet, shop, passed, lived, frozen
):
    mailnet.fail("shop.example", "stalled-at-connect", times=2)

    async def meet():
        with pytest.raises(TimeoutError):
            await say_hello()
        with frozen, pytest.raises(TimeoutError):
            await say_hello()
        return await say_hello()

    assert asyncio.run(meet()).startswith(b"220 ")
    assert 6 <= passed() <= 6 + lived()


def test_trio_meets_its_time_out_on_the_net_s_clock(mailnet, shop, passed, frozen):
    trio = pytest.importorskip("trio")
    mailnet.fail("shop.example", "stalled-at-connect")

    async def meet():
        with trio.fail_after(3):
            async with await trio.open_tcp_stream(HOST, 25) as stream:
                await stream.receive_some()

    with frozen, pytest.raises(trio.TooSlowError):
        trio.run(meet)

    assert 3 <= passed() <= 5


def test_a_blocking_client_meets_its_time_out_exactly(mailnet, shop, passed, frozen):
    mailnet.fail("shop.example", "stalled-at-connect")

    with frozen, pytest.raises(smtplib.SMTPServerDisconnected):
        smtplib.SMTP(HOST, timeout=60)

    assert passed() == 60


def test_a_resolver_gives_up_on_the_net_s_clock(mailnet, shop, passed, frozen):
    mailnet.fail("shop.example", "dns-time-out")

    with frozen, pytest.raises(dns.resolver.LifetimeTimeout):
        dns.resolver.resolve("shop.example", "MX", lifetime=5)

    assert 5 <= passed() <= 8


@pytest.mark.parametrize("ends_last", ["the freeze", "the net"])
def test_a_freeze_and_a_net_leave_nothing_on_the_loops(ends_last):
    loops = (asyncio.BaseEventLoop, asyncio.SelectorEventLoop, asyncio.SelectorEventLoop.__base__)

    async def nothing():
        pass

    with contextlib.ExitStack() as outer, contextlib.ExitStack() as inner:
        freeze = freezegun.freeze_time("2020-01-01", real_asyncio=True)
        net = (outer if ends_last == "the net" else inner).enter_context(MailNet())
        net.clock.compress()
        (inner if ends_last == "the net" else outer).enter_context(freeze)
        asyncio.run(nothing())

    # freezegun itself leaves the base class's method on the class that it has patched.
    found = [vars(cls)["time"].__module__ for cls in loops if "time" in vars(cls)]
    assert set(found) == {"asyncio.base_events"}


@pytest.mark.parametrize("moment", ["2001-01-01", "2020-01-01", "2037-01-01"])
def test_certificates_are_valid_or_not_by_the_machine_s_clock(mailnet, moment):
    # Names of this test's own: an authority signs for each of a run but once.
    host = f"mx.year{moment[:4]}.example"
    mailnet.add_server(host)
    mailnet.add_server(f"old-{host}").hosts[f"old-{host}"].tls.expired()

    with freezegun.freeze_time(moment):
        with smtplib.SMTP(host, timeout=10) as client:
            assert client.starttls(context=ssl.create_default_context())[0] == 220
        with (
            smtplib.SMTP(f"old-{host}", timeout=10) as client,
            pytest.raises(ssl.SSLCertVerificationError, match="certificate has expired"),
        ):
            client.starttls(context=ssl.create_default_context())


def test_a_first_certificate_in_frozen_time_leaves_no_frozen_class_with_cryptography(pytester):
    pytester.makepyfile(
        """
        import datetime, smtplib, ssl
        from freezegun import freeze_time

        @freeze_time("2020-01-01")
        def test_frozen(mailnet):
            mailnet.add_server("mx.shop.example")
            with smtplib.SMTP("mx.shop.example") as client:
                client.starttls(context=ssl.create_default_context())
            assert datetime.datetime.now().year == 2020

        def test_after_it():
            import trustme
            ca = trustme.CA()
            ca.issue_cert("a.example", not_before=datetime.datetime(2020, 1, 1))
        """
    )

    result = pytester.runpytest_subprocess("-p", "no:randomly")

    result.assert_outcomes(passed=2)


def test_a_net_that_is_made_in_frozen_time_begins_at_it(make_mailnet):
    with freezegun.freeze_time("2020-01-01 12:00"), make_mailnet() as net:
        assert net.clock.now() == datetime(2020, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("library", ["asyncio", "trio"])
def test_a_task_that_awaits_a_message_in_vain_is_told_so(mailnet, frozen, library):
    run = pytest.importorskip(library).run
    began = real()

    async def wait():
        await mailnet.wait_for_messages_async(1, timeout=0.1)

    with frozen, pytest.raises(NothingArrived):
        run(wait() if library == "asyncio" else wait)

    assert 0.1 <= real() - began < 15
