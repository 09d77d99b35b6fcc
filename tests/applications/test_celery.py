"""Celery: a task that sends, in the caller's own thread, in a worker's threads, and in processes that it forks."""

from __future__ import annotations

import os
import signal
import smtplib
import subprocess
import sys
import uuid

import pytest

pytest.importorskip("celery", reason="Celery is not installed; `tox -e applications` has it")

import billiard
from celery import Celery
from celery.contrib.testing.worker import start_worker

# An application's tasks, as they stand in a module that its workers import.
SHOP = """\
import smtplib
from celery import Celery

app = Celery("shop")
app.config_from_object({settings!r})


@app.task(name="confirm", autoretry_for=(OSError,), max_retries=2, default_retry_delay=0)
def confirm(recipient):
    with smtplib.SMTP("mx.shop.example", 25, timeout=10) as client:
        client.sendmail("bob@app.example", [recipient], "Subject: Order\\r\\n\\r\\nThank you.\\r\\n")


@app.task(name="invoice", autoretry_for=(OSError,), dont_autoretry_for=(smtplib.SMTPRecipientsRefused,), max_retries=2)
def invoice(recipient):
    confirm.run(recipient)
"""


def send(recipient):
    with smtplib.SMTP("mx.shop.example", 25, timeout=10) as client:
        client.sendmail("bob@app.example", [recipient], "Subject: Order\r\n\r\nThank you.\r\n")


def application(**settings):
    """The same task in this process, in an application that knows of no other test's."""
    app = Celery("shop", broker="memory://", backend="cache+memory://", set_as_current=False)
    app.conf.update(
        {
            "worker_hijack_root_logger": False,
            "broker_transport_options": {"polling_interval": 0.01},  # a second otherwise
            "task_default_queue": str(uuid.uuid4()),  # the broker in memory is one for the whole process
            **settings,
        }
    )
    app.task(name="confirm", shared=False, autoretry_for=(OSError,), max_retries=2, default_retry_delay=0)(
        send
    )
    return app


@pytest.fixture(scope="module")
def worker():
    """A worker with a pool of threads that was there before any net, as `celery_session_worker` of other suites is."""
    app = application()
    # With two, the last failure of a task may be stored before the word that it is tried again.
    with start_worker(app, pool="threads", concurrency=1, perform_ping_check=False):
        yield app


@pytest.fixture(params=["eager", "threads"])
def confirm(request):
    """Run the task, and wait for what comes of it."""
    app = (
        application(task_always_eager=True) if request.param == "eager" else request.getfixturevalue("worker")
    )

    return lambda recipient: app.tasks["confirm"].delay(recipient).get(timeout=20, interval=0.01)


def test_a_mail_arrives(confirm, mailnet, shop):
    confirm("sales@shop.example")

    [message] = shop.mailbox("sales").messages
    assert message.parsed["Subject"] == "Order"
    assert message.envelope.mail_from == "bob@app.example"


def test_a_mail_that_is_put_off_goes_through_when_the_task_is_tried_again(confirm, mailnet, shop):
    shop.on_message().reply("451 4.7.1 Greylisted, try again later").times(2)

    confirm("sales@shop.example")

    assert len(shop.mailbox("sales").messages) == 1
    assert len(mailnet.sessions) == 3


def test_a_mail_that_is_put_off_for_good_is_told_after_the_last_try(confirm, mailnet, shop):
    shop.on_message().reply("451 4.7.1 Greylisted, try again later")

    with pytest.raises(smtplib.SMTPDataError) as put_off:
        confirm("sales@shop.example")

    assert put_off.value.smtp_code == 451
    assert len(mailnet.sessions) == 3


def test_a_refused_mail_is_tried_again_too_unless_the_task_says_otherwise(confirm, mailnet, shop):
    """SMTPRecipientsRefused is an OSError, whatever its codes are."""
    shop.on_rcpt().reply("550 5.1.1 Nobody here").times(3)

    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        confirm("sales@shop.example")

    code, text = refused.value.recipients["sales@shop.example"]
    assert (code, text) == (550, b"5.1.1 Nobody here")
    assert len(mailnet.sessions) == 3


