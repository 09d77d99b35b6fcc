"""Applications that are processes, and are killed at a place."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys

import pytest

from pytest_mailnet import Crasher, InvalidSetting, WouldHang

SENDING = """
import smtplib, sys
with open(sys.argv[1], "a") as log:
    print("started", file=log, flush=True)
    with smtplib.SMTP("mx.shop.example", 25, timeout=10) as mx:
        print("greeted", file=log, flush=True)
        mx.sendmail("bob@sender.example", ["sales@shop.example"], "Message-ID: <1@b>\\r\\n\\r\\nhi\\r\\n")
        print("sent", file=log, flush=True)
"""


def test_an_application_that_does_not_die_comes_to_every_place(mailnet, shop, outbox):
    crasher = Crasher(mailnet)

    done = crasher.run([sys.executable, outbox.program, outbox.database, "right"])

    assert done.returncode == 0
    assert crasher.starts == 1
    assert crasher.died_at is None
    helo = mailnet.sender.helo
    assert [str(it) for it in crasher.places] == [
        "1: look-up getaddrinfo mx.shop.example, said",
        "2: connect mx.shop.example:25, said",
        "3: 220 to connect, unheard",
        f"4: EHLO {helo}, said",
        f"5: 250 to EHLO {helo}, unheard",
        "6: MAIL FROM:<bob@sender.example>, said",
        "7: 250 to MAIL FROM:<bob@sender.example>, unheard",
        "8: RCPT TO:<sales@shop.example>, said",
        "9: 250 to RCPT TO:<sales@shop.example>, unheard",
        "10: DATA, said",
        "11: 354 to DATA, unheard",
        "12: content, said",
        "13: 250 to content, unheard",
        "14: QUIT, said",
        "15: 221 to QUIT, unheard",
    ]


@pytest.mark.parametrize(
    ("at", "log", "messages"),
    [
        (1, "started", 1),
        (2, "started", 1),
        (3, "started", 1),
        (12, "started greeted", 1),
        (13, "started greeted", 2),
        (14, "started greeted sent", 2),
    ],
)
def test_it_dies_at_the_very_place_and_is_started_again(mailnet, shop, tmp_path, at, log, messages):
    written = tmp_path / "log"
    crasher = Crasher(mailnet, at=at)

    done = crasher.run([sys.executable, "-c", SENDING, written])

    assert done.returncode == 0
    assert crasher.starts == 2
    assert crasher.died_at == crasher.places[-1]
    assert crasher.died_at.number == at
    assert written.read_text().split() == [*log.split(), "started", "greeted", "sent"]
    assert len(shop.mailbox("sales").messages) == messages


def test_what_the_application_had_started_dies_with_it(mailnet, shop, tmp_path):
    parent = (
        "import subprocess, sys\n"
        "print(subprocess.run([sys.executable, '-c', *sys.argv[1:]]).returncode, file=open(sys.argv[2], 'a'))\n"
    )
    written = tmp_path / "log"
    crasher = Crasher(mailnet, at=13)

    crasher.run([sys.executable, "-c", parent, SENDING, written])

    assert written.read_text().split() == ["started", "greeted", "started", "greeted", "sent", "0"]


def test_the_record_tells_of_the_death(mailnet, shop, tmp_path):
    Crasher(mailnet, at=13).run([sys.executable, "-c", SENDING, tmp_path / "log"])

    first, second = mailnet.sessions
    assert first.ended == "the application died"
    assert first.exchanges[-1].finding == ("crash", "the application may have died before it heard this")
    assert second.ended == "client quit"


def test_a_status_of_its_own_is_an_end_of_its_own(mailnet):
    crasher = Crasher(mailnet, at=1)

    done = crasher.run([sys.executable, "-c", "raise SystemExit(3)"])

    assert done.returncode == 3
    assert crasher.starts == 1


def test_arguments_of_popen_are_passed_on_and_output_comes_from_the_last_start(mailnet, shop, tmp_path):
    code = SENDING + "\nimport os; print(os.environ['MINE'], os.getcwd())"

    done = Crasher(mailnet, at=3).run(
        [sys.executable, "-c", code, "log"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env={"MINE": "yes", "PATH": os.environ["PATH"]},
    )

    assert done.stdout == f"yes {tmp_path}\n"
    assert len(mailnet.messages) == 1


def test_an_application_that_never_ends_is_killed_and_told_of(mailnet, shop):
    crasher = Crasher(mailnet)
    code = "import smtplib, signal; mx = smtplib.SMTP('mx.shop.example'); signal.pause()"

    with pytest.raises(WouldHang) as raised:
        crasher.run([sys.executable, "-c", code], timeout=3)

    told = str(raised.value)
    assert told.startswith(f"mailnet_crash.run: `{sys.executable} -c 'import smtplib")
    assert told.endswith(
        "has not ended by itself within 3 s in start 1. The last place it came to is 3: 220 to connect, unheard. "
        "Have it end when its mail is sent; timeout=60 gives it longer"
    )
    assert mailnet.sessions[-1].ended in {"connection reset", "client closed the connection"}


def test_one_with_pipes_that_never_ends_is_told_of_too(mailnet):
    with pytest.raises(WouldHang, match="It has come to no place in the net"):
        Crasher(mailnet).run(
            [sys.executable, "-c", "import signal; signal.pause()"], timeout=0.5, stdout=subprocess.PIPE
        )


def test_a_death_by_another_s_hand_is_an_end(mailnet):
    code = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"

    done = Crasher(mailnet, at=1).run([sys.executable, "-c", code])

    assert done.returncode == -signal.SIGKILL


@pytest.mark.parametrize("when", ["right", "after", "first"])
def test_what_becomes_of_the_mail_of_an_outbox(mailnet, shop, outbox, when):
    Crasher(mailnet, at=13).run([sys.executable, outbox.program, outbox.database, when])

    found = mailnet.account_for(outbox.beliefs())
    assert found.right
    assert bool(found.duplicates_possible) == (when != "first")


def test_a_text_is_no_command(mailnet):
    with pytest.raises(InvalidSetting) as raised:
        Crasher(mailnet).run("python outbox.py")

    assert str(raised.value) == (
        "mailnet_crash.run('python outbox.py', timeout=30.0) takes a list, as subprocess does, and seconds: "
        "mailnet_crash.run([sys.executable, 'outbox.py'], timeout=30)"
    )


def test_a_net_that_is_not_active_runs_nothing(make_mailnet):
    net = make_mailnet()
    with pytest.raises(InvalidSetting, match="not active"):
        Crasher(net).run([sys.executable, "-c", "pass"])
    with net:
        pass


@pytest.mark.parametrize("at", [0, -1, 1.5, True, "1"])
def test_places_are_counted_from_one(mailnet, at):
    with pytest.raises(InvalidSetting, match="the number of a place, from 1"):
        Crasher(mailnet, at=at)


GREEN = """
import sys
import pytest
from pytest_mailnet import Crasher, InvalidSetting, MailNet

