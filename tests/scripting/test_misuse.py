"""What a test can get wrong with answers of its own, and what each mistake is told."""

from __future__ import annotations

import pytest

from pytest_mailnet.errors import InvalidReply, InvalidSetting, ReadOnly, UnknownAttribute

MISUSES = [
    (
        "shop.on_rcpt(['a@*', 'b@*'])",
        InvalidSetting,
        "mx.shop.example.on_rcpt(['a@*', 'b@*']): it matches by a glob as in 'sales@*' or a function of the step",
    ),
    (
        "shop.on_rcpt('a@*', 'b@*')",
        TypeError,
        "provider.on_rcpt() takes from 1 to 2 positional arguments but 3 were given",
    ),
    (
        "shop.on_rcpt('')",
        InvalidSetting,
        "mx.shop.example.on_rcpt('') would match nothing: what is compared is the whole address, as in 'alice@*'",
    ),
    (
        "shop.on_rcpt('alice')",
        InvalidSetting,
        "mx.shop.example.on_rcpt('alice') would match nothing: what is compared is the whole address, as in 'alice@*'",
    ),
    (
        "shop.on_connect('app.shop.example')",
        InvalidSetting,
        "mx.shop.example.on_connect('app.shop.example') would match nothing: a client is its IP address there, as in '203.0.113.*'",
    ),
    (
        "shop.on_rcpt(sender='bob')",
        InvalidSetting,
        "mx.shop.example.on_rcpt(sender='bob') would match nothing: sender is an address as in 'bob@*', an IP address, or mailnet.sender",
    ),
    (
        "shop.on_rcpt(sender=3)",
        InvalidSetting,
        "mx.shop.example.on_rcpt(sender=3): sender takes a Sender or a glob as in 'bob@*'",
    ),
    (
        "shop.on_recipient('alice@*')",
        UnknownAttribute,
        "a server has no attribute 'on_recipient' (did you mean 'on_rcpt'?)",
    ),
    (
        "shop.on_rcpt().reply(452, 'Mailbox full')",
        InvalidReply,
        "mx.shop.example.on_rcpt().reply(452, 'Mailbox full'): a reply is one text, as in .reply('452 Mailbox full')",
    ),
    (
        "shop.on_rcpt().reply(452)",
        InvalidReply,
        "mx.shop.example.on_rcpt().reply(452): a reply is a text as in '550 5.1.1 No such user', or a Reply",
    ),
    (
        "shop.on_rcpt().reply('')",
        InvalidReply,
        "'' is no SMTP reply: it begins with '' and not with a code of three digits (2, 3, 4 or 5 first), a space, and a text, as in '550 5.1.1 No such user'",
    ),
    (
        "shop.on_rcpt().reply('No')",
        InvalidReply,
        "'No' is no SMTP reply: it begins with 'No' and not with a code of three digits (2, 3, 4 or 5 first), a space, and a text, as in '550 5.1.1 No such user'",
    ),
    (
        "shop.on_rcpt().reply('250-Yes', close='yes')",
        InvalidSetting,
        "mx.shop.example.on_rcpt().reply(close=...) takes True or False, not 'yes'",
    ),
    (
        "shop.on_rcpt().reply('354 Go on')",
        InvalidReply,
        "'354 Go on' makes no sense at RCPT: a client that waits there understands 250, 251, 252 as yes, 4yz as not now and 5yz as no (RFC 5321, 4.3.2)",
    ),
    (
        "shop.on_rcpt().reply('550 5.1.1 <{recipent}> unknown')",
        InvalidReply,
        "mx.shop.example.on_rcpt().reply('550 5.1.1 <{recipent}> unknown'): no variable {recipent} (did you mean 'recipient' or 'client'?). To send it as it stands: {{recipent}}",
    ),
    (
        "shop.on_rcpt().reply('550 5.1.1 <{Recipient}> unknown')",
        InvalidReply,
        "mx.shop.example.on_rcpt().reply('550 5.1.1 <{Recipient}> unknown'): no variable {Recipient} (did you mean 'recipient' or 'client'?). To send it as it stands: {{Recipient}}",
    ),
    (
        "shop.on_rcpt().reply_in_turn('450 Later', '550 <{recipent}> unknown')",
        InvalidReply,
        "mx.shop.example.on_rcpt().reply('550 <{recipent}> unknown'): no variable {recipent} (did you mean 'recipient' or 'client'?). To send it as it stands: {{recipent}}",
    ),
    (
        "shop.on_rcpt().reply_in_turn()",
        InvalidReply,
        "mx.shop.example.on_rcpt().reply_in_turn() takes at least one reply",
    ),
    (
        "shop.on_rcpt().reply('550 No').reply('551 No')",
        InvalidSetting,
        "mx.shop.example.on_rcpt().reply('550 No') has its answer already; a further answer is a further line, mx.shop.example.on_rcpt(...), or several in .reply_in_turn(...)",
    ),
    (
        "shop.on_rcpt().replay('550 No')",
        UnknownAttribute,
        "an answer has no attribute 'replay' (did you mean 'reply' or 'delayed'?)",
    ),
    (
        "shop.on_rcpt().respond('550 No')",
        UnknownAttribute,
        "an answer has no attribute 'respond': .reply('550 5.1.1 No such user') says what is answered",
    ),
    (
        "shop.on_rcpt().reply('550 No').once()",
        UnknownAttribute,
        "an answer has no attribute 'once': .times(1) says how often",
    ),
    (
        "shop.on_rcpt().times = 2",
        ReadOnly,
        "times() of an answer is a method: it is called, and cannot be set",
    ),
    (
        "shop.on_rcpt().tims = 2",
        UnknownAttribute,
        "an answer has no attribute 'tims' (did you mean 'times'?), and none that can be set",
    ),
    (
        "shop.on_rcpt().reply('550 No').times('1')",
        InvalidSetting,
        "mx.shop.example.on_rcpt().reply('550 No').times('1'): it takes a number, as in .times(2)",
    ),
    (
        "shop.on_rcpt().reply('550 No').times(1.5)",
        InvalidSetting,
        "mx.shop.example.on_rcpt().reply('550 No').times(1.5): it takes a number, as in .times(2)",
    ),
    (
        "shop.on_rcpt().reply('550 No').times(0)",
        InvalidSetting,
        "mx.shop.example.on_rcpt().reply('550 No').times(0): an answer can be given 1 time or more; leave the line out if it is not to be given",
    ),
    (
        "shop.on_rcpt().reply('550 No').after('1')",
        InvalidSetting,
        "mx.shop.example.on_rcpt().reply('550 No').after('1'): it takes the number of matches to let pass, 0 or more",
    ),
    (
        "shop.on_rcpt().reply('550 No').after(-1)",
        InvalidSetting,
        "mx.shop.example.on_rcpt().reply('550 No').after(-1): it takes the number of matches to let pass, 0 or more",
    ),
    (
        "async def match(step): return True\nshop.on_rcpt(match)",
        InvalidSetting,
        "mx.shop.example.on_rcpt(match): servers do not wait for coroutines; it takes a plain function",
    ),
]


@pytest.mark.parametrize(("written", "error", "told"), MISUSES, ids=[written for written, *_ in MISUSES])
def test_a_misuse_is_told_where_it_is_written(misuse, written, error, told):
    misuse(written, error, told)
