"""TLS clients that block have the server answer in their own thread, in the handshake too."""

from __future__ import annotations

import contextlib
import smtplib
import socket
import ssl
import threading

import pytest

from pytest_mailnet.entry.own_thread import OwnThread

HOST = "mx.shop.example"


@pytest.fixture
def where_decided(mailnet, shop):
    """The threads in which answers about recipients were decided."""
    threads = []
    shop.on_rcpt(lambda _: threads.append(threading.current_thread().name) or True).reply("550 5.1.1 no")
    return threads


@pytest.fixture
def where_shaken(monkeypatch):
    """The threads in which the server's end of handshakes went on."""
    threads = []
    found = ssl.SSLObject.do_handshake

    def do_handshake(end):
        threads.append(threading.current_thread().name)
        found(end)

    monkeypatch.setattr(ssl.SSLObject, "do_handshake", do_handshake)
    return threads


def encrypted(timeout=30, port=25):
    client = smtplib.SMTP(HOST, port, timeout=timeout)
    client.starttls(context=ssl.create_default_context())
    return client


@pytest.mark.parametrize("timeout", [None, 30], ids=["no time-out", "time-out"])
def test_a_client_that_blocks_is_answered_in_its_own_thread(where_shaken, mailnet, where_decided, timeout):
    here = threading.current_thread().name
    client = smtplib.SMTP(HOST, 25) if timeout is None else smtplib.SMTP(HOST, 25, timeout=timeout)

    with client:
        client.starttls(context=ssl.create_default_context())
        client.ehlo()
        client.mail("bob@app.example")
        client.rcpt("sales@shop.example")

    assert where_decided == [here]
    assert set(where_shaken) == {here}


def test_the_answer_is_there_when_the_client_has_sent(mailnet, shop):
    with encrypted() as client:
        client.sock.sendall(b"NOOP\r\n")

        client.sock.settimeout(0)
        assert client.sock.recv(4096).startswith(b"250")

        client.sock.settimeout(30)


def test_a_content_too_large_for_the_kernel_s_buffers_arrives_whole(mailnet, shop):
    content = b"Subject: long\r\n\r\n" + b"0123456789abcdef\r\n" * 500_000

    with encrypted() as client:
        client.ehlo()
        client.sendmail("bob@app.example", ["sales@shop.example"], content)

    [message] = mailnet.messages
    assert message.content == content


def test_small_pieces_behind_a_large_one_do_not_wait_for_a_server_that_waits_for_them(mailnet, shop):
    with encrypted() as client:
        client.ehlo()
        client.mail("bob@app.example")
        client.rcpt("sales@shop.example")
        client.docmd("DATA")
        for _ in range(50):
            client.sock.sendall(b"0123456789abcdef\r\n" * 20_000)
            client.sock.sendall(b"little\r\n")
        client.sock.sendall(b".\r\n")
        code, _ = client.getreply()

    assert code == 250


def test_clients_of_many_threads_are_all_answered(mailnet, shop):
    failed = []

    def send(number):
        try:
            for _ in range(10):
                with encrypted() as client:
                    client.sendmail(
                        f"bob{number}@app.example", ["sales@shop.example"], b"Subject: hi\r\n\r\n"
                    )
        except BaseException as error:  # noqa: BLE001  # told below
            failed.append(error)

    threads = [threading.Thread(target=send, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []
    assert len(mailnet.messages) == 80
    assert {session.ended for session in mailnet.sessions} == {"client quit"}


def test_a_handshake_that_stalls_takes_the_time_out_of_the_client(mailnet, shop):
    mailnet.host(HOST).fail("handshake-stalled-at-starttls")
    client = smtplib.SMTP(HOST, 25, timeout=0.2)

    with pytest.raises(TimeoutError):
        client.starttls(context=ssl.create_default_context())

    assert client.sock.gettimeout() == 0.2
    client.close()


def test_a_client_that_refuses_the_certificate_has_its_time_out_again(mailnet, shop):
    mailnet.host(HOST).tls.expired()
    client = smtplib.SMTP(HOST, 25, timeout=30)

    with pytest.raises(ssl.SSLCertVerificationError):
        client.starttls(context=ssl.create_default_context())

    assert client.sock.gettimeout() == 30
    assert "CERTIFICATE_EXPIRED" in mailnet.sessions[-1].ended
    client.close()


def test_tls_from_the_first_byte_on_is_answered_in_the_own_thread_too(where_shaken, mailnet):
    mailnet.add_server("mx.tls.example", domain="tls.example", ports=(465,))

    with smtplib.SMTP_SSL("mx.tls.example", 465, timeout=30, context=ssl.create_default_context()) as client:
        assert client.noop()[0] == 250

    assert set(where_shaken) == {threading.current_thread().name}


def test_a_client_that_does_not_block_shakes_hands_as_before(mailnet, shop):
    client = smtplib.SMTP(HOST, 25, timeout=30)
    client.ehlo()
    client.docmd("STARTTLS")
    client.sock.settimeout(0)
    sock = ssl.create_default_context().wrap_socket(
        client.sock, server_hostname=HOST, do_handshake_on_connect=False
    )

    sock.do_handshake(block=True)

    assert sock.version()
    sock.close()


def test_what_goes_at_once_is_counted_in_octets(mailnet, shop):
    content = b"0123456789abcdef" * 1_000_000
    with encrypted() as client:
        client.ehlo()
        client.mail("bob@app.example")
        client.rcpt("sales@shop.example")
        client.docmd("DATA")
        view = memoryview(content).cast("B", [16, 1_000_000])

        sent = client.sock.send(view)

        assert sent == len(content)
        client.sock.sendall(b"\r\n.\r\n")
        assert client.getreply()[0] == 500


class End:
    """The server's end of a connection, which reads only when it is told to serve."""

    def __init__(self, sock):
        self._sock = sock

    def hold(self):
        return True

    def serve(self):
        with contextlib.suppress(BlockingIOError):
            while self._sock.recv(65536):
                pass


def test_where_the_kernel_has_no_room_the_server_reads_before_the_client_sends():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(0)
        theirs.settimeout(0)
        with contextlib.suppress(BlockingIOError):
            while ours.send(b"x" * 65536):
                pass
        ours.settimeout(5)
        own_thread = OwnThread(None)
        own_thread._ends[ours.fileno()] = end = End(theirs)

        assert own_thread.send_encrypted(ours, b"little", lambda: ours.send(b"little")) == 6

        assert theirs.recv(65536) == b"little"
        del end
