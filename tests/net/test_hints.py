"""Names and ports that lead nowhere: the error names where mail goes instead."""

from __future__ import annotations

import contextlib
import smtplib
import socket

import pytest


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (
            "gmail.com",
            "'gmail.com' has no address in this mailnet: mail for it goes to its MX, gmail-smtp-in.l.google.com",
        ),
        (
            "shop.example",
            "'shop.example' has no address in this mailnet: mail for it goes to its MX, mx.shop.example",
        ),
        (
            "mx1.hotmail.com",
            "'mx1.hotmail.com' is not in this mailnet: it was a host of hotmail in 2009. To have it: "
            "mailnet.provider('hotmail', era=2009), before hotmail is used",
        ),
    ],
)
def test_a_name_that_mail_does_not_go_to_leads_to_where_it_goes(held, name, told):
    with pytest.raises(socket.gaierror) as raised:
        smtplib.SMTP(name, 25)

    assert raised.value.strerror == f"Name or service not known: {told}"


@pytest.fixture
def silent_port():
    """A port where test servers are wont to listen, and nobody does."""
    with socket.socket() as silent:
        for port in (1025, 1587, 2525, 2587, 5025, 8025, 10025):
            with contextlib.suppress(OSError):  # another process is there
                silent.bind(("127.0.0.1", port))
                break
        yield silent.getsockname()[1]


def test_a_test_server_s_port_that_refuses_leads_to_the_net_s_servers(held, silent_port):
    with pytest.raises(ConnectionRefusedError) as raised:
        smtplib.SMTP("127.0.0.1", silent_port)

    assert raised.value.__notes__ == [
        "In a mailnet mail goes to servers by name, such as mx.shop.example (port 25, 465, 587) and "
        "gmail-smtp-in.l.google.com (port 25). A port of the machine leads to one after "
        "mailnet.listen('mx.shop.example')"
    ]


def test_other_ports_that_refuse_are_the_machine_s_affair(held):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        where = silent.getsockname()

        with pytest.raises(ConnectionRefusedError) as raised:
            socket.create_connection(where)

    assert not hasattr(raised.value, "__notes__")


def test_a_name_with_other_records_says_that_it_has_no_address(held):
    held["mailnet"].dns.add("text.example", "TXT", "hello")

    with pytest.raises(socket.gaierror) as raised:
        smtplib.SMTP("text.example", 25)

    assert raised.value.strerror == (
        "Name or service not known: 'text.example' is in this mailnet and has no address; "
        "mailnet.dns.add('text.example', 'A', '192.0.2.27')"
    )


def test_an_address_of_an_operator_that_nobody_has_asked_for_is_that_operator_s(make_mailnet, tmp_path):
    file = tmp_path / "corp.toml"
    file.write_text(
        'name = "corp"\ntitle = "Corp"\ndomains = ["corp.example"]\n\n[zone]\nsource = "own"\ntext = """\n'
        'corp.example. 300 IN MX 10 mx.corp.example.\nmx.corp.example. 300 IN A 198.51.100.77\n"""\n\n'
        '[replies.refused]\nstage = "rcpt"\nreply = "550 5.7.1 No"\nsource = "own"\n'
    )

    with make_mailnet(providers=[file]) as net, smtplib.SMTP("198.51.100.77", 25) as client:
        assert client.noop()[0] == 250
        assert net.sessions[0].host == "mx.corp.example"


def test_google_workspace_is_google_s_for_domains_of_one_s_own(mailnet):
    provider = mailnet.add_domain("shop.example", on="google-workspace")

    assert mailnet.google_workspace is provider
