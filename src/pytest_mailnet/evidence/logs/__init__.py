"""What mail servers have logged, read into failed recipients."""

from __future__ import annotations

from pytest_mailnet.evidence.logs.mail_log import MAIL_LOG, failures_of

__all__ = ["MAIL_LOG", "failures_of"]
