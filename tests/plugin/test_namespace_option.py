"""`pytest --mailnet-namespace`: a test run that moves into a namespace, where nothing is patched."""

from __future__ import annotations

import socket
import threading

import pytest

MX = "gmail-smtp-in.l.google.com"
pytestmark = pytest.mark.usefixtures("namespaces")


@pytest.fixture
def run(pytester, monkeypatch):
    """Run a suite with the option, in a process of its own; all of its tests have to pass."""

    monkeypatch.setenv("PYTEST_PLUGINS", "pytest_mailnet.plugin,xdist.plugin")

    def moved(suite, passed, *options):
        pytester.makepyfile(suite)
        result = pytester.runpytest_subprocess("--mailnet-namespace", *options)
        result.assert_outcomes(passed=passed)

    return moved


def test_all_kinds_of_clients_meet_a_net_that_is_not_patched(run):
    run(
        f"""
        import os, smtplib, socket, subprocess, sys

        UNPATCHED = socket.socket.connect
        CODE = "import smtplib; smtplib.SMTP('{MX}').quit()"

        def test_here(mailnet):
            with smtplib.SMTP("{MX}") as client:
                client.helo()
            assert socket.socket.connect is UNPATCHED
            assert socket.getfqdn() == "app.sender.example"
            assert mailnet.sessions[0].client.ip == mailnet.sender.ip

        def test_a_child(mailnet):
            subprocess.run([sys.executable, "-c", CODE], check=True)
            assert len(mailnet.sessions) == 1

        def test_a_fork(mailnet):
            pid = os.fork()
            if not pid:
                exec(CODE)
                os._exit(7)
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
            assert len(mailnet.sessions) == 1

        def test_a_program(mailnet_process):
            assert mailnet_process.run("hostname").stdout == "app.sender.example\\n"
        """,
        4,
    )


def test_the_innermost_net_answers(run):
    run(
        """
        import smtplib

        def test_it(mailnet, make_mailnet):
            mailnet.add_server("mx.shop.example", ip="192.0.2.27")
            with make_mailnet() as inner:
                inner.sender.ip = "203.0.113.99"
                inner.add_server("mx.shop.example", ip="192.0.2.28", ports=[2600])
                smtplib.SMTP("mx.shop.example", 2600).quit()
            smtplib.SMTP("mx.shop.example").quit()

            ends = [(it.client.ip, it.server) for net in (inner, mailnet) for it in net.sessions]
            assert ends == [("203.0.113.99", ("192.0.2.28", 2600)), ("203.0.113.7", ("192.0.2.27", 25))]
        """,
        1,
    )


def test_a_test_without_a_net_reaches_nobody(run):
    run(
        f"""
        import errno, socket, pytest

        def test_before_the_first(): reaches_nobody()
        def test_a_net(mailnet): pass
        def test_after_one(): reaches_nobody()

        def reaches_nobody():
            with pytest.raises(socket.gaierror):
                socket.create_connection(("{MX}", 25))
            with pytest.raises(OSError) as failed:
                socket.create_connection(("192.0.2.10", 25))
            assert failed.value.errno == errno.ENETUNREACH
        """,
        3,
    )


def test_tls_contexts_trust_the_net(run):
    run(
        """
        import smtplib, ssl

        def test_it(mailnet):
            mailnet.add_server("mx.shop.example").host.extensions.add("STARTTLS")
            with smtplib.SMTP("mx.shop.example") as client:
                assert client.starttls(context=ssl.create_default_context())[0] == 220
        """,
        1,
    )


def test_waits_of_the_test_s_own_process_take_no_time_where_the_clock_is_compressed(run):
    run(
        """
        import smtplib, socket, pytest
        from datetime import timedelta

        UNPATCHED = socket.socket.recv

        @pytest.mark.parametrize("fault", ["stalled-at-connect", "dropped-at-connect"])
        def test_it(mailnet, fault):
            mailnet.clock.compress()
            mailnet.add_server("mx.shop.example", domain="shop.example").fail(fault)
            began = mailnet.clock.now()

            with pytest.raises((smtplib.SMTPServerDisconnected, TimeoutError)):
                smtplib.SMTP("mx.shop.example", timeout=60)

            assert mailnet.clock.now() - began == timedelta(seconds=60)

        def test_afterwards_they_take_their_time(mailnet):
            assert socket.socket.recv is UNPATCHED
        """,
        3,
    )


def test_the_hosts_file_names_localhost_before_the_first_net_and_does_not_grow(run):
    run(
        """
        import socket
        from pathlib import Path

        def test_before():
            assert socket.gethostbyname("localhost") == "127.0.0.1"

        def test_two_nets(make_mailnet):
            sizes = []
            for _ in range(2):
                with make_mailnet():
                    sizes.append(len(Path("/etc/hosts").read_text()))
            assert sizes[0] == sizes[1]
        """,
        2,
    )


def test_an_unknown_name_is_asked_for_once(run):
    run(
        """
        import socket, pytest

        @pytest.mark.parametrize("name", ["nosuch.example", "nosuch"])
        def test_it(mailnet, name):
            with pytest.raises(socket.gaierror):
                socket.getaddrinfo(name, 25, socket.AF_INET)

            assert [it.name for it in mailnet.dns.queries] == [name]
        """,
        2,
    )


def test_a_net_that_is_not_to_be_trusted_is_not(run):
    run(
        """
        import smtplib, ssl

        def test_one_by_one(make_mailnet):
            for trust in (True, False, True):
                with make_mailnet(trust_ca=trust) as net:
                    net.add_server("mx.shop.example")
                    assert trusted() is trust

        def trusted():
            try:
                smtplib.SMTP_SSL("mx.shop.example", context=ssl.create_default_context()).quit()
            except ssl.SSLCertVerificationError:
                return False
            return True
        """,
        1,
    )


def test_workers_of_xdist_are_apart(run):
    run(
        f"""
        import smtplib, pytest

        @pytest.mark.parametrize("n", range(6))
        def test_it(mailnet, n):
            smtplib.SMTP("{MX}").quit()
            assert len(mailnet.sessions) == 1
        """,
        6,
        "-n2",
    )


@pytest.mark.parametrize("options", [(), ("-n1",)], ids=["alone", "in a worker"])
def test_a_port_of_the_machine_is_carried(run, pytester, options):
    with socket.create_server(("127.0.0.1", 0)) as database:
        port = database.getsockname()[1]

        def echo():
            client, _ = database.accept()
            with client:
                client.sendall(client.recv(100).upper())

        threading.Thread(target=echo, daemon=True).start()
        pytester.makeini(f"[pytest]\nmailnet_pass_ports = {port}\n")
        run(
            f"""
            import socket

            def test_it():
                with socket.create_connection(("127.0.0.1", {port}), 10) as sock:
                    sock.sendall(b"hello")
                    assert sock.makefile().read() == "HELLO"
            """,
            1,
            *options,
        )


def test_a_port_that_is_none_is_told(pytester):
    pytester.makeini("[pytest]\nmailnet_pass_ports = 5432 redis\n")

    result = pytester.runpytest_subprocess("--mailnet-namespace")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: ini option mailnet_pass_ports: 'redis' is no port, 1 to 65535"])
