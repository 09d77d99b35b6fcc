"""The table of orders."""

import uuid

from django.db import migrations, models

STATES = [("waiting", "Waiting"), ("sent", "Sent"), ("failed", "Failed")]


class Migration(migrations.Migration):
    """The first one."""

    initial = True
    operations = (
        migrations.CreateModel(
            name="Order",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("email", models.EmailField(max_length=254)),
                ("goods", models.TextField()),
                ("confirmation", models.CharField(choices=STATES, default="waiting", max_length=10)),
                ("reason", models.TextField(blank=True)),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                ("due", models.DateTimeField()),
            ],
        ),
    )
