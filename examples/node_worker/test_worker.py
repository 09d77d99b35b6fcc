"""The worker, a program in JavaScript, tested in a net's namespace against a Mailgun that is not there."""

from __future__ import annotations

import json

import pytest

HOST = "smtp.mailgun.org"
EX_TEMPFAIL, EX_CONFIG = 75, 78


@pytest.fixture
def mailgun(mailnet):
    return mailnet.provider("mailgun")


@pytest.fixture(autouse=True)
def account(mailgun):
    """The shop's account at Mailgun."""
    return mailgun.add_account("postmaster@shop.example", password="secret", aliases=["@shop.example"])


@pytest.fixture
def jobs(tmp_path):
    """The file of jobs, with one that is waiting."""
    file = tmp_path / "jobs.json"
    file.write_text(json.dumps([job("1")]))
    return file


@pytest.fixture
def work(mailnet, mailnet_process, worker, jobs):
    """Run the worker once; returns how it ended and what it knows then."""
    mailnet.process(trust_ca=True)
    settings = {"MAILGUN_USER": "postmaster@shop.example", "MAILGUN_PASSWORD": "secret"}

    def run():
        done = mailnet_process.run([*worker, str(jobs)], env=settings, timeout=30)
        return done, json.loads(jobs.read_text())

    return run


def job(number, to="bob@hotmail.com"):
    return {"id": number, "to": to, "subject": "Your order", "text": "It is on its way.", "state": "waiting"}


def test_a_job_is_mailed(mailnet, work):
    bob = mailnet.hotmail.add_mailbox("bob")

    done, [sent] = work()
    mailnet.deliver_all()

    assert (done.returncode, done.stderr, sent["state"]) == (0, "", "sent")
    assert bob.messages[0].subject == "Your order"
    assert bob.messages[0].text == "It is on its way.\n"


def test_what_is_put_off_is_sent_by_the_next_run(mailnet, mailgun, work):
    mailgun.on_data().reply(mailgun.replies.free_account_recipient).times(1)

    first, [put_off] = work()
    second, [sent] = work()

    assert (first.returncode, second.returncode) == (EX_TEMPFAIL, 0)
    assert (put_off["state"], sent["state"]) == ("waiting", "sent")
    assert put_off["reason"] == "Connection closed unexpectedly"  # nodemailer tells nothing of a 421


def test_what_the_server_says_to_put_a_mail_off_is_kept(mailgun, work):
    mailgun.on_message().reply("451 4.3.0 Try again later")

    done, [put_off] = work()

    assert (done.returncode, put_off["state"]) == (EX_TEMPFAIL, "waiting")
    assert put_off["reason"] == "451 4.3.0 Try again later"


def test_what_is_refused_keeps_no_other_job_from_being_sent(mailnet, mailgun, jobs, work):
    jobs.write_text(json.dumps([job("1", "carl@hotmail.com"), job("2")]))
    mailgun.on_rcpt("carl@*").reply("550 5.1.1 No such user").times(1)

    done, [refused, sent] = work()

    assert done.returncode == 0
    assert (refused["state"], refused["reason"]) == ("failed", "550 5.1.1 No such user")
    assert sent["state"] == "sent"


def test_a_password_that_is_wrong_is_told_in_mailgun_s_words(account, work):
    account.password = "changed since"

    done, [waiting] = work()

    assert done.returncode == EX_CONFIG
    assert "does not let us in: 535 5.7.0 Mailgun is not loving your login or password" in done.stderr
    assert waiting["state"] == "waiting"


@pytest.mark.parametrize("fault", ["expired-at-starttls", "wrong-name-at-starttls", "stripped-at-starttls"])
def test_nobody_between_worker_and_provider_gets_the_password(mailnet, work, fault):
    mailnet.host(HOST).fail(fault)

    done, [waiting] = work()

    assert (done.returncode, waiting["state"]) == (EX_TEMPFAIL, "waiting")
    assert [session.user for session in mailnet.sessions] == [None]


@pytest.mark.parametrize("fault", ["closed-in-content", "closed-after-dot", "reset-after-dot"])
def test_a_mail_of_which_nobody_knows_whether_it_was_taken_is_sent_again(mailnet, work, fault):
    mailnet.host(HOST).fail(fault, times=1)

    _, [first] = work()
    _, [second] = work()

    assert (first["state"], second["state"]) == ("waiting", "sent")
    assert mailnet.account_for({"1@shop.example": "sent"}).right


def test_a_provider_whose_name_is_not_to_be_found_is_tried_by_the_next_run(mailnet, work):
    failing = mailnet.dns.fail(HOST, "SERVFAIL")

    first, _ = work()
    failing.end()
    second, _ = work()

    assert (first.returncode, second.returncode) == (EX_TEMPFAIL, 0)


def test_a_host_that_refuses_connections_is_tried_by_the_next_run(mailnet, work):
    mailnet.host(HOST).fail("refused-at-connect", times=1)

    first, [waiting] = work()
    second, _ = work()

    assert (first.returncode, second.returncode) == (EX_TEMPFAIL, 0)
    assert "ECONNREFUSED" in waiting["reason"]


def test_a_full_mailbox_comes_back_to_the_shop_after_some_days(mailnet, jobs, work):
    mailbox = mailnet.add_server("mx.shop.example", domain="shop.example").add_mailbox("orders")
    mailnet.gmail.add_mailbox("alice").quota = 0
    jobs.write_text(json.dumps([job("1", "alice@gmail.com")]))

    _, [sent] = work()
    mailnet.deliver_all(days=6)

    assert sent["state"] == "sent"
    assert b"inbox is out of storage space" in mailbox.messages[-1].content
