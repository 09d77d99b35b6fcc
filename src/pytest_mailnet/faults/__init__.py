"""What can go wrong around SMTP, by name: `mailnet.fail("shop.example", "reset-at-rcpt")`."""

from __future__ import annotations

from pytest_mailnet.faults.catalogue import FAULTS, fault_named, faults_of
from pytest_mailnet.faults.fault import Fault, Manner
from pytest_mailnet.faults.lookup import DnsFault, DnsManner

__all__ = ["FAULTS", "DnsFault", "DnsManner", "Fault", "Manner", "fault_named", "faults_of"]
