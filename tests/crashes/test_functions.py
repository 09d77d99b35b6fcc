"""Applications that are functions, and meet an exception at a place."""

from __future__ import annotations

import asyncio
import contextlib
import smtplib
import socket
import ssl
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import aiosmtplib
import dns.asyncresolver
import dns.resolver
import pytest

from pytest_mailnet import Crash, Crasher, InvalidSetting, MailNet

MAIL = "Message-ID: <1@b>\r\n\r\nhi\r\n"


class Application:
    """Sends one mail in some way, unless it knows that it has; counts what it has come to."""

    def __init__(self):
        self.sent = False
        self.calls = 0

    def __call__(self, way):
        self.calls += 1
        if not self.sent:
            way(self)

    def send(self, mx):
        mx.sendmail("bob@sender.example", ["sales@shop.example"], MAIL)
        self.sent = True

    @property
    def belief(self):
        return {"1@b": "sent" if self.sent else "deferred"}


def by_smtplib(app):
    with smtplib.SMTP("mx.shop.example", timeout=10) as mx:
        app.send(mx)


def over_tls(app):
    with smtplib.SMTP("mx.shop.example", timeout=10) as mx:
        mx.starttls(context=ssl.create_default_context())
        app.send(mx)


def by_mx(app):
    [answer] = dns.resolver.resolve("shop.example", "MX")
    with smtplib.SMTP(answer.exchange.to_text(omit_final_dot=True), timeout=10) as mx:
        app.send(mx)


def in_a_pool(app):
    with ThreadPoolExecutor(1) as pool:
        pool.submit(by_smtplib, app).result()


def by_aiosmtplib(app):
    async def send():
        [answer] = await dns.asyncresolver.resolve("shop.example", "MX")
        name = answer.exchange.to_text(omit_final_dot=True)
        async with aiosmtplib.SMTP(hostname=name, port=25, timeout=10, start_tls=False) as mx:
            await mx.sendmail("bob@sender.example", ["sales@shop.example"], MAIL)
            app.sent = True

    asyncio.run(send())


def by_aiosmtplib_over_tls(app):
    async def send():
        async with aiosmtplib.SMTP(hostname="mx.shop.example", port=25, timeout=10, start_tls=True) as mx:
            await mx.sendmail("bob@sender.example", ["sales@shop.example"], MAIL)
            app.sent = True

    asyncio.run(send())


async def converse(app, send, receive):
    await receive(1000)
    for line in (
        "EHLO app.example",
        "MAIL FROM:<bob@sender.example>",
        "RCPT TO:<sales@shop.example>",
        "DATA",
    ):
        await send(f"{line}\r\n".encode())
        assert await receive(1000)
    await send(f"{MAIL}.\r\n".encode())
    assert await receive(1000)
    app.sent = True
    await send(b"QUIT\r\n")
    assert await receive(1000)


def by_trio(app):
    trio = pytest.importorskip("trio")

    async def send():
        async with await trio.open_tcp_stream("mx.shop.example", 25) as stream:
            await converse(app, stream.send_all, stream.receive_some)

    trio.run(send)


def in_a_task_group_of_anyio(app):
    anyio = pytest.importorskip("anyio")

    async def send():
        async with await anyio.connect_tcp("mx.shop.example", 25) as stream:
            await converse(app, stream.send, stream.receive)

    async def start():
        async with anyio.create_task_group() as group:
            group.start_soon(send)

    anyio.run(start)


def by_uvloop(app):
    uvloop = pytest.importorskip("uvloop")

    async def send():
        reader, writer = await asyncio.open_connection("mx.shop.example", 25)

        async def write(data):
            writer.write(data)
            await writer.drain()

        await converse(app, write, reader.read)
        writer.close()
        await writer.wait_closed()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(send())


WAYS = [
    by_smtplib,
    over_tls,
    by_mx,
    in_a_pool,
    by_aiosmtplib,
    by_aiosmtplib_over_tls,
    by_trio,
    in_a_task_group_of_anyio,
    by_uvloop,
]


@pytest.mark.parametrize("way", WAYS, ids=lambda it: it.__name__)
def test_a_right_application_is_never_blamed(make_mailnet, way):
    def run(at):
        app = Application()
        with make_mailnet() as net:
            net.add_server("mx.shop.example", domain="shop.example")
            crasher = Crasher(net, at=at)
            crasher.call(app, way)
            return crasher, app, net.account_for(app.belief), len(net.messages)

    undisturbed, *_ = run(None)
    places = undisturbed.places
    assert len(places) > 14

    for place in places:
        crasher, app, found, taken = run(place.number)

        assert crasher.died_at.what.partition(":")[0] == place.what.partition(":")[0]
        assert app.calls == crasher.starts == 2
        assert found.right
        assert (taken == 2) == (place.what == "250 to content")
        assert bool(found.duplicates_possible) == (place.what == "250 to content")


