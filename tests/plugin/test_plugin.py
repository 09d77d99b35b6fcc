"""What a user's suite sees: the fixtures, the settings, and the report, to the letter."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys

import pytest

from pytest_mailnet import MailNetConfig

SEND = """
import smtplib

def send(*recipients, host="mx.shop.example"):
    with smtplib.SMTP(host, 25) as client:
        client.sendmail("bob@hotmail.com", recipients or ["sales@shop.example"], "Subject: hi\\r\\n\\r\\nhello")
"""


@pytest.fixture(autouse=True)
def _sender(pytester):
    pytester.makepyfile(sending=SEND)
    # Plugins of this suite that a user's need not have.
    pytester.makeini("[pytest]\naddopts = -p no:randomly\n")


def timeless(lines):
    """A report's lines with times, ports and queue ids put away."""
    text = "\n".join(lines)
    # smtplib writes them in lower case since Python 3.13.
    text = re.sub("mail from:|rcpt to:", lambda verb: verb[0][:5] + verb[0][5:].upper(), text)
    text = re.sub(r" *\d+\.\d ms  ", "  ", text)
    text = re.sub(r"203\.0\.113\.7:\d+", "203.0.113.7:PORT", text)
    return re.sub(r"queued as [0-9a-f]{12}", "queued as ID", text)


def test_a_failing_test_shows_the_timeline(pytester):
    pytester.makepyfile(
        """
        import dns.resolver
        from sending import send

        def test_mail(mailnet):
            mailnet.add_server("mx.shop.example", domain="shop.example")
            dns.resolver.resolve("shop.example", "MX")
            send()
            mailnet.clock.advance(hours=1, minutes=15)
            assert False
        """
    )

    result = pytester.runpytest_inprocess()

    result.assert_outcomes(failed=1)
    lines = result.outlines
    section = lines[
        lines.index("----------------------------------- mailnet ------------------------------------") :
    ]
    told = timeless(section[1 : next(n for n, line in enumerate(section) if line.startswith("====="))])
    assert re.sub(r"to 20.*UTC", "to THEN UTC", told).split("\n") == [
        "  dns  shop.example MX? MX 10 mx.shop.example.  (udp)",
        "  dns  mx.shop.example AAAA? no such record  (getaddrinfo)",
        "  dns  mx.shop.example A? A 192.0.2.10  (getaddrinfo)",
        "  [1]  203.0.113.7:PORT connects to mx.shop.example (192.0.2.10:25)",
        "  [1] S  220 mx.shop.example ESMTP",
        "  [1] C  ehlo app.sender.example",
        "  [1] S  250-mx.shop.example",
        "  [1] S  250-SIZE 35651584",
        "  [1] S  250-8BITMIME",
        "  [1] S  250-STARTTLS",
        "  [1] S  250-ENHANCEDSTATUSCODES",
        "  [1] S  250-PIPELINING",
        "  [1] S  250-DSN",
        "  [1] S  250-CHUNKING",
        "  [1] S  250-BINARYMIME",
        "  [1] S  250 SMTPUTF8",
        "  [1] C  mail FROM:<bob@hotmail.com> size=20",
        "  [1] S  250 2.1.0 OK",
        "  [1] C  rcpt TO:<sales@shop.example>",
        "  [1] S  250 2.1.5 OK",
        "  [1] C  data",
        "  [1] S  354 Start mail input; end with <CRLF>.<CRLF>",
        "  [1] C  Subject: hi",
        "  [1] C  ",
        "  [1] C  hello",
        "  [1] C  .",
        "  [1] S  250 2.0.0 OK queued as ID",
        "  [1] C  QUIT",
        "  [1] S  221 2.0.0 mx.shop.example Service closing transmission channel",
        "  [1]  client quit",
        "  clock  1 h 15 min on, to THEN UTC",
    ]


