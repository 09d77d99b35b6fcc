"""Clients that block have the server answer in their own thread; all others have the engine's."""

from __future__ import annotations

import os
import smtplib
import socket
import threading

import dns.message
import dns.query
import dns.rcode
import pytest

LETTER = b"Subject: hi\r\n\r\nhello\r\n"


@pytest.fixture
def where_decided(mailnet, shop):
    """The threads in which answers about recipients were decided."""
    threads = []
    shop.on_rcpt(lambda _: threads.append(threading.current_thread()) or True).reply("550 5.1.1 no")
    return threads


def talk(sock, *lines):
    for line in lines:
        sock.sendall(line)
        assert sock.recv(4096)


def test_a_client_that_blocks_is_answered_in_its_own_thread(mailnet, where_decided):
    with smtplib.SMTP("mx.shop.example", 25) as client:
        client.ehlo()
        client.mail("bob@app.example")
        client.rcpt("sales@shop.example")

    assert where_decided == [threading.current_thread()]


def test_the_answer_is_there_when_the_client_has_sent(mailnet, shop):
    with socket.create_connection(("mx.shop.example", 25), timeout=10) as sock:
        sock.settimeout(0)
        assert sock.recv(4096).startswith(b"220 ")
        sock.settimeout(10)

        sock.sendall(b"EHLO app.example\r\n")

        sock.settimeout(0)
        assert sock.recv(4096).startswith(b"250-")


def test_a_client_without_a_time_out_is_answered_in_its_own_thread_too(mailnet, where_decided):
    with socket.create_connection(("mx.shop.example", 25)) as sock:
        assert sock.recv(4096)

        talk(sock, b"EHLO app.example\r\n", b"MAIL FROM:<>\r\n", b"RCPT TO:<sales@shop.example>\r\n")

    assert where_decided == [threading.current_thread()]


def test_a_client_that_does_not_block_is_answered_by_the_engine(mailnet, where_decided):
    with socket.create_connection(("mx.shop.example", 25), timeout=10) as sock:
        assert sock.recv(4096)
        talk(sock, b"EHLO app.example\r\n", b"MAIL FROM:<>\r\n")
        sock.settimeout(0)
        sock.send(b"RCPT TO:<sales@shop.example>\r\n")
        sock.settimeout(10)
        assert sock.recv(4096)

    assert [it.name for it in where_decided] == ["mailnet"]


@pytest.mark.parametrize("timeout", [None, 10], ids=["no time-out", "time-out"])
def test_a_content_too_large_for_the_kernel_s_buffers_arrives_whole(mailnet, shop, timeout):
    content = b"Subject: long\r\n\r\n" + b"x" * 70 + b"\r\n" + b"0123456789abcdef\r\n" * 500_000

    with socket.create_connection(("mx.shop.example", 25), timeout=timeout) as sock:
        assert sock.recv(4096)
        talk(
            sock,
            b"EHLO app.example\r\n",
            b"MAIL FROM:<>\r\n",
            b"RCPT TO:<sales@shop.example>\r\n",
            b"DATA\r\n",
        )
        talk(sock, content + b".\r\n")

    [message] = mailnet.messages
    assert message.content == content


def test_pipelined_pieces_that_nobody_waits_for_are_all_answered(mailnet, shop):
    with (
        socket.create_connection(("mx.shop.example", 25), timeout=10) as sock,
        sock.makefile("rb") as replies,
    ):
        for _ in range(500):
            sock.sendall(b"NOOP\r\n")
        sock.sendall(b"QUIT\r\n")

        codes = [line[:3] for line in replies]

    assert codes == [b"220", *[b"250"] * 500, b"221"]


