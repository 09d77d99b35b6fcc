"""AUTH: every mechanism, and what each provider says to who may not come in."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import smtplib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_mailnet.errors import InvalidSetting
from pytest_mailnet.net.mailnet import life_of

aiosmtplib = pytest.importorskip("aiosmtplib")

WELCOME = "235 2.7.0 Authentication succeeded\r\n"
WRONG = "535 5.7.8 Authentication credentials invalid\r\n"


def encoded(text):
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


@pytest.fixture
def alice(shop):
    return shop.add_mailbox("alice", password="open sesame").account


def plain(password):
    return encoded(f"\0alice\0{password}")


def xoauth2(token, user="alice@shop.example"):
    return encoded(f"user={user}\1auth=Bearer {token}\1\1")


def oauthbearer(token, user="alice@shop.example"):
    return encoded(f"n,a={user},\1host=mx.shop.example\1port=587\1auth=Bearer {token}\1\1")


@pytest.mark.parametrize(("password", "reply"), [("open sesame", WELCOME), ("open", WRONG)])
def test_plain_with_its_response_in_the_command(alice, client, password, reply):
    assert client.say(f"AUTH PLAIN {plain(password)}") == reply


@pytest.mark.parametrize(("password", "reply"), [("open sesame", WELCOME), ("open", WRONG)])
def test_plain_with_its_response_asked_for(alice, client, password, reply):
    assert client.say("AUTH PLAIN") == "334 \r\n"
    assert client.say(plain(password)) == reply


@pytest.mark.parametrize(("password", "reply"), [("open sesame", WELCOME), ("open", WRONG)])
def test_login_asks_for_one_after_the_other(alice, client, password, reply):
    assert client.say("AUTH LOGIN") == "334 VXNlcm5hbWU6\r\n"
    assert client.say(encoded("Alice@Shop.Example")) == "334 UGFzc3dvcmQ6\r\n"
    assert client.say(encoded(password)) == reply


def test_login_with_the_user_in_the_command(alice, client):
    assert client.say(f"AUTH LOGIN {encoded('alice')}") == "334 UGFzc3dvcmQ6\r\n"
    assert client.say(encoded("open sesame")) == WELCOME


@pytest.mark.parametrize(("password", "reply"), [("open sesame", WELCOME), ("open", WRONG)])
def test_cram_md5_where_a_test_adds_it(mailnet, alice, client, password, reply):
    mailnet.host("mx.shop.example").extensions.add("AUTH PLAIN LOGIN CRAM-MD5")
    challenge = base64.b64decode(client.say("AUTH CRAM-MD5").removeprefix("334 "))
    digest = hmac.new(password.encode(), challenge, hashlib.md5).hexdigest()

    assert challenge.endswith(b"@mx.shop.example>")
    assert client.say(encoded(f"alice {digest}")) == reply


@pytest.mark.parametrize(("mechanism", "response"), [("XOAUTH2", xoauth2), ("OAUTHBEARER", oauthbearer)])
def test_a_token_is_good_until_it_expires_on_the_clock(mailnet, alice, converse, mechanism, response):
    token = alice.issue_token(seconds=3600)

    def log_in():
        client = converse("mx.shop.example")
        client.say("EHLO app.example")
        return [client.say(f"AUTH {mechanism} {response(token)}"), client.say("")]

    assert log_in()[0] == WELCOME
    mailnet.clock.advance(seconds=3599)
    assert log_in()[0] == WELCOME
    mailnet.clock.advance(seconds=1)
    # RFC 7628, 3.2.2: the reason in JSON first, the refusal after the client's empty response
    reason = encoded('{"status":"invalid_token"}')
    assert log_in() == [f"334 {reason}\r\n", WRONG]
    assert "expired" in mailnet.provider("mx.shop.example").explain(mailnet.sessions[-1])


def test_a_token_of_somebody_else_or_a_revoked_one_is_refused(shop, alice, client):
    other = shop.add_mailbox("bob").account.issue_token()
    client.say(f"AUTH XOAUTH2 {xoauth2(other)}")
    assert client.say("") == WRONG

    own = alice.issue_token()
    alice.revoke_tokens()
    client.say(f"AUTH XOAUTH2 {xoauth2(own)}")
    assert client.say("") == WRONG


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        (
            f"AUTH XOAUTH2 {encoded('user=alice')}",
            "501 5.5.2 Syntax error in the authentication response\r\n",
        ),
        (f"AUTH OAUTHBEARER {encoded('x')}", "501 5.5.2 Syntax error in the authentication response\r\n"),
        ("AUTH PLAIN /wD/AA==", "501 5.5.2 Syntax error in the authentication response\r\n"),
        ("AUTH PLAIN =", "501 5.5.2 Syntax error in the authentication response\r\n"),
        ("AUTH GSSAPI", "504 5.5.4 Unrecognized authentication type\r\n"),
    ],
)
def test_what_no_mechanism_can_read_is_told_so(alice, client, line, reply):
    assert client.say(line) == reply
    assert client.say("NOOP") == "250 2.0.0 OK\r\n"


def test_cram_md5_takes_no_response_in_the_command(mailnet, alice, client):
    mailnet.host("mx.shop.example").extensions.add("AUTH CRAM-MD5")

    assert client.say("AUTH CRAM-MD5 eA==") == "501 5.7.0 No initial response with this mechanism\r\n"


def test_a_client_can_cancel(alice, client):
    client.say("AUTH LOGIN")

    assert client.say("*") == "501 5.7.0 Authentication cancelled\r\n"
    assert client.say(f"AUTH PLAIN {plain('open sesame')}") == WELCOME


def test_nobody_logs_in_twice_or_amid_a_mail(alice, client):
    client.say("MAIL FROM:<alice@shop.example>")
    assert client.say("AUTH PLAIN") == (
        "503 5.5.1 Bad sequence of commands: no AUTH during a mail transaction\r\n"
    )
    client.say("RSET")
    client.say(f"AUTH PLAIN {plain('open sesame')}")

    assert client.say("AUTH PLAIN") == "503 5.5.1 Bad sequence of commands: authenticated already\r\n"


def test_who_has_logged_in_stands_in_the_record_and_may_send_to_anybody(mailnet, alice, client):
    client.say(f"AUTH PLAIN {plain('open sesame')}")
    client.say("MAIL FROM:<alice@shop.example>")

    assert client.say("RCPT TO:<bob@elsewhere.example>") == "250 2.1.5 OK\r\n"
    assert mailnet.sessions[0].user == "alice@shop.example"


def test_an_account_without_a_password_lets_nobody_in(shop, client):
    shop.add_mailbox("bob")

    assert client.say("AUTH PLAIN " + encoded("\0bob\0")) == (
        "501 5.5.2 Syntax error in the authentication response\r\n"
    )
    assert client.say("AUTH PLAIN " + encoded("\0bob\0None")) == WRONG


def test_acting_as_somebody_else_takes_an_alias(shop, client):
    shop.add_mailbox("alice", password="pw", aliases=["sales"])

    assert client.say("AUTH PLAIN " + encoded("bob\0alice\0pw")) == WRONG
    assert client.say("AUTH PLAIN " + encoded("sales@shop.example\0alice\0pw")) == WELCOME


def test_a_log_in_can_be_scripted(mailnet, alice, client):
    mailnet.provider("mx.shop.example").on_auth("alice*").reply("454 4.7.0 Temporary failure").times(1)

    assert client.say(f"AUTH PLAIN {plain('open sesame')}") == "454 4.7.0 Temporary failure\r\n"
    assert client.say(f"AUTH PLAIN {plain('open sesame')}") == WELCOME


@pytest.mark.parametrize("seconds", [0, -1])
def test_a_token_that_never_lived_is_told(alice, seconds):
    with pytest.raises(InvalidSetting, match="move the clock"):
        alice.issue_token(seconds=seconds)


def log_in(host, user, password, port=587):
    """What a server says to a password."""
    with smtplib.SMTP(host, port) as client:
        client.starttls()
        try:
            client.login(user, password)
        except smtplib.SMTPAuthenticationError as error:
            return error.smtp_code, error.smtp_error.decode()
    return 235, ""


def test_gmail_refuses_a_wrong_password(mailnet):
    mailnet.gmail.add_mailbox("alice", password="right")

    code, text = log_in("smtp.gmail.com", "alice@gmail.com", "wrong")

    assert code == 535
    assert text.startswith(
        "5.7.8 Username and Password not accepted. For more information, go to\n"
        "5.7.8  https://support.google.com/mail/?p=BadCredentials "
    )


def test_gmail_wants_an_app_password_of_who_has_two_step_verification(mailnet):
    account = mailnet.gmail.add_mailbox("alice", password="right").account
    account.two_step = True
    refused = log_in("smtp.gmail.com", "alice", "right")

    password = account.add_app_password()

    assert refused[0] == 534
    assert refused[1].startswith(
        "5.7.9 Application-specific password required. For more information, go to\n"
    )
    assert log_in("smtp.gmail.com", "alice", password) == (235, "")


def test_gmail_has_enough_of_log_ins_of_a_throttled_address(mailnet):
    mailnet.gmail.add_mailbox("alice", password="right")
    mailnet.sender.throttled = True

    code, text = log_in("smtp.gmail.com", "alice", "right")

    assert code == 454
    assert text.startswith("4.7.0 Too many login attempts, please try again later. ")


def test_gmail_lets_nobody_log_in_before_tls(mailnet, converse):
    client = converse("smtp.gmail.com", 587)
    client.say("EHLO app.example")

    assert client.say("AUTH PLAIN").startswith("530 5.7.0 Must issue a STARTTLS command first. ")


def test_gmail_explains_a_bad_token_in_json_first(mailnet, converse):
    client = converse("smtp.gmail.com", 587)
    client.say("EHLO app.example")
    client.encrypt(name="smtp.gmail.com")
    client.say("EHLO app.example")

    challenge = client.say(f"AUTH XOAUTH2 {xoauth2('stale', 'alice@gmail.com')}")

    assert base64.b64decode(challenge.removeprefix("334 ")) == (
        b'{"status":"401","schemes":"bearer mac","scope":"https://mail.google.com/"}\n'
    )
    assert client.say("").startswith("535-5.7.8 Username and Password not accepted.")


def test_users_of_workspace_log_in_at_gmail_s_servers(mailnet):
    provider = mailnet.add_domain("shop.example", on="google-workspace")
    provider.add_mailbox("sales@shop.example", password="right")

    assert log_in("smtp.gmail.com", "sales@shop.example", "right") == (235, "")
    assert log_in("smtp.gmail.com", "sales@shop.example", "wrong")[0] == 535


def test_outlook_takes_no_passwords(mailnet):
    mailnet.hotmail.add_mailbox("bob", password="right")

    code, text = log_in("smtp-mail.outlook.com", "bob@hotmail.com", "right")

    assert code == 535
    assert text.startswith(
        "5.7.139 Authentication unsuccessful, basic authentication is disabled. [smtp-mail"
    )


def test_microsoft365_takes_passwords_until_its_tenant_has_turned_them_off(mailnet):
    provider = mailnet.add_domain("shop.example", on="microsoft365")
    provider.add_mailbox("sales@shop.example", password="right")
    taken = log_in("smtp.office365.com", "sales@shop.example", "right")
    wrong = log_in("smtp.office365.com", "sales@shop.example", "wrong")

    provider.submission.enforce("passwords_disabled")
    refused = log_in("smtp.office365.com", "sales@shop.example", "right")

    assert taken == (235, "")
    assert wrong[0] == 535
    assert wrong[1].startswith("5.7.3 Authentication unsuccessful [smtp.office365.com ")
    assert refused[1].startswith("5.7.139 Authentication unsuccessful, basic authentication is disabled. ")


# aiosmtplib closes TLS as asyncio does, which waits for the server's close_notify after the loop has ended.
@pytest.mark.usefixtures("leaked")
def test_microsoft365_takes_no_passwords_from_2027_on(mailnet):
    mailnet.provider("microsoft365", era=2027)
    provider = mailnet.add_domain("shop.example", on="microsoft365")
    provider.add_mailbox("sales@shop.example", password="right")

    refused = log_in("smtp.office365.com", "sales@shop.example", "right")

    assert refused[0] == 535
    assert refused[1].startswith("5.7.139 Authentication unsuccessful, basic authentication is disabled. ")


def test_microsoft365_refuses_a_bad_token_at_once(mailnet):
    async def try_token(token):
        async with aiosmtplib.SMTP(hostname="smtp.office365.com", port=587) as client:
            return await client.auth_xoauth2("sales@shop.example", token)

    provider = mailnet.add_domain("shop.example", on="microsoft365")
    token = provider.add_mailbox("sales@shop.example").account.issue_token()

    assert asyncio.run(try_token(token)).code == 235
    with pytest.raises(aiosmtplib.SMTPAuthenticationError) as refused:
        asyncio.run(try_token("stale"))
    assert refused.value.message.startswith("5.7.3 Authentication unsuccessful [")


def test_gmx_lets_its_users_log_in_in_the_clear(mailnet):
    mailnet.provider("gmx").add_mailbox("alice@gmx.net", password="right")

    with smtplib.SMTP("mail.gmx.net", 587) as client:
        assert client.login("alice@gmx.net", "right") == (235, b"Authentication succeeded")


@pytest.mark.parametrize(
    ("host", "user", "text"),
    [
        ("smtp.mail.yahoo.com", "alice@yahoo.com", "5.7.0 (#MBR1212) Incorrect username or password."),
        ("smtp.zoho.com", "alice@zoho.com", "Authentication Failed"),
        ("smtp.mail.me.com", "alice@icloud.com", "5.7.8 Authentication credentials invalid"),
    ],
)
def test_other_providers_refuse_in_their_own_words(mailnet, host, user, text):
    assert log_in(host, user, "wrong") == (535, text)


def test_credentials_are_kept_out_of_a_test_s_report(mailnet, alice, client):
    from pytest_mailnet.timeline.story import timeline

    client.say(f"AUTH PLAIN {plain('open sesame')}")
    client.say("NOOP")

    told = timeline(life_of(mailnet).journal)
    assert plain("open sesame") not in told
    assert "AUTH PLAIN [credentials]" in told


@settings(max_examples=100)
@given(
    st.sampled_from(["PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER"]),
    st.lists(st.binary(max_size=60) | st.text(max_size=60).map(str.encode), max_size=4),
)
def test_whatever_a_client_responds_gets_one_reply(converse, shop, mechanism, responses):
    client = converse("mx.shop.example")
    client.say("EHLO app.example")

    said = client.say(f"AUTH {mechanism}")
    for response in responses:
        if not said.startswith("334 "):
            break
        said = client.say(encoded(response))
    if said.startswith("334 "):
        said = client.say("*")

    assert said[:3] in {"235", "501", "535"}
    assert client.say("NOOP") == "250 2.0.0 OK\r\n"
