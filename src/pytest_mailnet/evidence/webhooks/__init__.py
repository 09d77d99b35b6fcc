"""Web hooks with which operators tell of bounces, as JSON: one module an operator."""

from __future__ import annotations

from pytest_mailnet.evidence.formats import DocumentFormat
from pytest_mailnet.evidence.webhooks.amazonses import AMAZON_SES
from pytest_mailnet.evidence.webhooks.mailgun import MAILGUN
from pytest_mailnet.evidence.webhooks.postmark import POSTMARK
from pytest_mailnet.evidence.webhooks.sendgrid import SENDGRID
from pytest_mailnet.evidence.webhooks.sparkpost import SPARKPOST

__all__ = ["WEBHOOKS"]

WEBHOOKS: tuple[DocumentFormat, ...] = (AMAZON_SES, SENDGRID, MAILGUN, POSTMARK, SPARKPOST)
"""What operators' documents can be read; no two of them take the same."""
