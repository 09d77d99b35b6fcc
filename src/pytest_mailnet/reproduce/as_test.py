"""Writes failures as pytest tests; each test sets up a net in which the failure happens again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

from pytest_mailnet.printable import printable
from pytest_mailnet.reproduce.plan import PASSWORD, Operated, Own, Plan
from pytest_mailnet.values import Stage, literal

__all__ = ["as_test"]

_HEAD = '''\
"""What production said, as tests. Put your application's call where `send` is called."""

import smtplib
import ssl

import dns.exception
import dns.resolver
import pytest

FAILURES = (OSError, dns.exception.DNSException)  # smtplib's exceptions are OSErrors


def send(sender, recipient, *, host=None, password=None, tls=False):
    """Stands in for your application: sends by the recipient's MX, or by a host that is named."""
    if host is None:
        exchanges = dns.resolver.resolve(recipient.rpartition("@")[2], "MX")
        host = min(exchanges, key=lambda it: it.preference).exchange.to_text(omit_final_dot=True)
    options = [] if (sender + recipient).isascii() else ["SMTPUTF8"]
    with smtplib.SMTP(host, 25 if password is None else 587, timeout=60) as client:
        if tls:
            client.starttls(context=ssl.create_default_context())
        if password is not None:
            client.login(sender, password)
        client.sendmail(sender, [recipient], "Subject: hello\\r\\n\\r\\nhello\\r\\n", mail_options=options)
'''
_WIDTH = 100


def as_test(plans: Iterable[Plan]) -> Iterator[str]:
    """The lines of a test module with one test for each failure."""
    yield from _HEAD.splitlines()
    names: set[str] = set()
    for plan in plans:
        yield ""
        yield ""
        yield from _test(plan, _unused(_name(plan), names))


def _test(plan: Plan, name: str) -> Iterator[str]:
    yield f"def {name}(mailnet):"
    yield from (f"    {line}".rstrip() for line in _docstring(plan))
    if plan.fault:
        yield "    mailnet.clock.compress()  # time-outs take no time"
    yield from (f"    {line}" for line in _setting(plan))
    yield ""
    yield "    with pytest.raises(FAILURES):"
    yield f"        send({', '.join(_arguments(plan))})"
    if not plan.fault:
        yield ""
        yield "    assert reply.splitlines() in [it.splitlines() for it in mailnet.sessions[-1].replies]"


def _docstring(plan: Plan) -> Iterator[str]:
    failure = plan.failure
    read_as = f", read as {' and '.join(failure.read_as)}" if failure.read_as else ""
    told = [f"From {failure.file or 'evidence'}{read_as}."]
    if failure.left_out:
        told.append(f"Left out: {'; '.join(failure.left_out)}.")
    if failure.original and failure.recipient:
        told.append(
            f"The mail to {failure.original} went on to {failure.recipient}; here one server does both."
        )
    if plan.composed:
        told.append("It quotes no reply: this one stands for what it says.")
    if failure.stage is None and not plan.fault:
        told.append("It tells no stage: RCPT stands for it.")
    elif failure.stage_rule is not None:
        told.append(f"The stage is inferred: {failure.stage_rule}.")
    if len(told) == 1:
        yield f'"""{_inert(told[0])}"""'
        return
    yield f'"""{_inert(told[0])}'
    yield ""
    yield from map(_inert, told[1:])
    yield '"""'


def _setting(plan: Plan) -> Iterator[str]:
    server = plan.server
    if not plan.fault:
        yield from _assigned("reply", plan.reply)
    if isinstance(server, Own):
        given = [_quoted(server.host)]
        given += [f"domain={_quoted(server.domain)}"] if server.domain else []
        given += [f"ip={_quoted(server.address)}"] if server.address else []
        agent = "server"
        yield f"server = mailnet.add_server({', '.join(given)})"
    else:
        yield f"provider = mailnet.provider({_quoted(server.name)})"
        yield from _operated(plan, server)
        agent = "provider.submission" if server.submission else "provider"
    if plan.fault:
        yield f"mailnet.fail({_quoted(plan.domain if plan.by_mx else server.host)}, {_quoted(plan.fault)})"
    else:
        match = "" if plan.match is None else _quoted(plan.match)
        scripted = "reply"
        if literal(plan.reply) != plan.reply:
            scripted = "scripted"
            yield from _assigned(scripted, literal(plan.reply))
        yield f"{agent}.{plan.method}({match}).reply({scripted})"


def _operated(plan: Plan, server: Operated) -> Iterator[str]:
    if server.alias:
        yield f'mailnet.dns.add({_quoted(server.alias)}, "CNAME", {_quoted(server.host)})'
    if server.submission:
        add = "add_account" if server.accounts else "add_mailbox"
        yield f"provider.{add}({_quoted(plan.sender)}, password={_quoted(PASSWORD)})"
        return
    if server.joins and server.customer:
        yield f"mailnet.add_domain({_quoted(server.joins)}, on={_quoted(server.name)})"
    elif server.joins:
        yield f'mailnet.dns.add({_quoted(server.joins)}, "MX", {_quoted(f"10 {server.host}")})'
        yield f"provider.add_domain({_quoted(server.joins)})"
    yield f"provider.add_mailbox({_quoted(plan.recipient)})"


def _arguments(plan: Plan) -> Iterator[str]:
    yield _quoted(plan.sender)
    yield _quoted(plan.recipient)
    logs_in = plan.stage is Stage.AUTH or (isinstance(plan.server, Operated) and plan.server.submission)
    if logs_in or not plan.by_mx:
        yield f"host={_quoted(plan.server.host)}"
    if logs_in:
        yield f"password={_quoted(PASSWORD)}"
    if logs_in or plan.stage is Stage.STARTTLS or plan.fault.endswith("-at-starttls"):
        yield "tls=True"


def _assigned(name: str, text: str) -> Iterator[str]:
    """The lines of an assignment of a text, split into readable pieces."""
    pieces = []
    for line in text.splitlines(keepends=True):
        pieces += [_quoted(line[start : start + _WIDTH]) for start in range(0, len(line), _WIDTH)]
    if len(pieces) == 1:
        yield f"{name} = {pieces[0]}"
        return
    yield f"{name} = ("
    yield from (f"    {piece}" for piece in pieces)
    yield ")"


def _quoted(text: str) -> str:
    """A text as a Python literal: with JSON's escapes, and Python's for characters that JSON leaves."""
    return printable(json.dumps(text, ensure_ascii=False))


def _inert(text: str) -> str:
    """A text that is safe in a docstring: it cannot end the docstring, and all its characters are visible."""
    return printable(text.replace("\\", "/").replace('"', "'")).replace("\\", "\\\\")


def _name(plan: Plan) -> str:
    what = plan.fault or f"{plan.reply[:3]} {plan.failure.enhanced or ''} at {plan.stage}"
    words = re.sub(r"\W+", "_", f"{plan.recipient.replace('@', ' at ')} {what}", flags=re.ASCII).lower()
    return f"test_{words.strip('_')}"


def _unused(name: str, names: set[str]) -> str:
    number, tried = 1, name
    while tried in names:
        number += 1
        tried = f"{name}_{number}"
    names.add(tried)
    return tried