def test_a_failing_test_shows_what_waits_in_the_queue(pytester):
    pytester.makepyfile(
        """
        import smtplib

        def test_mail(mailnet):
            mailnet.gmail.add_mailbox("alice", password="pw")
            with smtplib.SMTP_SSL("smtp.gmail.com", 465) as client:
                client.login("alice", "pw")
                client.sendmail("alice@gmail.com", "bob@hotmail.com", "Subject: hi\\r\\n\\r\\n")
            assert mailnet.hotmail.mailboxes
        """
    )

    result = pytester.runpytest_inprocess()

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*[[]1[]] C  AUTH PLAIN [[]credentials[]]"])
    result.stdout.fnmatch_lines(["*[[]1[]]  client quit (TLSv1.3, logged in as alice@gmail.com)"])
    result.stdout.fnmatch_lines(
        ["*in the queue  gmail * <alice@gmail.com> -> bob@hotmail.com: attempt 1 at * UTC, not tried yet"]
    )


def test_long_content_is_cut_with_its_size(pytester):
    pytester.makepyfile(
        """
        import smtplib

        def test_mail(mailnet):
            mailnet.add_server("mx.shop.example", domain="shop.example")
            with smtplib.SMTP("mx.shop.example", 25) as client:
                client.sendmail("bob@hotmail.com", "sales@shop.example", "Subject: long\\r\\n\\r\\n" + "line\\r\\n" * 9999)
            assert False
        """
    )

    result = pytester.runpytest_inprocess()

    result.stdout.fnmatch_lines(
        ["*[[]1[]] C  line", "*[[]1[]] C  ... (60,011 bytes in all)", "*[[]1[]] C  ."]
    )
    assert len([line for line in result.outlines if line.endswith("C  line")]) < 12


@pytest.mark.parametrize(
    ("option", "shown"), [((), False), (("--mailnet-log=always",), True), (("--mailnet-log=never",), False)]
)
def test_a_passing_test_shows_the_timeline_when_asked(pytester, option, shown):
    pytester.makepyfile(
        """
        from sending import send

        def test_mail(mailnet):
            mailnet.add_server("mx.shop.example", domain="shop.example")
            send()
        """
    )

    result = pytester.runpytest_inprocess(*option)

    result.assert_outcomes(passed=1)
    assert ("220 mx.shop.example ESMTP" in result.stdout.str()) == shown


def test_a_failing_test_shows_nothing_when_told_so(pytester):
    pytester.makepyfile("def test_mail(mailnet):\n    assert not mailnet.gmail\n")

    result = pytester.runpytest_inprocess("--mailnet-log=never")

    result.assert_outcomes(failed=1)
    assert "- mailnet -" not in result.stdout.str()


def test_a_failure_at_tear_down_shows_the_timeline_too(pytester):
    pytester.makepyfile(
        """
        import pytest
        from sending import send

        @pytest.fixture
        def shop(mailnet):
            yield mailnet.add_server("mx.shop.example", domain="shop.example")
            raise RuntimeError("at tear-down")

        def test_mail(shop):
            send()
        """
    )

    result = pytester.runpytest_inprocess()

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(
        ["*RuntimeError: at tear-down*", "*- mailnet -*", "*220 mx.shop.example ESMTP*"]
    )


def test_an_answer_not_used_up_fails_the_test(pytester):
    pytester.makepyfile(
        """
        def test_mail(mailnet):
            mailnet.gmail.on_message("alice@*").reply("421 4.7.0 Later").times(1)
        """
    )

    result = pytester.runpytest_inprocess()

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "E*ExpectationFailed: gmail.on_message('alice@[*]').reply('421 4.7.0 Later').times(1) was given 0 of 1 time",
            "*  written at test_an_answer_not_used_up_fails_the_test.py:2",
            "*  nothing came to gmail at MESSAGE, and nobody connected",
            "*  If it need not be given: leave out .times(...), or @pytest.mark.mailnet(strict=False)",
        ],
        consecutive=True,
    )


def test_a_leak_fails_the_test_even_where_the_application_swallows_it(pytester):
    pytester.makepyfile(
        """
        import smtplib

        def test_mail(mailnet):
            mailnet.add_server("mx.shop.example", ip="192.0.2.20")
            try:
                smtplib.SMTP("192.0.2.99", 25)
            except OSError:
                pass
        """
    )

    result = pytester.runpytest_inprocess()

    result.assert_outcomes(failed=1)
    text = " ".join(line.removeprefix("E").strip() for line in result.outlines)
    assert (
        "a connection to 192.0.2.99:25 was stopped: no host of this mailnet has that address "
        "(did you mean 192.0.2.20 (mx.shop.example)? There is: 192.0.2.20 (mx.shop.example)). "
    ) in text
    assert "To have one there: mailnet.add_server('mx.shop.example', ip='192.0.2.99')" in text


