"""The sign-up, tested against providers that are not there: wrong password, expired token, bounce."""

from __future__ import annotations

import contextlib
import re

import pytest
from signup import Account, NotConfigured, SignUp


@pytest.fixture
def mailer(mailnet):
    """The application's own mailbox at Gmail, with its log-in."""
    return mailnet.gmail.add_mailbox("mailer", password="open sesame")


@pytest.fixture
def signup(mailer):
    return SignUp(Account("smtp.gmail.com", "mailer@gmail.com", "open sesame"))


def test_a_user_confirms_by_the_link_in_the_mail(mailnet, signup):
    bob = mailnet.hotmail.add_mailbox("bob")

    user = signup.register("bob@hotmail.com")
    mailnet.deliver_all()
    text = bob.messages[0].parsed.get_content()
    [secret] = re.findall(r"https://app\.example/confirm/(\S+)", text)

    assert user.state == "mailed"
    assert signup.confirm(secret).state == "confirmed"


def test_a_wrong_password_is_somebody_s_business(mailnet, mailer, signup):
    mailer.account.password = "changed since"

    with pytest.raises(NotConfigured, match=r"535.*5\.7\.8 Username and Password not accepted"):
        signup.register("bob@hotmail.com")

    assert signup.users["bob@hotmail.com"].state == "unsent"
    assert mailnet.messages == []


def test_a_log_in_that_is_refused_for_now_is_nobody_s_business(mailnet, signup):
    mailnet.gmail.submission.on_auth().reply("454 4.7.0 Temporary authentication failure")

    assert signup.register("bob@hotmail.com").state == "unsent"


@pytest.mark.mailnet_faults(stage="auth")
def test_whatever_goes_wrong_at_the_log_in_the_link_is_mailed_in_the_end(mailnet, signup, mailnet_fault):
    mailnet.clock.compress()
    mailnet.host("smtp.gmail.com").fail(mailnet_fault, times=1)

    with contextlib.suppress(NotConfigured):  # a server that talks nonsense is somebody's business too
        signup.register("bob@hotmail.com")
    user = signup.users["bob@hotmail.com"]
    if user.state == "unsent":
        signup.register("bob@hotmail.com")

    assert user.state == "mailed"
    assert len(mailnet.messages) == 1


def test_an_expired_token_is_told_and_a_fresh_one_sends_the_mail(mailnet):
    provider = mailnet.add_domain("app.example", on="microsoft365")
    provider.submission.enforce("passwords_disabled")
    account = provider.add_mailbox("mailer@app.example").account
    tokens = [account.issue_token(seconds=3600)]
    signup = SignUp(Account("smtp.office365.com", "mailer@app.example", token=lambda: tokens[-1]))
    mailnet.clock.advance(hours=1)

    with pytest.raises(NotConfigured, match=r"535.*5\.7\.3 Authentication unsuccessful"):
        signup.register("bob@hotmail.com")
    tokens.append(account.issue_token(seconds=3600))

    assert signup.register("bob@hotmail.com").state == "mailed"


def test_a_bounce_marks_the_address(mailnet, mailer, signup):
    user = signup.register("nobody@hotmail.com")
    before = user.state
    mailnet.deliver_all()

    [bounce] = mailer.messages
    signup.take_bounce(bounce.content)

    assert before == "mailed"
    assert user.state == "unreachable"
    assert "550 5.5.0 Requested action not taken: mailbox unavailable" in user.reason


def test_a_delay_is_no_bounce(mailnet, mailer, signup):
    mailnet.hotmail.on_rcpt().reply("451 4.7.650 The mail server has been temporarily rate limited")
    user = signup.register("bob@hotmail.com")
    mailnet.deliver_all(hours=5)

    [warning] = mailer.messages
    signup.take_bounce(warning.content)

    assert user.state == "mailed"


def test_too_many_sign_ups_a_day_are_told(mailnet, signup):
    mailnet.gmail.submission.on_data().reply("550 5.4.5 Daily user sending limit exceeded").times(1)

    with pytest.raises(NotConfigured, match=r"550.*5\.4\.5"):
        signup.register("bob@hotmail.com")

    assert signup.register("bob@hotmail.com").state == "mailed"


def test_a_stranger_between_the_two_gets_no_password(mailnet, signup):
    mailnet.host("smtp.gmail.com").tls.wrong_name()

    with pytest.raises(OSError, match="Hostname mismatch"):
        signup.register("bob@hotmail.com")

    assert [session.user for session in mailnet.sessions] == [None]
