"""A net that is off without a word: marks without effect, nets never entered, tests without one, what outlives one."""

from __future__ import annotations

import pytest

SEND = """
import smtplib

def send():
    with smtplib.SMTP("mx.shop.example", 25, timeout=10) as client:
        client.sendmail("bob@app.example", ["sales@shop.example"], "Subject: hi\\r\\n\\r\\nhello\\r\\n")
"""

NO_EFFECT = (
    "@pytest.mark.mailnet has no effect on {}: it sets up the fixtures mailnet and make_mailnet, and the test "
    "uses neither. Give it the argument mailnet, or leave the mark out"
)

NO_NET = (
    "this test has no net, and mailnet_guard is on. Give it the argument mailnet, or to one of its fixtures; to "
    "let tests without one send for real: mailnet_guard = false"
)


@pytest.fixture(autouse=True)
def _sending(pytester):
    pytester.makepyfile(sending=SEND)
    pytester.makeini("[pytest]\naddopts = -p no:randomly\n")


def test_a_mark_without_the_fixture_is_an_error_that_names_it(pytester):
    path = pytester.makepyfile(
        """
        import pytest

        @pytest.mark.mailnet(other_ports="closed")
        def test_mail():
            pass
        """
    )

    result = pytester.runpytest_inprocess()

    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert NO_EFFECT.format(f"{path.name}::test_mail") in result.outlines


def test_a_mark_of_one_parameter_without_the_fixture_is_an_error(pytester):
    path = pytester.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("number", [pytest.param(1, marks=pytest.mark.mailnet(strict=False)), 2])
        def test_mail(number):
            pass
        """
    )

    result = pytester.runpytest_inprocess()

    result.assert_outcomes(passed=1, failed=1)
    assert NO_EFFECT.format(f"{path.name}::test_mail[1]") in result.outlines


@pytest.mark.parametrize("arguments", ["mailnet", "make_mailnet", "mail", "request"])
def test_a_mark_of_a_test_that_has_a_net_by_whatever_fixture_is_in_order(pytester, arguments):
    pytester.makepyfile(
        f"""
        import pytest

        @pytest.fixture
        def mail(mailnet):
            return mailnet

        @pytest.mark.mailnet(strict=False)
        def test_mail({arguments}):
            for name, value in locals().copy().items():
                if name == "request":
                    value.getfixturevalue("mailnet")
                if name == "make_mailnet":
                    with value():
                        pass
        """
    )

    pytester.runpytest_inprocess().assert_outcomes(passed=1)


def test_a_mark_of_a_module_in_which_no_test_has_a_net_is_an_error(pytester):
    path = pytester.makepyfile(
        """
        import pytest

        pytestmark = pytest.mark.mailnet(strict=False)

        def test_mail():
            pass
        """
    )

    result = pytester.runpytest_inprocess()

    result.assert_outcomes(errors=1)
    assert NO_EFFECT.format(f"{path.name}::test_mail") in result.outlines


def test_a_mark_of_a_class_of_which_one_test_has_a_net_is_in_order(pytester):
    path = pytester.makepyfile(
        """
        import pytest

        @pytest.mark.mailnet(strict=False)
        class TestMail:
            def test_mail(self, mailnet):
                assert not mailnet.config.strict

            def test_other(self):
                pass
        """
    )

    pytester.runpytest_inprocess().assert_outcomes(passed=2)
    pytester.runpytest_inprocess(f"{path.name}::TestMail::test_other").assert_outcomes(passed=1)


def test_a_net_that_was_never_entered_fails_its_test(pytester):
    pytester.makepyfile(
        """
        def test_mail(make_mailnet):
            net = make_mailnet()
            net.gmail.add_mailbox("alice")
        """
    )

    result = pytester.runpytest_inprocess()

    result.assert_outcomes(failed=1)
    assert (
        "E   pytest_mailnet.errors.InvalidSetting: a net of make_mailnet() was never entered, so that nothing was "
        "led into it: with make_mailnet(...) as net, or the fixture mailnet, which is entered"
    ) in result.outlines


def test_a_test_that_fails_by_itself_is_told_that_its_net_was_never_entered(pytester):
    pytester.makepyfile(
        """
        def test_mail(make_mailnet):
            make_mailnet()
            assert False
        """
    )

    result = pytester.runpytest_inprocess()

    result.assert_outcomes(failed=1)
    assert "this net was never entered, and led nothing: with make_mailnet() as net" in result.outlines


def test_a_config_fixture_that_returns_nothing_is_an_error_that_names_it(pytester):
    pytester.makepyfile(
        """
        import pytest

        @pytest.fixture(scope="session")
        def mailnet_config(mailnet_config):
            mailnet_config.but(strict=False)

        def test_mail(mailnet):
            pass
        """
    )

    result = pytester.runpytest_inprocess()

    result.assert_outcomes(errors=1)
    assert "the fixture mailnet_config has returned None; it returns settings, as in" in result.stdout.str()


GUARDED = """
import contextlib
import socket

import dns.resolver

from sending import send

def test_look_up():
    send()

def test_connection():
    socket.create_connection(("192.0.2.10", 587), timeout=10)

def test_swallowed():
    with contextlib.suppress(OSError):
        socket.create_connection(("192.0.2.10", 25), timeout=10)

def test_query():
    dns.resolver.resolve("shop.example", "MX")

def test_no_mail():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        socket.create_connection(listening.getsockname(), timeout=10).close()
    socket.getaddrinfo("localhost", 80)

