"""What servers write about mail: delivery status notifications and feedback reports."""

from __future__ import annotations

from pytest_mailnet.reports.delivery import Action, Notification, RecipientStatus, delivery_report
from pytest_mailnet.reports.feedback import Complaint, feedback_report
from pytest_mailnet.reports.wording import STOCK, Wording

__all__ = [
    "STOCK",
    "Action",
    "Complaint",
    "Notification",
    "RecipientStatus",
    "Wording",
    "delivery_report",
    "feedback_report",
]