def test_an_exception_in_a_predicate_fails_the_test_with_its_traceback(pytester):
    pytester.makepyfile(
        """
        import smtplib

        def broken(step):
            return step.recipient.nonsense

        def test_mail(mailnet):
            mailnet.add_server("mx.shop.example", domain="shop.example").on_rcpt(broken).reply("550 no")
            with smtplib.SMTP("mx.shop.example", 25) as client:
                client.ehlo()
                client.mail("a@b.example")
                assert client.rcpt("sales@shop.example") == (
                    451, b"4.3.0 Requested action aborted: error in processing"
                )
        """
    )

    result = pytester.runpytest_inprocess()

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*return step.recipient.nonsense*",
            "E*AttributeError: 'str' object has no attribute 'nonsense'",
            "*The above exception was the direct cause of the following exception:*",
            "E*ExpectationFailed: AttributeError at RCPT of session 1 with mx.shop.example: *",
        ]
    )


def test_a_name_that_is_not_in_the_net_is_answered_and_noted(pytester):
    pytester.makepyfile(
        """
        import socket

        import pytest

        def test_lookup(mailnet):
            with pytest.raises(socket.gaierror):
                socket.getaddrinfo("gmial.com", 25)
            assert {query.rcode for query in mailnet.dns.queries} == {"NXDOMAIN"}

        @pytest.mark.mailnet(unknown_names="fail")
        def test_strict_lookup(mailnet):
            with pytest.raises(socket.gaierror):
                socket.getaddrinfo("gmial.com", 25)
        """
    )

    result = pytester.runpytest_inprocess()

    result.assert_outcomes(passed=1, failed=1)
    text = " ".join(line.removeprefix("E").strip() for line in result.outlines)
    assert (
        "a look-up of 'gmial.com' was answered NXDOMAIN: it is not in this mailnet (did you mean 'gmail.com'"
        in text
    )


@pytest.mark.parametrize(
    ("ini", "told"),
    [
        (
            "mailnet_unknown_names = ignore",
            "ini option mailnet_unknown_names takes 'answer' or 'fail', not 'ignore'",
        ),
        ("mailnet_other_ports = shut", "ini option mailnet_other_ports takes 'open' or 'closed', not 'shut'"),
        (
            "mailnet_log = sometimes",
            "ini option mailnet_log takes 'failed' or 'always' or 'never', not 'sometimes'",
        ),
        (
            "mailnet_strict = maybe",
            "ini option mailnet_strict: invalid truth value 'maybe'; it takes true or false",
        ),
        ("mailnet_trust_ca = maybe", "ini option mailnet_trust_ca: invalid truth value 'maybe'"),
        ("mailnet_enforce = greylistng", "ini option mailnet_enforce: no rule 'greylistng' (did you mean"),
        ("mailnet_providers = nowhere", "ini option mailnet_providers: '"),
    ],
)
def test_a_wrong_ini_option_is_told(pytester, ini, told):
    pytester.makeini(f"[pytest]\n{ini}\n")
    pytester.makepyfile("def test_mail(mailnet): pass")

    result = pytester.runpytest_inprocess()

    assert told in result.stdout.str() + result.stderr.str()


@pytest.mark.parametrize(
    ("mark", "told"),
    [
        ("strickt=False", "@pytest.mark.mailnet: no setting 'strickt' (did you mean 'strict'?"),
        ("strict=1", "@pytest.mark.mailnet: strict takes True or False, not 1"),
        ("enforce=['greylistng']", "@pytest.mark.mailnet: enforce: no rule 'greylistng' (did you mean"),
        (
            "providers=['nowhere']",
            "@pytest.mark.mailnet: providers: 'nowhere' is no TOML file, and no folder",
        ),
        ("'closed'", "@pytest.mark.mailnet takes settings by name, not ('closed',)"),
    ],
)
def test_a_wrong_mark_is_told(pytester, mark, told):
    pytester.makepyfile(f"import pytest\n@pytest.mark.mailnet({mark})\ndef test_mail(mailnet): pass")

    result = pytester.runpytest_inprocess()

    assert told in result.stdout.str()


