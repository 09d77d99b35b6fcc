"""What can go wrong around SMTP, by name: `mailnet.fail("shop.example", "reset-at-rcpt")`."""

from __future__ import annotations

from pytest_mailnet.faults.dns_fault import DnsFault, DnsManner
from pytest_mailnet.faults.fault import Fault, Manner
from pytest_mailnet.faults.known import FAULTS, fault_named, faults_of
from pytest_mailnet.faults.schedule import Chaos, FaultSchedule

__all__ = [
    "FAULTS",
    "Chaos",
    "DnsFault",
    "DnsManner",
    "Fault",
    "FaultSchedule",
    "Manner",
    "fault_named",
    "faults_of",
]
