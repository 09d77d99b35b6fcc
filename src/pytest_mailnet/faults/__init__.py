"""What can go wrong around SMTP, by name: `mailnet.fail("shop.example", "reset-at-rcpt")`."""

from __future__ import annotations

from pytest_mailnet.faults.catalogue import FAULTS, fault_named, faults_of
from pytest_mailnet.faults.fault import Fault, Manner
from pytest_mailnet.faults.lookup import DnsFault, DnsManner
from pytest_mailnet.faults.weather import Chaos, Schedule

__all__ = [
    "FAULTS",
    "Chaos",
    "DnsFault",
    "DnsManner",
    "Fault",
    "Manner",
    "Schedule",
    "fault_named",
    "faults_of",
]