def test_settings_go_ini_then_command_line_then_fixture_then_mark(pytester):
    pytester.makeini("[pytest]\nmailnet_log = never\nmailnet_addresses = public\nmailnet_strict = false\n")
    pytester.makepyfile(
        test_ini="""
        def test_ini(mailnet):
            assert (mailnet.config.log, mailnet.config.addresses, mailnet.config.strict) == ("always", "public", False)
        """,
        test_fixture="""
        import pytest

        @pytest.fixture(scope="module")
        def mailnet_config(mailnet_config):
            return mailnet_config.but(addresses="documentation", log="failed")

        def test_fixture(mailnet):
            config = mailnet.config
            assert (config.log, config.addresses, config.strict) == ("failed", "documentation", False)

        @pytest.mark.mailnet(strict=True, log="never")
        def test_mark(mailnet):
            config = mailnet.config
            assert (config.log, config.addresses, config.strict) == ("never", "documentation", True)
        """,
    )

    result = pytester.runpytest_inprocess("--mailnet-log=always")

    result.assert_outcomes(passed=3)


def test_names_pass_to_the_machine_by_ini_file_fixture_and_mark(pytester):
    pytester.makeini("[pytest]\nmailnet_pass_names = *.corp.example localhost.example\n")
    pytester.makepyfile(
        test_ini="""
        def test_ini(mailnet):
            assert mailnet.config.pass_names == ("*.corp.example", "localhost.example")
        """,
        test_fixture="""
        import pytest

        @pytest.fixture(scope="module")
        def mailnet_config(mailnet_config):
            return mailnet_config.but({"pass_names": (*mailnet_config.pass_names, "db.example")})

        def test_fixture(mailnet):
            assert mailnet.config.pass_names == ("*.corp.example", "localhost.example", "db.example")

        @pytest.mark.mailnet(pass_names=["db.internal"])
        def test_mark(mailnet):
            assert mailnet.config.pass_names == ("db.internal",)

        @pytest.mark.mailnet(pass_names="db.internal")
        def test_mark_with_one(mailnet):
            pass
        """,
    )

    result = pytester.runpytest_inprocess()

    result.assert_outcomes(passed=3, errors=1)
    result.stdout.fnmatch_lines(
        ["*@pytest.mark.mailnet: pass_names takes several, as in ('db.internal',), not 'db.internal'*"]
    )


def test_several_nets_in_one_test_are_told_apart(pytester):
    pytester.makepyfile(
        """
        from sending import send

        def test_mail(make_mailnet):
            with make_mailnet() as one:
                one.add_server("mx.shop.example", domain="shop.example")
                send()
            with make_mailnet(seed=1) as two:
                assert two.sessions == []
            assert len(one.sessions) == 2
        """
    )

    result = pytester.runpytest_inprocess()

    result.stdout.fnmatch_lines(["net 1", "*220 mx.shop.example ESMTP", "net 2", "nothing was looked up*"])


@pytest.mark.usefixtures("beside_others")
def test_it_works_in_four_processes_and_random_order(pytester):
    pytester.makeini("[pytest]\n")
    pytester.makepyfile(
        """
        import pytest
        from sending import send

        @pytest.mark.parametrize("number", range(40))
        def test_mail(mailnet, number):
            mailnet.add_server("mx.shop.example", domain="shop.example")
            send(f"user{number}@shop.example")
            assert mailnet.messages[0].envelope.rcpt_tos == (f"user{number}@shop.example",)
            assert len(mailnet.sessions) == 1
        """
    )

    result = pytester.runpytest_subprocess("-n", "4")

    result.assert_outcomes(passed=40)


@pytest.mark.usefixtures("beside_others")
@pytest.mark.parametrize("option", ["--disable-socket", "--allow-hosts=192.0.2.1"])
def test_it_works_with_pytest_socket(pytester, option):
    pytester.makepyfile(
        """
        import socket

        import pytest
        from pytest_socket import SocketBlockedError, SocketConnectBlockedError
        from sending import send

        @pytest.mark.parametrize("number", range(2))
        def test_mail(mailnet, number):
            mailnet.add_server("mx.shop.example", domain="shop.example")
            send()
            assert len(mailnet.messages) == 1

        def test_other_connections_are_still_forbidden(mailnet):
            with pytest.raises((SocketBlockedError, SocketConnectBlockedError)):
                with socket.socket() as sock:
                    sock.connect(("127.0.0.1", 9))
        """
    )

    result = pytester.runpytest_subprocess(option)

    result.assert_outcomes(passed=3)