def test_clients_of_many_threads_are_all_answered(mailnet, shop):
    shop.add_mailbox("sales@shop.example")
    failed = []

    def send(number):
        try:
            for _ in range(20):
                with smtplib.SMTP("mx.shop.example", 25, timeout=30) as client:
                    client.sendmail(f"bob{number}@app.example", ["sales@shop.example"], LETTER)
        except BaseException as error:  # noqa: BLE001  # told below
            failed.append(error)

    threads = [threading.Thread(target=send, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []
    assert len(mailnet.messages) == 12 * 20
    assert {session.ended for session in mailnet.sessions} == {"client quit"}
    assert all(len(session.exchanges) == 7 for session in mailnet.sessions)


def test_a_client_is_answered_while_another_s_answer_takes_its_time(mailnet, shop):
    entered, go_on = threading.Event(), threading.Event()

    def hold(_):
        entered.set()
        return go_on.wait(30)

    shop.on_rcpt(hold).reply("550 never")
    slow = smtplib.SMTP("mx.shop.example", 25, timeout=30)
    other = smtplib.SMTP("mx.shop.example", 25, timeout=30)
    slow.ehlo()
    slow.mail("bob@app.example")
    thread = threading.Thread(target=slow.rcpt, args=("sales@shop.example",))
    thread.start()
    entered.wait(30)

    other.send("NOOP\r\n")  # returns, although the server is at work elsewhere
    go_on.set()

    assert other.getreply()[0] == 250
    thread.join()
    slow.quit()
    other.quit()


class Alarm(BaseException):
    """As the signal handlers of test runners and of task queues raise it."""


def raise_alarm(_):
    raise Alarm


@pytest.mark.mailnet(strict=False)
def test_what_a_signal_interrupts_breaks_its_own_connection_and_no_other(mailnet, shop):
    shop.on_rcpt(raise_alarm).reply("550 never")

    with (
        smtplib.SMTP("mx.shop.example", 25, timeout=10) as other,
        socket.create_connection(("mx.shop.example", 25), timeout=10) as sock,
    ):
        assert sock.recv(4096)
        talk(sock, b"EHLO app.example\r\n", b"MAIL FROM:<>\r\n")
        with pytest.raises(Alarm):
            sock.sendall(b"RCPT TO:<sales@shop.example>\r\n")

        assert sock.recv(4096) == b""
        assert other.noop()[0] == 250


@pytest.mark.mailnet(strict=False)
def test_an_interruption_in_the_engine_s_thread_does_not_end_it(mailnet, shop, caplog):
    shop.on_rcpt(raise_alarm).reply("550 never")

    with socket.create_connection(("mx.shop.example", 25), timeout=10) as sock:
        assert sock.recv(4096)
        talk(sock, b"EHLO app.example\r\n", b"MAIL FROM:<>\r\n")
        sock.settimeout(0)
        sock.send(b"RCPT TO:<sales@shop.example>\r\n")
        sock.settimeout(10)
        assert sock.recv(4096) == b""

    assert "Alarm" in caplog.text
    with smtplib.SMTP("mx.shop.example", 25, timeout=10) as other:
        assert other.noop()[0] == 250


def test_a_name_server_answers_in_the_asking_thread(mailnet, shop):
    question = dns.message.make_query("shop.example", "MX")
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.settimeout(0)

        sock.sendto(question.to_wire(), ("192.0.2.53", 53))

        answer = dns.message.from_wire(sock.recv(4096))
    assert answer.rcode() == dns.rcode.NOERROR
    assert answer.answer


def test_a_late_reply_comes_although_its_timer_was_set_in_the_client_s_thread(mailnet, shop):
    mailnet.clock.compress()
    mailnet.fail("mx.shop.example", "late-at-mail", times=1)

    with smtplib.SMTP("mx.shop.example", 25, timeout=60) as client:
        client.ehlo()

        assert client.mail("bob@app.example")[0] == 250


def test_a_forked_child_s_copy_of_a_connection_is_left_to_the_engine(mailnet, shop):
    with socket.create_connection(("mx.shop.example", 25), timeout=10) as sock:
        assert sock.recv(4096)
        child = os.fork()
        if child == 0:
            sock.sendall(b"NOOP\r\n")
            os._exit(0)
        os.waitpid(child, 0)

        assert sock.recv(4096).startswith(b"250 ")


def test_a_test_may_replace_what_only_makes_a_net_faster(mailnet, shop, monkeypatch):
    sent, send = [], socket.socket.sendall
    monkeypatch.setattr(socket.socket, "sendall", lambda sock, data: sent.append(data) or send(sock, data))

    with smtplib.SMTP("mx.shop.example", 25, timeout=10) as client:
        client.ehlo("app.example")

    assert sent[0] == b"ehlo app.example\r\n"