CODE = '''
from {library} import {patching}
import smtplib
with smtplib.SMTP("mx.shop.example", timeout=10) as mx:
    mx.sendmail("bob@sender.example", ["sales@shop.example"], "Message-ID: <1@b>\\\\r\\\\n\\\\r\\\\nhi\\\\r\\\\n")
'''

with MailNet() as net:
    net.add_server("mx.shop.example", domain="shop.example")
    crasher = Crasher(net, at=13)
    crasher.run([sys.executable, "-c", CODE])
    print(crasher.starts, crasher.died_at, len(net.messages))
    try:
        crasher.call(print)
    except InvalidSetting as error:
        print(error)
"""


@pytest.mark.parametrize(
    ("library", "patching"),
    [("gevent", "monkey; monkey.patch_all()"), ("eventlet", "patcher; patcher.monkey_patch()")],
)
def test_a_process_that_is_patched_runs_one_that_is_patched_and_no_function(library, patching):
    # It is not imported here: eventlet brings a dnspython of its own, and a warning for every fork.
    if importlib.util.find_spec(library) is None:
        pytest.skip(f"{library} is not installed")
    code = f"from {library} import {patching}\n" + GREEN.format(library=library, patching=patching)

    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "2 13: 250 to content, unheard 2",
        "mailnet_crash.call(print): gevent or eventlet has patched this process, in which no greenlet can be "
        "made to die at its place. mailnet_crash.run([...]) kills a process",
    ]