@pytest.mark.usefixtures("beside_others")
@pytest.mark.parametrize("mark", ["disable_socket", "allow_hosts(['192.0.2.1'])"])
def test_what_pytest_socket_forbids_one_test_is_allowed_in_the_next(pytester, mark):
    pytester.makepyfile(
        f"""
        import socket

        import pytest
        from sending import send

        def connect():
            with socket.create_server(("localhost", 0)) as server:
                socket.create_connection(server.getsockname()).close()

        @pytest.mark.{mark}
        def test_forbidden(mailnet):
            mailnet.add_server("mx.shop.example", domain="shop.example")
            send()

        def test_allowed_with_a_net(mailnet):
            connect()

        def test_allowed_without_a_net():
            connect()
        """
    )

    result = pytester.runpytest_subprocess("-p", "no:randomly")

    result.assert_outcomes(passed=3)


@pytest.mark.usefixtures("beside_others")
def test_a_set_up_that_fails_is_one_error(pytester):
    pytester.makepyfile(
        """
        import pytest

        @pytest.fixture
        def shop(mailnet):
            assert not "the fixture's own error"

        def test_mail(shop):
            pass
        """
    )

    result = pytester.runpytest_subprocess()

    result.assert_outcomes(errors=1)


def test_who_tampers_with_the_patches_is_named(pytester):
    pytester.makepyfile(
        """
        import socket

        def careless(sock, address):
            pass

        def test_mail(mailnet, monkeypatch):
            monkeypatch.setattr(socket.socket, "connect", careless)
        """
    )

    result = pytester.runpytest_inprocess()

    result.assert_outcomes(failed=1)
    text = "".join(line.removeprefix("E").strip() for line in result.outlines)
    assert re.search(r"socket\.socket\.connect is now test_who_tampers\w+\.careless \(.*\.py:3\)", text)


def test_unused_it_imports_nothing_heavy():
    code = (
        "import sys, pytest_mailnet.plugin, pytest_mailnet;"
        "print([name for name in ('aiosmtpd', 'dnslib', 'dns', 'asyncio') if name in sys.modules])"
    )

    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert told in ("[]\n", "['asyncio']\n")


def test_a_run_without_mail_reads_five_files_of_the_plugin(pytester):
    pytester.makepyfile(
        """
        import sys

        def test_without_mail():
            read = {it for it in sys.modules if it.startswith("pytest_mailnet.")}
            parts = {"as_compiled", "never_off", "options", "section"}
            assert read == {"pytest_mailnet.plugin", *(f"pytest_mailnet.plugin.{it}" for it in parts)}
        """
    )

    result = pytester.runpytest_subprocess()

    result.assert_outcomes(passed=1)


def test_a_typo_on_the_command_line_names_the_choices(pytester):
    result = pytester.runpytest_inprocess("--mailnet-log=allways")

    assert "'failed', 'always', 'never'" in result.stderr.str()


def test_every_setting_can_be_written_in_the_ini_file_and_as_a_mark(pytester):
    settings = [field.name for field in dataclasses.fields(MailNetConfig)]

    told = pytester.runpytest("--markers").stdout.str()

    [mark] = [line for line in told.splitlines() if "pytest.mark.mailnet(" in line]
    assert re.findall(r"(\w+)=\.\.\.", mark) == settings
    assert set(settings) <= set(re.findall(r"mailnet_(\w+) \(", pytester.runpytest("--help").stdout.str()))


def test_a_fault_without_the_mark_that_gives_it_names_the_mark(pytester):
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.mailnet_fault(stage="rcpt")
        def test_mail(mailnet, mailnet_fault): pass
        """
    )

    result = pytester.runpytest_inprocess("-W", "ignore::pytest.PytestUnknownMarkWarning")

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*@pytest.mark.mailnet_faults(stage='rcpt')*"])
