"""A Mailman site with one list, and the delivery of its postings: the queues `out` and `retry`, and their runners."""

from __future__ import annotations

import logging
import os
import pickle
import socket
import warnings
from email import message_from_bytes
from pathlib import Path
from tempfile import mkdtemp

warnings.simplefilter("ignore", DeprecationWarning)  # Mailman 3.3 is older than some deprecations

from mailman.config import config  # noqa: E402
from mailman.core import initialize  # noqa: E402

SITE = """
[mailman]
layout: testing
site_owner: postmaster@sender.example

[paths.testing]
var_dir: {var}

[devmode]
testing: yes

[mta]
incoming: mailman.mta.null.NullMTA
smtp_host: smtp.sender.example
smtp_port: 587
smtp_user: app@sender.example
smtp_pass: open sesame
smtp_secure_mode: starttls
"""

_umask = os.umask(0)
config.create_paths = False
initialize.initialize_1(initialize.INHIBIT_CONFIG_FILE)
config.create_paths = True
config.push("site", SITE.format(var=mkdtemp()))
initialize.initialize_2(testing=True)
initialize.initialize_3()
os.umask(_umask)
logging.disable()

from mailman.app.lifecycle import create_list  # noqa: E402  # they want a site
from mailman.email.message import Message  # noqa: E402
from mailman.interfaces.bounce import IBounceProcessor  # noqa: E402
from mailman.interfaces.domain import IDomainManager  # noqa: E402
from mailman.testing.helpers import make_testable_runner  # noqa: E402
from mailman.utilities.modules import find_name  # noqa: E402
from zope.component import getUtility  # noqa: E402

getUtility(IDomainManager).add("sender.example")
ants = create_list("ants@sender.example")
config.db.commit()


_posted = set()


def begin():
    """Have empty queues, and no bounces."""
    for name in ("out", "retry", "shunt"):
        for it in Path(config.switchboards[name].queue_directory).iterdir():
            it.unlink()
    for event in getUtility(IBounceProcessor).unprocessed:
        event.processed = True
    config.db.commit()


def deliver(sender, recipients, message):
    """Put a posting into the queue, once, let the runner work on that, and tell what the site knows then."""
    if message not in _posted:
        _posted.add(message)
        posting = message_from_bytes(message, Message)
        posting.original_size = len(message)
        config.switchboards["out"].enqueue(posting, listid=ants.list_id, recipients=set(recipients))
    return _run("out", of=recipients)


def retry(recipients):
    """Let the runners try again, and tell what the site knows then."""
    return _run("retry", "out", of=recipients)


def made_right(sender, recipients, message):
    """The same in a process whose sockets have a time-out."""
    socket.setdefaulttimeout(60)  # by the `pre_hook` of a plugin, which each runner calls when it starts
    return deliver(sender, recipients, message)


def _run(*queues, of):
    for queue in queues:
        [settings] = [it for it in config.runner_configs if it.name == f"runner.{queue}"]
        make_testable_runner(find_name(settings["class"]), queue).run()
    gone = {event.email for event in getUtility(IBounceProcessor).unprocessed} | _recipients("shunt")
    waiting = _recipients("out", "retry")
    return {it: "deferred" if it in waiting else "failed" if it in gone else "sent" for it in of}


def _recipients(*queues):
    """Whose postings are in queues, as files; those with which a runner has begun are there too."""
    found = set()
    for queue in queues:
        for it in Path(config.switchboards[queue].queue_directory).iterdir():
            with it.open("rb") as file:
                pickle.load(file)  # the posting  # noqa: S301
                found |= set(pickle.load(file)["recipients"])  # noqa: S301
    return found