def test_what_the_function_returns_is_returned(mailnet, shop):
    def send(to, *, subject):
        with smtplib.SMTP("mx.shop.example") as mx:
            return mx.sendmail("bob@sender.example", [to], f"Subject: {subject}\r\n\r\nhi\r\n")

    assert Crasher(mailnet, at=8).call(send, "sales@shop.example", subject="hi") == {}
    assert [it.subject for it in mailnet.messages] == ["hi"]


def test_an_exception_of_its_own_is_raised(mailnet, shop):
    shop.on_rcpt().reply("550 5.1.1 No")
    crasher = Crasher(mailnet, at=2)

    with pytest.raises(smtplib.SMTPRecipientsRefused):
        crasher.call(by_smtplib, Application())

    assert crasher.starts == 2


def test_the_exception_is_none_that_an_application_catches(mailnet, shop):
    caught = []

    def send():
        try:
            by_smtplib(Application())
        except Exception as error:
            caught.append(error)
            raise

    Crasher(mailnet, at=3).call(send)

    assert caught == []
    assert not issubclass(Crash, Exception)


TRACED = """
import smtplib
import sys
from pytest_mailnet import Crasher, MailNet

def send():
    with smtplib.SMTP("mx.shop.example", timeout=10) as mx:
        mx.starttls()

def trace(frame, event, arg):
    return trace

with MailNet() as net:
    net.add_server("mx.shop.example", domain="shop.example")
    for at in range(1, 12):
        Crasher(net, at=at).call(send)

sys.settrace(trace)
print("traced")
"""


def test_who_traces_after_a_death_does_not_hang():
    # A process of its own: one that hangs so cannot be interrupted.
    done = subprocess.run(
        [sys.executable, "-c", TRACED], capture_output=True, text=True, timeout=60, check=False
    )

    assert (done.stdout, done.stderr) == ("traced\n", "")


def test_what_a_dead_function_still_says_is_not_heard(mailnet, shop):
    said = []

    def send():
        mx = smtplib.SMTP("mx.shop.example")
        try:
            Application().send(mx)
        finally:
            if not said:
                said.append(True)
                again = smtplib.SMTP("mx.shop.example")
                again.sendmail("bob@sender.example", ["late@shop.example"], MAIL)
            mx.close()

    Crasher(mailnet, at=8).call(send)

    assert [it.recipients for it in mailnet.messages] == [("sales@shop.example",)]
    assert len(mailnet.sessions) == 2


def swallow():
    with contextlib.suppress(BaseException):
        by_smtplib(Application())
    return "all well"


def in_a_bare_thread():
    thread = threading.Thread(target=by_smtplib, args=[Application()])
    thread.start()
    thread.join()


def turn_into_another():
    with contextlib.suppress(BaseException):
        by_smtplib(Application())
    raise ValueError("all is not well")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize(
    ("function", "did"),
    [
        (swallow, "returned 'all well'"),
        (in_a_bare_thread, "returned None"),
        (turn_into_another, "raised ValueError('all is not well')"),
    ],
)
def test_a_function_that_survives_is_told_to_be_a_process(mailnet, shop, function, did):
    with pytest.raises(InvalidSetting) as raised:
        Crasher(mailnet, at=6).call(function)

    assert str(raised.value) == (
        f"mailnet_crash.call({function.__name__}): it was to die at place 6: "
        "MAIL FROM:<bob@sender.example>, said, and has "
        f"{did} after that. It has caught the exception pytest_mailnet.Crash, as `except BaseException` and bare "
        "threads do, or could not meet it. mailnet_crash.run([...]) kills a process for sure"
    )


def test_a_coroutine_function_is_told_how_to_be_called(mailnet):
    async def deliver():
        pass

    with pytest.raises(InvalidSetting) as raised:
        Crasher(mailnet).call(deliver)

    assert str(raised.value) == (
        "mailnet_crash.call(deliver): that is a coroutine function; "
        "mailnet_crash.call(lambda: asyncio.run(deliver()))"
    )


def test_one_application_runs_at_a_time(mailnet):
    crasher = Crasher(mailnet)

    with pytest.raises(InvalidSetting, match="one application at a time"):
        crasher.call(lambda: crasher.call(bool))


