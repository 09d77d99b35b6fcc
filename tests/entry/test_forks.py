"""Children that are forked without exec have the patches of their parent, and are led to its net or told why not."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import os
import smtplib
import socket

import pytest

from pytest_mailnet import MailNet
from pytest_mailnet.errors import ExpectationFailed, MailNetError
from pytest_mailnet.net.mailnet import life_of

CAUSE = (
    "a look-up of 'mx.shop.example' by getaddrinfo was stopped: the process was forked off the one that has the "
    "net, which does not include children. Call mailnet.include_children() before the fork"
)


def send(letter="Subject: hi\r\n\r\nhello\r\n"):
    with smtplib.SMTP("mx.shop.example", 25, timeout=10) as client:
        client.sendmail("bob@app.example", ["sales@shop.example"], letter)


def forked(work):
    """Do something in a forked child; return its exit status and what it could not do."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        status = 0
        try:
            work()
        except BaseException as error:  # noqa: BLE001  # it ends the child, and is told
            os.write(writing, f"{type(error).__name__}: {error}".encode())
            status = 1
        os._exit(status)
    os.close(writing)
    _, status = os.waitpid(child, 0)
    with os.fdopen(reading, encoding="utf-8") as told:
        return child, os.waitstatus_to_exitcode(status), told.read()


def fork_context():
    return multiprocessing.get_context("fork")


def test_a_forked_child_s_mail_arrives_once_the_net_includes_children(shop, mailnet, delivered):
    mailnet.include_children()

    _, status, told = forked(send)

    assert (status, told) == (0, "")
    delivered()


def test_the_children_of_a_forked_child_are_in_the_net_too(shop, mailnet, delivered):
    mailnet.include_children()

    def grandchild():
        _, status, told = forked(send)
        assert (status, told) == (0, "")

    assert forked(grandchild)[1:] == (0, "")

    delivered()


def test_a_process_of_multiprocessing_that_is_forked_sends_into_the_net(shop, mailnet, delivered):
    mailnet.include_children()
    process = fork_context().Process(target=send)

    process.start()
    process.join(20)

    assert process.exitcode == 0
    delivered()


def test_a_pool_of_forked_processes_sends_into_the_net(shop, mailnet, delivered):
    mailnet.include_children()

    with concurrent.futures.ProcessPoolExecutor(2, mp_context=fork_context()) as pool:
        for job in [pool.submit(send) for _ in range(3)]:
            job.result(timeout=20)

    delivered(3)


def test_a_forked_child_s_error_and_the_record_name_the_cause_and_the_way_out(make_mailnet):
    with make_mailnet(strict=False) as net:
        net.add_server("mx.shop.example", domain="shop.example")

        child, status, told = forked(send)

        assert (status, told) == (1, f"gaierror: [Errno -2] {CAUSE}")
        assert [incident.text for incident in life_of(net).journal.incidents] == [
            f"in child process {child}, {CAUSE}"
        ]


def test_a_forked_child_that_swallows_its_error_fails_a_strict_net(make_mailnet):
    def swallow():
        with socket.socket() as sock:
            sock.connect_ex(("192.0.2.10", 25))

    with (
        pytest.raises(ExpectationFailed, match=r"a connection to 192\.0\.2\.10:25 was stopped: .* forked"),
        make_mailnet(),
    ):
        assert forked(swallow)[1:] == (0, "")


def test_a_forked_child_that_sends_no_mail_is_no_matter(mailnet):
    assert forked(lambda: None)[1:] == (0, "")

    assert life_of(mailnet).journal.entries == ()


def test_a_forked_child_can_have_a_net_of_its_own(shop, mailnet):
    def work():
        with MailNet() as net:
            net.add_server("mx.shop.example", domain="shop.example")
            send()
            assert len(net.messages) == 1

    assert forked(work)[1:] == (0, "")
    assert mailnet.messages == []


def test_a_forked_child_cannot_move_its_parent_s_net(mailnet):
    def work():
        with pytest.raises(MailNetError, match="forked off the one in which the net is"):
            mailnet.deliver_all()

    assert forked(work)[1:] == (0, "")


def test_a_forked_child_that_leaves_its_parent_s_net_leaves_no_patch_and_does_not_hang():
    before = socket.socket.connect

    def work():
        net.__exit__(None, None, None)
        assert socket.socket.connect is before

    with MailNet() as net:
        assert forked(work)[1:] == (0, "")
        assert socket.socket.connect is not before


def test_a_forked_child_that_outlives_the_net_is_told_so_and_does_not_hang():
    go_reading, go = os.pipe()
    told, telling = os.pipe()

    with MailNet() as net:
        net.include_children()
        child = os.fork()
        if child == 0:
            os.read(go_reading, 1)
            try:
                send()
            except OSError as error:
                os.write(telling, str(error).encode())
            os._exit(0)
    os.write(go, b"x")
    os.close(telling)
    os.waitpid(child, 0)
    with os.fdopen(told, encoding="utf-8") as words:
        assert words.read().startswith("the mailnet of the parent process has been left")

    for descriptor in (go_reading, go):
        os.close(descriptor)


def test_a_forked_child_keeps_no_connection_of_its_parent_open(shop, mailnet, converse):
    client = converse("mx.shop.example")
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.read(reading, 1)
        os._exit(0)

    client.say("QUIT")

    assert client.rest() == b""
    os.write(writing, b"x")
    os.waitpid(child, 0)
    for descriptor in (reading, writing):
        os.close(descriptor)
