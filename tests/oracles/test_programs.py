"""Programs of several languages in a net: each case in which a program meets a mail server, word for word."""

from __future__ import annotations

import shutil

import pytest

from .programs import LETTER, PROGRAMS, Unavailable

pytestmark = pytest.mark.timeout(120)
ALICE = "alice@pub.example"
LATER = "451 4.3.0 Try again later"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The command line of a program, by its name; each is built once."""
    made = {}

    def build(name):
        if name not in made:
            try:
                made[name] = PROGRAMS[name].build(tmp_path_factory.mktemp(name))
            except Unavailable as error:
                made[name] = str(error)
        if isinstance(made[name], str):
            pytest.skip(made[name])
        return made[name]

    return build


@pytest.fixture(params=PROGRAMS)
def program(request):
    return PROGRAMS[request.param]


@pytest.fixture
def send(request, built, program, mailnet_process):
    """Have the program send a mail; what has come of it."""
    command = built(request.node.callspec.params["program"])
    return lambda to, *, verify=False: mailnet_process.run(command(to, verify), input=LETTER)


@pytest.fixture
def pub(mailnet):
    """A domain with one host, and an operator that has no names of its own."""
    server = mailnet.add_server("mx.pub.example", domain="pub.example")
    server.add_mailbox("alice")
    return server


def asked(net):
    """What was asked of the net's name server, and what came of it, each once."""
    return {(it.name, it.rdtype, it.rcode) for it in net.dns.queries}


def test_a_mail_is_delivered_where_the_records_say(mailnet, program, pub, send):
    done = send(ALICE)

    assert done.returncode == 0, done.stdout + done.stderr
    [session] = mailnet.sessions
    assert session.commands == program.dialogue(ALICE)
    assert (session.client.ip, session.host) == (mailnet.sender.ip, "mx.pub.example")
    assert pub.mailbox("alice").messages[0]["Subject"] == "hi"
    assert asked(mailnet) == {
        *([("pub.example", "MX", "NOERROR")] if program.asks_for_mx else []),
        *(("mx.pub.example", family, "NOERROR") for family in program.families),
    }


def test_a_refusal_is_told_in_the_server_s_words(mailnet, program, pub, send):
    pub.on_rcpt().reply("550 5.1.1 No such user here")

    done = send(ALICE)

    [session] = mailnet.sessions
    assert session.commands == program.refused(ALICE)
    assert session.replies[3] == "550 5.1.1 No such user here"
    assert done.returncode != 0
    assert program.tells("550 5.1.1 No such user here") in done.stdout + done.stderr
    assert mailnet.messages == []


@pytest.mark.parametrize("program", [name for name, it in PROGRAMS.items() if it.asks_for_mx], indirect=True)
def test_gmail_s_refusal_of_several_lines_is_read(mailnet, program, send):
    done = send("carl@gmail.com")

    [session] = mailnet.sessions
    assert session.host == "gmail-smtp-in.l.google.com"
    assert session.commands == program.refused("carl@gmail.com")
    assert done.returncode != 0
    assert "The email account that you tried to reach does not exist. Please try" in done.stdout + done.stderr


def test_a_451_is_told_and_the_next_try_arrives(mailnet, program, pub, send):
    pub.on_rcpt().reply(LATER).times(1)

    first, second = send(ALICE), send(ALICE)

    assert first.returncode != 0
    assert program.tells(LATER) in first.stdout + first.stderr
    assert second.returncode == 0
    assert [it.replies[3] for it in mailnet.sessions] == [LATER, "250 2.1.5 OK"]
    assert [it.commands for it in mailnet.sessions] == [program.refused(ALICE), program.dialogue(ALICE)]
    assert len(pub.mailbox("alice").messages) == 1


def test_a_domain_that_does_not_exist_is_told(mailnet, program, send):
    done = send("carl@nowhere.example")

    name, first = ("nowhere.example", "MX") if program.asks_for_mx else ("mx.nowhere.example", "A")
    assert done.returncode != 0
    assert "nowhere.example" in done.stdout + done.stderr
    assert (name, first, "NXDOMAIN") in asked(mailnet)
    assert {(name, rcode) for name, _, rcode in asked(mailnet)} == {(name, "NXDOMAIN")}
    assert mailnet.sessions == []


def test_a_look_up_that_fails_is_told_and_the_next_try_arrives(mailnet, program, pub, send):
    name = "pub.example" if program.asks_for_mx else "mx.pub.example"
    failing = mailnet.dns.fail(name, "SERVFAIL")

    first = send(ALICE)
    assert {(name, rcode) for name, _, rcode in asked(mailnet)} == {(name, "SERVFAIL")}
    assert mailnet.sessions == []
    failing.end()
    second = send(ALICE)

    assert first.returncode != 0
    assert second.returncode == 0
    assert len(pub.mailbox("alice").messages) == 1


def test_the_certificate_of_a_host_is_verified(mailnet, program, pub, send):
    mailnet.process(trust_ca=True)

    done = send(ALICE, verify=True)

    assert done.returncode == 0, done.stdout + done.stderr
    [session] = mailnet.sessions
    assert session.tls == "TLSv1.3"
    assert session.commands == program.dialogue(ALICE, encrypts=True)
    assert len(pub.mailbox("alice").messages) == 1


def sends_nothing(mailnet, program, send):
    done = send(ALICE, verify=True)

    assert done.returncode != 0
    [session] = mailnet.sessions
    assert session.commands == program.dialogue(ALICE, encrypts=True)[:2]
    assert mailnet.messages == []


def test_a_mail_is_not_sent_to_a_host_of_an_authority_that_is_not_trusted(mailnet, program, pub, send):
    sends_nothing(mailnet, program, send)


def test_a_mail_is_not_sent_to_a_host_with_an_expired_certificate(mailnet, program, pub, send):
    mailnet.process(trust_ca=True)
    pub.tls.expired()

    sends_nothing(mailnet, program, send)


@pytest.mark.parametrize("program", [name for name, it in PROGRAMS.items() if it.checks_name], indirect=True)
def test_a_mail_is_not_sent_to_a_host_with_another_s_certificate(mailnet, program, pub, send):
    mailnet.process(trust_ca=True)
    pub.tls.wrong_name()

    sends_nothing(mailnet, program, send)


@pytest.mark.skipif(shutil.which("dig") is None, reason="dig is not installed (bind9-dnsutils)")
@pytest.mark.parametrize("fault", ["NXDOMAIN", "SERVFAIL", "REFUSED"])
def test_dig_tells_how_a_look_up_fails(mailnet, mailnet_process, fault):
    mailnet.dns.fail("gmail.com", fault)

    done = mailnet_process.run(["dig", "+tries=1", "gmail.com", "MX"])

    assert f"status: {fault}," in done.stdout
    assert {(it.name, it.rcode) for it in mailnet.dns.queries} == {("gmail.com", fault)}