def test_a_dead_host_comes_back_between_two_tries(confirm, mailnet, shop):
    mailnet.host("mx.shop.example").fail("refused-at-connect", times=1)

    confirm("sales@shop.example")

    assert len(shop.mailbox("sales").messages) == 1


def test_an_eager_task_that_fails_tells_nobody_who_does_not_ask(mailnet, shop):
    shop.on_rcpt().reply("550 5.1.1 Nobody here")
    app = application(task_always_eager=True)

    result = app.tasks["confirm"].delay("sales@shop.example")

    assert result.failed()
    assert isinstance(result.result, smtplib.SMTPRecipientsRefused)


def test_a_worker_that_was_started_before_the_nets_sends_into_each(worker, make_mailnet):
    for _ in range(2):
        with make_mailnet() as net:
            shop = net.add_server("mx.shop.example", domain="shop.example")
            results = [worker.tasks["confirm"].delay(f"{name}@shop.example") for name in "abcd"]

            for result in results:
                result.get(timeout=20, interval=0.01)

            assert sorted(it.address for it in shop.mailboxes) == [f"{name}@shop.example" for name in "abcd"]


def test_the_mail_of_a_task_is_waited_for(worker, mailnet, shop):
    result = worker.tasks["confirm"].delay("sales@shop.example")

    [message] = mailnet.wait_for_messages(1)
    result.get(
        timeout=20, interval=0.01
    )  # it still has to say QUIT, and would be tried again in the next test's net

    assert message.envelope.rcpt_tos == ("sales@shop.example",)


@pytest.fixture
def prefork(mailnet, tmp_path):
    """A worker process with two children, and a broker in files; its application, from this side."""
    folders = {name: tmp_path / name for name in ("queue", "control", "results")}
    for folder in folders.values():
        folder.mkdir()
    settings = {
        "broker_url": "filesystem://",
        "broker_transport_options": {
            "data_folder_in": str(folders["queue"]),
            "data_folder_out": str(folders["queue"]),
            "control_folder": str(folders["control"]),
            "polling_interval": 0.05,
        },
        "result_backend": f"file://{folders['results']}",
    }
    program = SHOP.format(settings=settings)
    (tmp_path / "shop.py").write_text(program)
    mailnet.include_children()
    worker = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "celery",
            *["-A", "shop", "worker", "-P", "prefork", "-c", "2", "--without-mingle"],
        ],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    app = Celery("shop", set_as_current=False)
    app.config_from_object(settings)
    yield app
    # It would take 5 s to stop by itself.
    os.killpg(worker.pid, signal.SIGKILL)
    worker.wait()


def test_forked_children_of_a_worker_process_send_are_refused_and_try_again(prefork, mailnet, shop):
    shop.on_rcpt("nobody@*").reply("550 5.1.1 Nobody here").times(1)
    shop.on_rcpt("later@*").reply("451 4.7.1 Greylisted, try again later").times(1)

    nobody, later, sales = (
        prefork.send_task("invoice" if name == "nobody" else "confirm", [f"{name}@shop.example"])
        for name in ("nobody", "later", "sales")
    )
    for result in (later, sales):
        result.get(timeout=30, interval=0.05)
    with pytest.raises(smtplib.SMTPRecipientsRefused, match=r"5\.1\.1 Nobody here"):
        nobody.get(timeout=30, interval=0.05)

    assert sorted(to for it in mailnet.messages for to in it.envelope.rcpt_tos) == [
        "later@shop.example",
        "sales@shop.example",
    ]


def test_children_that_the_test_s_own_process_forks_send(mailnet, shop):
    """By the library with which Celery forks its own."""
    mailnet.include_children()

    with billiard.get_context("fork").Pool(1) as pool:
        pool.apply(send, ["sales@shop.example"])

    assert len(shop.mailbox("sales").messages) == 1
