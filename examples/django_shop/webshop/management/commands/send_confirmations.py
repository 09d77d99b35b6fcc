"""Sends the confirmations that are due; cron runs it each minute, and mails what it complains of."""

from django.core.management.base import BaseCommand, CommandError

from webshop.confirmations import NotConfigured, send_due


class Command(BaseCommand):
    """Sends the confirmations that are due."""

    def handle(self, **_options):
        try:
            send_due()
        except NotConfigured as error:
            raise CommandError(f"the mail server refuses the shop: {error}") from error
