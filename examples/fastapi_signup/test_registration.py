"""The sign-up, tested through its own web interface against a Google Workspace that is not there."""

from __future__ import annotations

import re

import pytest

pytest.importorskip("fastapi", reason="FastAPI is not installed; `tox -e applications` has it")

import registration
from fastapi.testclient import TestClient
from registration import Account, app

BOB = "bob@hotmail.com"


@pytest.fixture
def mailer(mailnet):
    """The application's own mailbox, at a domain on Google Workspace."""
    return mailnet.add_domain("app.example", on="google-workspace").add_mailbox("mailer@app.example")


@pytest.fixture
def submission(mailnet):
    """Where the application hands in its mail: users of Google Workspace do so by Gmail's server."""
    return mailnet.gmail.submission


@pytest.fixture
def tokens(mailer):
    """The access tokens that the application has had; it uses the last."""
    return [mailer.account.issue_token(seconds=3600)]


@pytest.fixture
def client(mailnet, tokens, monkeypatch):
    async def token():
        return tokens[-1]

    monkeypatch.setattr(registration, "users", {})
    monkeypatch.setitem(
        app.dependency_overrides,
        registration.account,
        lambda: Account("smtp.gmail.com", "mailer@app.example", token),
    )
    with TestClient(app) as client:
        yield client


def sign_up(client, address=BOB):
    """Sign up; the answer's status and what it says."""
    answer = client.post("/signup", json={"email": address})
    return answer.status_code, answer.json()


def test_the_link_in_the_mail_confirms_the_address(mailnet, client):
    bob = mailnet.hotmail.add_mailbox("bob")

    answer = sign_up(client)
    mailnet.deliver_all()
    [link] = re.findall(r"https://app\.example(/confirm/\S+)", bob.messages[0].text)

    assert answer == (202, {"state": "mailed"})
    assert client.get(link).json() == {"state": "confirmed"}
    assert client.get("/confirm/something-else").status_code == 404


def test_a_refused_address_is_told_in_the_server_s_words(mailnet, client, submission):
    submission.on_rcpt().reply("550 5.1.1 There is nobody of that name").times(1)

    answer = sign_up(client)

    assert answer == (422, {"detail": "550 5.1.1 There is nobody of that name"})
    assert mailnet.messages == []


def test_a_mail_that_is_put_off_is_tried_again_by_itself(mailnet, client, submission, monkeypatch):
    submission.on_message().reply("421 4.7.0 Try again later, closing connection.", close=True).times(1)

    answer = sign_up(client)
    monkeypatch.setattr(registration, "EVERY", 0.01)
    with TestClient(app):  # it starts anew
        [message] = mailnet.wait_for_messages(1, timeout=5)

    assert answer == (202, {"state": "waiting"})
    assert message.subject == "Please confirm your address"


def test_an_expired_token_is_the_application_s_own_trouble(mailnet, client, mailer, tokens, caplog):
    mailnet.clock.advance(hours=1)

    locked_out, _ = sign_up(client)
    tokens.append(mailer.account.issue_token(seconds=3600))
    let_in = sign_up(client)

    assert locked_out == 503
    assert "535 5.7.8 Username and Password not accepted" in caplog.text
    assert let_in == (202, {"state": "mailed"})


def test_too_much_mail_of_a_day_is_not_the_user_s_fault(client, submission):
    submission.on_data().reply(submission.replies.daily_user_limit).times(1)

    assert sign_up(client)[0] == 503


@pytest.mark.parametrize("fault", ["expired-at-starttls", "wrong-name-at-starttls", "stripped-at-starttls"])
def test_nobody_between_application_and_provider_gets_the_token(mailnet, client, fault):
    mailnet.host("smtp.gmail.com").fail(fault)

    assert sign_up(client) == (202, {"state": "waiting"})
    assert [session.user for session in mailnet.sessions] == [None]


def test_a_server_that_says_nothing_costs_the_user_no_more_than_the_time_out(mailnet, client):
    mailnet.clock.compress()
    began = mailnet.clock.now()
    mailnet.host("smtp.gmail.com").fail("stalled-at-connect", times=1)

    assert sign_up(client) == (202, {"state": "waiting"})
    assert 20 <= (mailnet.clock.now() - began).total_seconds() < 30


def test_a_link_that_bounces_comes_back_to_the_mailbox(mailnet, client, mailer):
    answer = sign_up(client, "nobody@hotmail.com")
    mailnet.deliver_all()

    assert answer == (202, {"state": "mailed"})
    assert mailer.messages[0].subject == "Delivery Status Notification (Failure)"


@pytest.mark.parametrize(
    "fault", ["closed-in-content", "closed-after-dot", "rubbish-after-dot", "early-after-dot"]
)
def test_a_link_of_which_nobody_knows_whether_it_was_taken_is_mailed_again(mailnet, client, fault):
    mailnet.host("smtp.gmail.com").fail(fault, times=1)

    answers = [sign_up(client), sign_up(client)]

    assert answers == [(202, {"state": "waiting"}), (202, {"state": "mailed"})]
    assert mailnet.account_for({registration.users[BOB].message_id: "sent"}).right


def test_a_server_that_breaks_off_at_quit_does_not_have_the_mail_sent_twice(mailnet, client):
    mailnet.host("smtp.gmail.com").fail("overlong-at-quit", times=1)

    assert sign_up(client) == (202, {"state": "mailed"})
