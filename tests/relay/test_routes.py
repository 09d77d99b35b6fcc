"""To which hosts a mail goes, and in what order (RFC 5321, 5.1)."""

from __future__ import annotations

import smtplib

import pytest

from pytest_mailnet.net.mailnet import life_of
from pytest_mailnet.rules.auth.spf import check_spf
from pytest_mailnet.timeline.story import timeline
from pytest_mailnet.values import Stage


def hosts(mailnet):
    """The hosts that the queue has called, in order."""
    return [session.host for session in mailnet.sessions if session.host != "smtp.app.example"]


def test_the_host_of_the_lowest_preference_is_tried_first(mailnet, send, add_mx):
    add_mx("mx2.shop.example", 20)
    add_mx("mx1.shop.example", 10)
    send("sales@shop.example")

    mailnet.deliver_all()

    assert hosts(mailnet) == ["mx1.shop.example"]


def test_the_next_host_is_tried_when_one_is_dead_or_says_not_now(mailnet, send, add_mx):
    add_mx("mx1.shop.example", 10)
    add_mx("mx2.shop.example", 20).on_rcpt().reply("451 4.7.1 Greylisted")
    add_mx("mx3.shop.example", 30).on_connect().reply("554 5.3.2 No service")
    last = add_mx("mx4.shop.example", 40)
    mailnet.host("mx1.shop.example").refuse_connections()
    send("sales@shop.example")

    mailnet.deliver_all()

    assert hosts(mailnet) == ["mx2.shop.example", "mx3.shop.example", "mx4.shop.example"]
    assert len(last.mailbox("sales@shop.example").messages) == 1


def test_no_other_host_is_asked_when_one_has_refused_for_good(mailnet, send, add_mx, reports):
    add_mx("mx1.shop.example", 10).on_rcpt().reply("550 5.1.1 No such user")
    add_mx("mx2.shop.example", 20)
    send("sales@shop.example")

    mailnet.deliver_all()

    assert hosts(mailnet) == ["mx1.shop.example"]
    assert reports()[0][0]["Diagnostic-Code"] == "smtp; 550 5.1.1 No such user"


def test_hosts_of_one_preference_are_tried_in_an_order_drawn_by_lot(make_mailnet):
    def first(seed):
        with make_mailnet(seed=seed) as net:
            shop = [net.add_server(f"mx{it}.shop.example", domain="shop.example") for it in range(4)]
            for server in shop:
                server.on_connect().reply("421 4.3.2 Busy")
            sender = net.add_server("smtp.app.example")
            relay(net, sender)
            return tuple(hosts(net))

    orders = {seed: first(seed) for seed in range(8)}

    assert all(set(order) == {f"mx{it}.shop.example" for it in range(4)} for order in orders.values())
    assert len(set(orders.values())) > 1
    assert {seed: first(seed) for seed in range(8)} == orders


def relay(net, sender):
    """Let a server relay one mail."""
    sender.add_domain("app.example")
    sender.trust("203.0.113.0/24")
    with smtplib.SMTP("smtp.app.example") as client:
        client.sendmail("alice@app.example", ["sales@shop.example"], "Subject: hi\r\n\r\n")
    net.deliver_all()


def test_a_domain_without_mx_gets_its_mail_at_its_own_address(mailnet, send):
    mailnet.add_server("shop.example", ip="192.0.2.50").add_mailbox("sales@shop.example")
    send("sales@shop.example")

    mailnet.deliver_all()

    assert len(mailnet.provider("shop.example").mailbox("sales@shop.example").messages) == 1


@pytest.mark.parametrize(
    ("records", "status"),
    [
        ([("MX", "0 .")], "5.1.10"),
        ([("TXT", "hello")], "5.4.4"),
        ([], "5.1.2"),
    ],
)
def test_a_domain_that_takes_no_mail_is_told_at_once(mailnet, send, reports, records, status):
    for rdtype, value in records:
        mailnet.dns.add("shop.example", rdtype, value)
    send("sales@shop.example")

    mailnet.deliver_all()

    [[told]] = reports()
    assert (told["Action"], told["Status"]) == ("failed", status)
    assert not mailnet.queue


def test_mail_waits_while_dns_fails(mailnet, send, mx):
    mailnet.dns.fail("shop.example", "SERVFAIL", rdtype="MX", times=1)
    send("sales@shop.example")

    mailnet.deliver_all()

    [waiting] = mailnet.queue
    assert waiting.reason == "the MX records of shop.example cannot be looked up (DNS: SERVFAIL)"
    mailnet.deliver_all(minutes=30)
    assert len(mx.mailbox("sales@shop.example").messages) == 1


def test_an_mx_without_an_address_is_passed_over(mailnet, send, add_mx):
    mailnet.dns.add("shop.example", "MX", "5 gone.shop.example.")
    add_mx("mx.shop.example", 10)
    send("sales@shop.example")

    mailnet.deliver_all()

    assert hosts(mailnet) == ["mx.shop.example"]


