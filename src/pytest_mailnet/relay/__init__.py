"""Relaying between servers: queue, routes, deliveries, reports."""

from __future__ import annotations

from pytest_mailnet.relay.queue import Queue
from pytest_mailnet.relay.queue_entry import QueuedMail, QueuedRecipient
from pytest_mailnet.relay.retries import RetrySchedule
from pytest_mailnet.relay.source import Source, origin_of, sending_addresses
from pytest_mailnet.relay.spool import Spool

__all__ = [
    "Queue",
    "QueuedMail",
    "QueuedRecipient",
    "RetrySchedule",
    "Source",
    "Spool",
    "origin_of",
    "sending_addresses",
]
