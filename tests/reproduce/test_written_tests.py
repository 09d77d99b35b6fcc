"""The tests that `mailnet reproduce --as test` writes: they run, and pass."""

from __future__ import annotations

import dataclasses

import pytest

from pytest_mailnet.evidence import Failure
from pytest_mailnet.providers import catalogue_with
from pytest_mailnet.reproduce import Recogniser, as_test, plan_for
from pytest_mailnet.values import DELIVERY, Stage

SHOP = Failure(recipient="alice@shop.example", sender="bob@sender.example", host="mx.shop.example")
CASES = {
    **{
        f"{stage} of a server": dataclasses.replace(SHOP, stage=stage, reply=("550 5.7.1 No",))
        for stage in DELIVERY
    },
    "several lines": dataclasses.replace(SHOP, stage=Stage.RCPT, reply=("550-5.1.1 a", "550 5.1.1 b" * 40)),
    "provider": Failure(recipient="alice@gmail.com", stage=Stage.MESSAGE, reply=("550 5.7.26 No",)),
    "customer": Failure(recipient="a@shop.example", host="aspmx.l.google.com", reply=("550 5.1.1 No",)),
    "unknown host of a provider": Failure(
        recipient="alice@gmail.com", host="mx9.l.google.com", stage=Stage.RCPT, reply=("550 5.1.1 No",)
    ),
    "relay of one's own": Failure(
        recipient="alice@gmail.com", host="smarthost.app.example", stage=Stage.RCPT, reply=("550 5.7.1 No",)
    ),
    "submission": Failure(
        recipient="alice@shop.example", host="smtp.gmail.com", stage=Stage.MAIL, reply=("550 5.4.5 No",)
    ),
    "forwarded": dataclasses.replace(
        SHOP, original="carl@forward.example", stage=Stage.RCPT, reply=("550 5.1.1 <alice@shop.example>: no",)
    ),
    "forwarded to a provider": Failure(
        recipient="alice@gmail.com",
        original="carl@forward.example",
        stage=Stage.RCPT,
        reply=("550 5.1.1 No",),
    ),
    "forwarded from a provider": dataclasses.replace(
        SHOP, original="carl@gmail.com", stage=Stage.MESSAGE, reply=("550 5.7.26 No",)
    ),
    "refused": dataclasses.replace(SHOP, fault="refused-at-connect", stage=Stage.CONNECT),
    "dropped": dataclasses.replace(SHOP, fault="dropped-at-connect", stage=Stage.CONNECT),
    "reset after the dot": dataclasses.replace(SHOP, fault="reset-after-dot", stage=Stage.MESSAGE),
    "handshake": dataclasses.replace(SHOP, fault="handshake-closed-at-starttls", stage=Stage.STARTTLS),
    "look-up": dataclasses.replace(SHOP, fault="dns-nxdomain"),
    "words only": dataclasses.replace(SHOP, words="said \"\"\" \\ '''"),
    "nothing at all": Failure(),
    "braces": dataclasses.replace(
        SHOP, stage=Stage.RCPT, reply=("550 5.7.1 {ip} of {recipient}: {{policy}} {}",)
    ),
    "not ASCII": Failure(recipient="jürgen@shop.example", stage=Stage.RCPT, reply=("550 5.1.1 weiß nicht",)),
    "odd address": Failure(recipient="a..b.@shop.example", reply=("550 No",), stage=Stage.RCPT),
    "hostile": Failure(
        recipient='x"""+__import__("os").abort()+"""@shop.example',
        file='"""\nimport os\nos.abort()\n"""',
        stage=Stage.RCPT,
        reply=('550 5.1.1 """ + os.abort() # \\',),
    ),
}


def test_every_kind_of_failure_becomes_a_test_that_passes(pytester):
    recogniser = Recogniser(catalogue_with())
    plans = [plan_for(recogniser.recognise(it), catalogue_with()) for it in CASES.values()]
    pytester.makepyfile("\n".join(as_test(plans)))

    result = pytester.runpytest_subprocess("-p", "no:randomly", "-p", "no:asyncio", "-W", "error")

    result.assert_outcomes(passed=len(CASES))


def test_a_written_test_fails_where_the_failure_does_not_happen(pytester):
    plan = plan_for(Recogniser(catalogue_with()).recognise(CASES["rcpt of a server"]), catalogue_with())
    written = "\n".join(as_test([plan]))
    pytester.makepyfile(
        written.replace('send("bob@sender.example", "alice@', 'send("bob@sender.example", "dave@')
    )

    result = pytester.runpytest_subprocess()

    result.assert_outcomes(failed=1)


def test_a_test_says_what_it_stands_on():
    failure = dataclasses.replace(SHOP, words="No such mailbox", status="5.1.1", file="bounce.eml")
    plan = plan_for(Recogniser(catalogue_with()).recognise(failure), catalogue_with())

    written = "\n".join(as_test([plan]))

    assert '    """From bounce.eml.\n\n    It quotes no reply: this one stands for what it says.\n' in written
    assert 'reply = "550 5.1.1 No such mailbox"' in written


@pytest.mark.parametrize("count", [1, 3])
def test_tests_of_the_same_failure_have_names_of_their_own(count):
    plan = plan_for(Recogniser(catalogue_with()).recognise(CASES["rcpt of a server"]), catalogue_with())

    names = [line for line in as_test([plan] * count) if line.startswith("def test_")]

    assert len(set(names)) == count


def test_a_written_test_sends_to_the_address_that_the_application_wrote_to():
    failure = CASES["forwarded"]

    told = "\n".join(as_test([plan_for(Recogniser(catalogue_with()).recognise(failure), catalogue_with())]))

    assert (
        "The mail to carl@forward.example went on to alice@shop.example; here one server does both." in told
    )
    assert 'send("bob@sender.example", "carl@forward.example"' in " ".join(told.split())
    assert 'on_rcpt("carl@forward.example")' in told
