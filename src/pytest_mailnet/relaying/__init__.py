"""From the server that took a mail to the one where it ends: queue, routes, deliveries, reports."""

from __future__ import annotations

from pytest_mailnet.relaying.queue import Queue
from pytest_mailnet.relaying.queued import QueuedMail, QueuedRecipient
from pytest_mailnet.relaying.schedule import Schedule
from pytest_mailnet.relaying.source import Source, origin_of, sending_addresses

__all__ = ["Queue", "QueuedMail", "QueuedRecipient", "Schedule", "Source", "origin_of", "sending_addresses"]
