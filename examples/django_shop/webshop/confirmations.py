"""Confirms orders by mail, and tries again what was put off."""

from __future__ import annotations

import contextlib
import smtplib
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from django.core.mail import EmailMessage, get_connection
from django.utils import timezone

from webshop.models import Order

if TYPE_CHECKING:
    from django.core.mail.backends.base import BaseEmailBackend

SCHEDULE = (timedelta(minutes=1), timedelta(minutes=15), timedelta(hours=2), timedelta(days=1))


class NotConfigured(Exception):
    """The provider does not let the shop send: somebody has to look after its account."""


def send_due() -> None:
    """Send the confirmations that are due.

    Raises:
        NotConfigured: if the provider lets the shop send nothing; the orders stay due.
    """
    for order in Order.objects.filter(confirmation=Order.Confirmation.WAITING, due__lte=timezone.now()):
        confirm(order)


def confirm(order: Order) -> None:
    """Send the confirmation of an order, or note why not and when to try again.

    Raises:
        NotConfigured: if the provider lets the shop send nothing; the order stays due.
    """
    with _connection() as connection:
        _try(order, connection)
        order.save()  # before QUIT: a shop that dies there has noted that the mail was taken


@contextlib.contextmanager
def _connection() -> Iterator[BaseEmailBackend]:
    connection = get_connection()
    try:
        yield connection
    finally:
        with contextlib.suppress(OSError):  # a QUIT that fails changes nothing
            connection.close()


def _try(order: Order, connection: BaseEmailBackend) -> None:
    try:
        connection.open()
        connection.send_messages([_letter(order)])
    except (smtplib.SMTPAuthenticationError, smtplib.SMTPSenderRefused) as error:
        if error.smtp_code >= 500:
            raise NotConfigured(_words(error.smtp_code, error.smtp_error)) from error
        _put_off(order, _words(error.smtp_code, error.smtp_error))
    except smtplib.SMTPRecipientsRefused as error:
        _refused(order, *error.recipients[order.email])
    except smtplib.SMTPDataError as error:
        _refused(order, error.smtp_code, error.smtp_error)
    except OSError as error:  # connections, TLS, and whatever else smtplib raises
        _put_off(order, f"{type(error).__name__}: {error}")
    else:
        order.confirmation, order.reason = Order.Confirmation.SENT, ""


def _letter(order: Order) -> EmailMessage:
    # The same Message-ID at each try: whoever gets a mail twice sees that it is one.
    headers = {"Message-ID": f"<{order.id}@shop.example>"}
    text = f"Thank you for your order of {order.goods}.\n"
    return EmailMessage("Your order", text, to=[order.email], headers=headers)


def _refused(order: Order, code: int, text: bytes | str) -> None:
    if code >= 500:
        order.confirmation, order.reason = Order.Confirmation.FAILED, _words(code, text)
    else:
        _put_off(order, _words(code, text))


def _put_off(order: Order, reason: str) -> None:
    order.reason = reason
    if order.tries == len(SCHEDULE):
        order.confirmation = Order.Confirmation.FAILED
    else:
        order.due = timezone.now() + SCHEDULE[order.tries]
        order.tries += 1


def _words(code: int, text: bytes | str) -> str:
    return f"{code} {text.decode('utf-8', 'replace') if isinstance(text, bytes) else text}"