def test_net(mailnet):
    mailnet.add_server("mx.shop.example", domain="shop.example")
    dns.resolver.resolve("shop.example", "MX")
    send()
    assert len(mailnet.messages) == 1
"""


def test_the_guard_stops_mail_of_tests_without_a_net_and_says_so(pytester):
    pytester.makeini("[pytest]\nmailnet_guard = true\naddopts = -p no:randomly\n")
    pytester.makepyfile(test_guarded=GUARDED)

    result = pytester.runpytest_inprocess("-rA", "--tb=line")

    result.assert_outcomes(passed=2, failed=4)
    told = result.stdout.str()
    assert (
        f"socket.gaierror: [Errno -2] a look-up of 'mx.shop.example' by getaddrinfo was stopped: {NO_NET}"
        in told
    )
    assert f"a connection to 192.0.2.10:587 was stopped: {NO_NET}" in told
    assert f"ExpectationFailed: a connection to 192.0.2.10:25 was stopped: {NO_NET}" in told
    assert "dns.resolver.NoNameservers" in told
    assert NO_NET in told.partition("dns.resolver.NoNameservers")[2].partition("\n")[0]
    result.stdout.fnmatch_lines(["PASSED test_guarded.py::test_no_mail", "PASSED test_guarded.py::test_net"])


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            "mailnet_guard = maybe",
            "ini option mailnet_guard: invalid truth value 'maybe'; it takes true or false",
        ),
        ("mailnet_gaurd = true", "no ini option mailnet_gaurd (did you mean mailnet_guard?)"),
        ("mailnet_strickt = true", "no ini option mailnet_strickt (did you mean mailnet_strict?)"),
    ],
)
def test_an_ini_option_that_has_no_effect_ends_the_run(pytester, line, told):
    pytester.makeini(f"[pytest]\n{line}\n")
    pytester.makepyfile("def test_nothing(): pass")

    result = pytester.runpytest_inprocess()

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert f"ERROR: {told}" in [*result.outlines, *result.errlines]


def test_without_the_guard_tests_without_a_net_are_left_alone(pytester):
    pytester.makepyfile(
        """
        import socket

        before = socket.socket.connect

        def test_first(mailnet):
            assert socket.socket.connect is not before

        def test_second():
            assert socket.socket.connect is before
        """
    )

    pytester.runpytest_subprocess().assert_outcomes(passed=2)


@pytest.mark.usefixtures("beside_others")
def test_the_guard_works_beside_pytest_socket(pytester):
    pytester.makeini("[pytest]\nmailnet_guard = true\naddopts = -p no:randomly --allow-hosts=192.0.2.1\n")
    pytester.makepyfile(
        """
        import socket
        import pytest
        from sending import send

        def test_net(mailnet):
            mailnet.add_server("mx.shop.example", domain="shop.example")
            send()

        def test_no_net():
            with pytest.raises(OSError, match="mailnet_guard is on"):
                send()
        """
    )

    result = pytester.runpytest_subprocess("--tb=short")

    result.assert_outcomes(passed=1, failed=1)  # what was stopped fails the test at its end
    result.stdout.fnmatch_lines(["*ExpectationFailed: a look-up of 'mx.shop.example'*"])


@pytest.mark.usefixtures("beside_others")
def test_what_pytest_socket_forbids_stays_forbidden_under_the_guard(pytester):
    pytester.makeini("[pytest]\nmailnet_guard = true\naddopts = -p no:randomly\n")
    pytester.makepyfile(
        """
        import socket
        import pytest
        from pytest_socket import SocketConnectBlockedError

        @pytest.mark.allow_hosts(["127.0.0.1"])
        @pytest.mark.parametrize("net", ["mailnet", None])
        def test_connect(request, net):
            if net:
                request.getfixturevalue(net)
            with socket.socket() as sock, pytest.raises(SocketConnectBlockedError):
                sock.connect(("203.0.113.250", 8080))
        """
    )

    pytester.runpytest_subprocess().assert_outcomes(passed=2)


OUTLIVING = """
import threading

from sending import send

held = threading.Lock()
held.acquire()
threads = []

def late():
    held.acquire()
    try:
        send()
    except OSError:
        pass

def test_first(mailnet):
    threads.append(threading.Thread(target=late))
    threads[0].start()

def test_second(mailnet):
    mailnet.add_server("mx.shop.example", domain="shop.example")
    held.release()
    threads[0].join()
    assert mailnet.messages == []
"""


@pytest.mark.parametrize(
    "options", [(), ("-n", "1"), ("-W", "error")], ids=["alone", "xdist", "warnings are errors"]
)
def test_what_outlives_its_net_is_a_warning_of_the_test_that_started_it(pytester, options, monkeypatch):
    monkeypatch.setenv("PYTEST_PLUGINS", "pytest_mailnet.plugin,xdist.plugin")
    pytester.makepyfile(test_outliving=OUTLIVING)

    result = pytester.runpytest_subprocess(*options)

    result.assert_outcomes(passed=2, warnings=1)
    result.stdout.fnmatch_lines(
        [
            "test_outliving.py::test_first",
            "  test_outliving.py:0: OutlivedItsNet: a look-up of 'mx.shop.example' by getaddrinfo was stopped: it "
            "comes from what was started in test_outliving.py::test_first, whose net is gone. End threads, timers, "
            "tasks and executors in the test that starts them, or start what serves several tests before the first "
            "net",
        ]
    )
