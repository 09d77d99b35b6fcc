"""Sends a mail to the MX hosts of its recipients, and says of each what became of it."""

import contextlib
import smtplib

import dns.exception
import dns.resolver

FATES = {}
TIMEOUT = 60


def deliver(sender, recipients, message):
    left = [to for to in recipients if FATES.get((message, to)) != "sent"]
    if left:
        remember(message, attempt(sender, left, message))
    return {to: FATES[message, to] for to in recipients}


def remember(message, fates):
    FATES.update({(message, to): fate for to, fate in fates.items()})


def attempt(sender, recipients, message):
    try:
        hosts = sorted(
            dns.resolver.resolve(recipients[0].rpartition("@")[2], "MX"), key=lambda mx: mx.preference
        )
    except dns.exception.DNSException:
        return dict.fromkeys(recipients, "deferred")
    try:
        client = connected(hosts[0].exchange.to_text(omit_final_dot=True))
    except OSError:
        return dict.fromkeys(recipients, "deferred")
    try:
        return transact(client, sender, recipients, message)
    except OSError:
        return dict.fromkeys(recipients, "deferred")
    finally:
        part(client)


def connected(host):
    client = smtplib.SMTP(host, 25, timeout=TIMEOUT)
    client.ehlo_or_helo_if_needed()
    return client


def transact(client, sender, recipients, message):
    code, _ = client.mail(sender)
    if code != 250:
        return dict.fromkeys(recipients, of_refusal(code))
    fates = {}
    for to in recipients:
        code, _ = client.rcpt(to)
        fates[to] = "accepted" if code in (250, 251) else of_refusal(code)
        if code == 421:
            return dict.fromkeys(recipients, "deferred")
    accepted = [to for to in recipients if fates[to] == "accepted"]
    if accepted:
        try:
            code, _ = client.data(message)
        except smtplib.SMTPDataError as refused:
            code = refused.smtp_code
            code = code if code >= 400 else 0  # a yes is out of step here
        except OSError:
            code = 0
        fates |= dict.fromkeys(accepted, "sent" if code == 250 else of_refusal(code))
        remember(message, fates)  # at QUIT it may die
    return fates


def of_refusal(code):
    return "failed" if code >= 500 and code != 552 else "deferred"


def part(client):
    with contextlib.suppress(OSError):
        client.quit()
