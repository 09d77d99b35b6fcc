"""What is kept of an order."""

import uuid

from django.db import models


class Order(models.Model):
    """An order, and what became of its confirmation."""

    class Confirmation(models.TextChoices):
        WAITING = "waiting"
        SENT = "sent"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    email = models.EmailField()
    goods = models.TextField()
    confirmation = models.CharField(max_length=10, choices=Confirmation.choices, default=Confirmation.WAITING)
    reason = models.TextField(blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    due = models.DateTimeField()

    def __str__(self):
        return f"{self.goods} for {self.email}"