def test_places_are_counted_on_from_one_call_to_the_next(mailnet, shop):
    crasher = Crasher(mailnet, at=17)

    crasher.call(by_smtplib, Application())
    crasher.call(by_smtplib, Application())

    assert crasher.starts == 3
    assert str(crasher.died_at) == "17: connect mx.shop.example:25, said"


def test_what_is_done_between_the_calls_is_no_place(mailnet, shop):
    crasher = Crasher(mailnet, at=1)

    by_smtplib(Application())

    assert crasher.places == []


def test_passwords_stand_in_no_place(mailnet):
    mailnet.gmail.add_mailbox("alice", password="secret")
    crasher = Crasher(mailnet)

    def log_in():
        with smtplib.SMTP("smtp.gmail.com", 587) as client:
            client.starttls(context=ssl.create_default_context())
            client.ehlo()
            client.user, client.password = "alice@gmail.com", "secret"
            client.auth("LOGIN", client.auth_login, initial_response_ok=False)

    crasher.call(log_in)

    said = [it.what for it in crasher.places if "334" in it.what or "AUTH" in it.what or "a line" in it.what]
    assert said == [
        "AUTH",
        "334 to AUTH",
        "a line",
        "334 to a line",
        "a line",
        "235 to a line",
    ]


def test_a_crasher_takes_a_net():
    with pytest.raises(InvalidSetting, match="takes a mailnet"):
        Crasher("mailnet")
    assert Crasher(MailNet()).places == []


def big_mail(mx):
    mx.sendmail("bob@sender.example", ["sales@shop.example"], MAIL + "x" * 70 + "\r\n" * 100_000)


@pytest.mark.parametrize("at", [12, 13])
def test_content_that_does_not_go_at_once_is_a_place_too(mailnet, shop, at):
    def send():
        with smtplib.SMTP("mx.shop.example", timeout=10) as mx:
            big_mail(mx)

    crasher = Crasher(mailnet, at=at)
    crasher.call(send)

    assert crasher.died_at.what == ("content" if at == 12 else "250 to content")
    assert len(mailnet.messages) == at - 11


def test_a_reply_that_another_connection_has_got_last_may_be_unheard(mailnet, shop):
    app = Application()

    def send():
        if not app.sent:
            with smtplib.SMTP("mx.shop.example", timeout=10) as mx:
                app.send(mx)
                app.sent = False
                with smtplib.SMTP("mx.shop.example", timeout=10):
                    app.sent = True

    Crasher(mailnet, at=14).call(send)

    assert len(mailnet.messages) == 2
    assert mailnet.account_for(app.belief).duplicates_possible == ("1@b",)


def test_a_reply_is_heard_once_more_is_said_on_its_connection(mailnet, shop):
    app = Application()

    def send():
        if not app.sent:
            with smtplib.SMTP("mx.shop.example", timeout=10) as mx:
                app.send(mx)
                app.sent = False
                mx.noop()
                app.sent = True

    Crasher(mailnet, at=14).call(send)

    assert mailnet.account_for(app.belief).duplicated == ("1@b",)


def test_replies_to_commands_in_one_go_are_unheard_together(mailnet, shop):
    crasher = Crasher(mailnet, at=8)

    def send():
        with socket.create_connection(("mx.shop.example", 25), timeout=10) as sock:
            sock.recv(1000)
            sock.sendall(b"EHLO app.example\r\n")
            sock.recv(1000)
            sock.sendall(b"MAIL FROM:<bob@sender.example>\r\nRCPT TO:<sales@shop.example>\r\nRSET\r\n")
            heard.append(sock.recv(1000))

    heard = []
    crasher.call(send)

    assert crasher.died_at.what == "RCPT TO:<sales@shop.example>"
    assert len(heard) == 1
    assert [it.commands[-1] for it in mailnet.sessions] == ["MAIL FROM:<bob@sender.example>", "RSET"]


class Takes:
    async def handle_DATA(self, server, session, envelope):
        return "250 OK"


def test_a_server_with_a_handler_is_met_in_the_same_places(mailnet):
    mailnet.add_server("mx.shop.example", domain="shop.example", handler=Takes())
    app = Application()
    crasher = Crasher(mailnet, at=13)

    crasher.call(app, by_smtplib)

    assert str(crasher.died_at) == "13: 250 to content, unheard"
    assert mailnet.account_for(app.belief).duplicates_possible == ("1@b",)


def test_a_fault_and_a_death_go_together(mailnet, shop):
    shop.fail("closed-after-dot", times=1)
    app = Application()

    with contextlib.suppress(smtplib.SMTPException):
        Crasher(mailnet, at=1).call(app, by_smtplib)

    assert app.calls == 2
    assert mailnet.account_for(app.belief).right
