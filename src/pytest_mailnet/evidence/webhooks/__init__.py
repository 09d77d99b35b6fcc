"""Web hooks in which operators report bounces as JSON; one module for each operator."""

from __future__ import annotations

from pytest_mailnet.evidence.formats import DocumentFormat
from pytest_mailnet.evidence.webhooks.amazonses import AMAZON_SES
from pytest_mailnet.evidence.webhooks.mailgun import MAILGUN
from pytest_mailnet.evidence.webhooks.postmark import POSTMARK
from pytest_mailnet.evidence.webhooks.sendgrid import SENDGRID
from pytest_mailnet.evidence.webhooks.sparkpost import SPARKPOST

__all__ = ["WEBHOOKS"]

WEBHOOKS: tuple[DocumentFormat, ...] = (AMAZON_SES, SENDGRID, MAILGUN, POSTMARK, SPARKPOST)
"""The formats that can be read; no document is of two of them."""
