"""What can go wrong below SMTP, by name: `host.fail("reset-at-rcpt")`."""

from __future__ import annotations

from pytest_mailnet.faults.catalogue import FAULTS, fault_named, faults_of
from pytest_mailnet.faults.fault import Fault, Manner

__all__ = ["FAULTS", "Fault", "Manner", "fault_named", "faults_of"]
