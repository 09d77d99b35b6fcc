"""Addresses, parameters, and many recipients."""

from __future__ import annotations

from .phrases import DATA, EHLO, HELO, MAIL, MESSAGE, RCPT, at_once, session

__all__ = ["SESSIONS"]


def _sender(name, path, *more):
    return session(f"MAIL from {name}", EHLO, f"MAIL FROM:{path}", *more)


def _recipient(name, path, *more):
    return session(f"RCPT to {name}", EHLO, MAIL, f"RCPT TO:{path}", *more)


SESSIONS = (
    _sender("an address without a domain", "<b>"),
    _sender("an address without a local part", "<@sender.example>"),
    _sender("an address with an at sign at its end", "<b@>"),
    _sender("two at signs", "<b@c@sender.example>"),
    _sender("an address with a space", "<b c@sender.example>"),
    _sender("a quoted local part", '<"b c"@sender.example>'),
    _sender("two dots in the local part", "<b..c@sender.example>"),
    _sender("a dot first", "<.b@sender.example>"),
    _sender("a dot last", "<b.@sender.example>"),
    _sender("a path that is not closed", "<b@sender.example"),
    _sender("a path that is not opened", "b@sender.example>"),
    _sender("a name and an address", "Bob <b@sender.example>"),
    _sender("an address literal", "<b@[203.0.113.7]>"),
    _sender("a source route", "<@relay.example:b@sender.example>"),
    _sender("a path with text behind it", "<b@sender.example>x"),
    _sender("a local part of 65 letters", f"<{'b' * 65}@sender.example>"),
    _sender("a local part of 300 letters", f"<{'b' * 300}@sender.example>"),
    _sender("UTF-8", "<bö@sender.example>"),
    _sender("UTF-8, declared", "<bö@sender.example> SMTPUTF8"),
    _sender("a percent sign in the address", "<b%other.example@sender.example>"),
    _recipient("an address without a domain", "<a>"),
    _recipient("an address without a local part", "<@shop.example>"),
    _recipient("an address with an at sign at its end", "<a@>"),
    _recipient("two at signs", "<a@b@shop.example>"),
    _recipient("an address with a space", "<a b@shop.example>"),
    _recipient("a quoted local part", '<"a"@shop.example>'),
    _recipient("two dots in the local part", "<a..b@shop.example>"),
    _recipient("a dot last in the domain", "<a@shop.example.>"),
    _recipient("a path that is not closed", "<a@shop.example"),
    _recipient("a source route", "<@relay.example:a@shop.example>"),
    _recipient("a percent sign in the address", "<a%other.example@shop.example>"),
    _recipient("an exclamation mark in the address", "<other.example!a@shop.example>"),
    _recipient("capital letters", "<A@SHOP.EXAMPLE>"),
    _recipient("a tag", "<a+tag@shop.example>"),
    _recipient("an address literal", "<a@[127.0.0.1]>"),
    _recipient("UTF-8", "<ö@shop.example>"),
    _recipient("a local part of 300 letters", f"<{'a' * 300}@shop.example>"),
    _recipient("a pipe", "<|/bin/true@shop.example>"),
    _recipient("a slash", "</etc/passwd@shop.example>"),
    # Parameters
    _sender("an address with SIZE", "<b@sender.example> SIZE=100", RCPT),
    _sender("an address with a size over the limit", "<b@sender.example> SIZE=99999999999"),
    _sender("an address with a size of letters", "<b@sender.example> SIZE=abc"),
    _sender("an address with an empty size", "<b@sender.example> SIZE="),
    _sender("an address with a negative size", "<b@sender.example> SIZE=-1"),
    _sender("an address with BODY=8BITMIME", "<b@sender.example> BODY=8BITMIME", RCPT),
    _sender("an address with BODY=7BIT", "<b@sender.example> BODY=7BIT"),
    _sender("an address with BODY=BINARYMIME", "<b@sender.example> BODY=BINARYMIME"),
    _sender("an address with BODY=FOO", "<b@sender.example> BODY=FOO"),
    _sender("an address with an unknown parameter", "<b@sender.example> FOO=bar"),
    _sender("an address with a parameter without value", "<b@sender.example> FOO"),
    _sender("an address with RET and ENVID", "<b@sender.example> RET=HDRS ENVID=abc"),
    _sender("an address with a bad RET", "<b@sender.example> RET=SOME"),
    _sender("an address with AUTH", "<b@sender.example> AUTH=<>"),
    _sender("an address with SMTPUTF8", "<b@sender.example> SMTPUTF8"),
    session("SIZE after HELO", HELO, "MAIL FROM:<b@sender.example> SIZE=100"),
    session("an unknown parameter after HELO", HELO, "MAIL FROM:<b@sender.example> FOO=bar"),
    _recipient("an address with NOTIFY", "<a@shop.example> NOTIFY=NEVER"),
    _recipient(
        "an address with NOTIFY and ORCPT",
        "<a@shop.example> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;a@shop.example",
    ),
    _recipient("an address with a bad NOTIFY", "<a@shop.example> NOTIFY=SOMETIMES"),
    _recipient("an address with NEVER and others", "<a@shop.example> NOTIFY=NEVER,FAILURE"),
    _recipient("an address with a bad ORCPT", "<a@shop.example> ORCPT=a"),
    _recipient("an address with an unknown parameter", "<a@shop.example> FOO=bar"),
    # Many
    session("a hundred recipients", EHLO, MAIL, *[at_once(*[RCPT] * 20)] * 5, DATA, MESSAGE),
    session("1,001 recipients", EHLO, MAIL, *[at_once(*[RCPT] * 200)] * 5, RCPT, DATA),
    session(
        "recipients known and unknown", EHLO, MAIL, RCPT, "RCPT TO:<nosuch@shop.example>", RCPT, DATA, MESSAGE
    ),
)
