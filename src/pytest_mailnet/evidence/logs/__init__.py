"""Logs of mail servers: reads the failed recipients in them."""

from __future__ import annotations

from pytest_mailnet.evidence.logs.mail_log import MAIL_LOG, failures_of

__all__ = ["MAIL_LOG", "failures_of"]