def test_an_address_where_nobody_is_makes_the_mail_wait(mailnet, send):
    mailnet.dns.add("shop.example", "MX", "5 gone.shop.example.")
    mailnet.dns.add("gone.shop.example", "A", "192.0.2.200")
    send("sales@shop.example")

    mailnet.deliver_all()

    assert mailnet.queue[0].reason == "no route to 192.0.2.200 (gone.shop.example)"


def test_mail_does_not_leave_the_net_for_the_machine_and_the_record_tells_how_to_get_it(mailnet, send):
    mailnet.dns.add("app2.example", "MX", "10 mx.app2.example.")
    mailnet.dns.add("mx.app2.example", "A", "127.0.0.1")
    send("sales@app2.example")

    mailnet.deliver_all()

    assert mailnet.queue[0].reason == "no route to 127.0.0.1 (mx.app2.example)"
    assert (
        "no host of the net has that address, and mail stays in the net; "
        "mailnet.add_server('mx.app2.example', handler=...) puts one there"
    ) in timeline(life_of(mailnet).internet.journal)


def test_an_address_literal_is_its_own_route(mailnet, send):
    shop = mailnet.add_server("mx.shop.example", ip="192.0.2.50")
    send("sales@[192.0.2.50]")

    mailnet.deliver_all()

    assert len(shop.mailboxes[0].messages) == 1


def test_recipients_at_one_host_share_a_mail_and_a_connection(mailnet, send, mx):
    mailnet.add_domain("shop.test", on="mx.shop.example")
    send("sales@shop.example", "info@shop.example", "boss@shop.test")
    send("sales@shop.example")

    mailnet.deliver_all()

    [session] = [it for it in mailnet.sessions if it.host == "mx.shop.example"]
    said = [it.request.split(b" ")[0].rstrip() for it in session.exchanges if it.stage is not Stage.MESSAGE]
    assert said == [
        *(b"", b"EHLO", b"STARTTLS", b"EHLO"),
        *(b"MAIL", b"RCPT", b"RCPT", b"RCPT", b"DATA"),
        *(b"MAIL", b"RCPT", b"DATA"),
        b"QUIT",
    ]


def test_a_relay_calls_from_its_own_address_by_its_own_name(mailnet, send, mx):
    send("sales@shop.example")

    mailnet.deliver_all()

    session = mailnet.sessions[-1]
    assert session.client.ip == "192.0.2.99"
    assert session.exchanges[1].request == b"EHLO smtp.app.example\r\n"


def test_gmail_calls_from_an_address_that_its_spf_record_has(mailnet):
    mailnet.gmail.add_mailbox("alice", password="pw")
    shop = mailnet.add_server("mx.shop.example", domain="shop.example")
    with smtplib.SMTP_SSL("smtp.gmail.com", 465) as client:
        client.login("alice", "pw")
        client.sendmail("alice@gmail.com", ["sales@shop.example"], "Subject: hi\r\n\r\n")

    mailnet.deliver_all()

    ip = mailnet.sessions[-1].client.ip
    assert (
        check_spf(life_of(mailnet).internet.dns, ip, "alice@gmail.com", "outbound.gmail.com").result == "pass"
    )
    assert life_of(mailnet).internet.dns.lookup("outbound.gmail.com", "A").values("A") == (ip,)
    assert len(shop.mailbox("sales@shop.example").messages) == 1


def test_a_domain_that_no_question_can_have_is_told_at_once(mailnet, send, reports):
    send(f"sales@{'x' * 64}.example")

    mailnet.deliver_all()

    [[told]] = reports()
    assert (told["Action"], told["Status"]) == ("failed", "5.1.2")
    assert "cannot be a domain" in told["Diagnostic-Code"]


def test_mail_waits_while_dns_goes_round_in_circles(mailnet, send):
    mailnet.dns.fail("shop.example", "dns-cname-loop")
    send("sales@shop.example")

    mailnet.deliver_all()

    [waiting] = mailnet.queue
    assert waiting.reason.startswith("the answer of DNS makes no sense: ")


def test_an_mx_whose_address_goes_round_in_circles_is_passed_over(mailnet, send, add_mx):
    add_mx("mx1.shop.example", 5)
    add_mx("mx2.shop.example", 10)
    mailnet.dns.fail("mx1.shop.example", "dns-cname-loop")
    send("sales@shop.example")

    mailnet.deliver_all()

    assert hosts(mailnet) == ["mx2.shop.example"]


def test_a_relay_without_an_address_of_that_family_cannot_reach_a_host(mailnet, send):
    mailnet.add_server("mx.shop.example", domain="shop.example", ip="2001:db8::27")
    send("sales@shop.example")

    mailnet.deliver_all()

    [waiting] = mailnet.queue
    assert waiting.reason == (
        "smtp.app.example has no address from which to reach 2001:db8::27 (mx.shop.example)"
    )


def test_a_host_that_has_just_failed_is_not_called_for_the_next_mail(mailnet, send, mx):
    mx.on_connect().reply("421 4.3.2 Not now")
    send("sales@shop.example")
    send("info@shop.example")

    mailnet.deliver_all()

    assert [it.reason for it in mailnet.queue] == ["mx.shop.example said: 421 4.3.2 Not now"] * 2
    assert hosts(mailnet) == ["mx.shop.example"]
