"""Why nobody has come to a net: the likely causes that can be seen from here."""

from __future__ import annotations

import contextlib
import gc
import sys
import warnings
from collections.abc import Iterator, Sequence

from pytest_mailnet.printable import cut, printable

__all__ = ["causes"]

_DJANGO = "django.core.mail.backends."
_SMTP = f"{_DJANGO}smtp.EmailBackend"


def causes(started: Sequence[str]) -> Iterator[str]:
    """What keeps the application's mails away from a net, a line each, with the way out.

    It looks only at what has been imported, and imports nothing.

    Args:
        started: the commands of processes that are not in the net.
    """
    for look in (_django, _flask_mail):
        # What others make of being looked at, a warning as an error for one, is no part of a report.
        with warnings.catch_warnings(), contextlib.suppress(Exception):
            warnings.simplefilter("ignore")
            yield from list(look())
    if started:
        others = f" and {len(started) - 1} more" if len(started) > 1 else ""
        yield (
            f"a process was started outside of the net: `{cut(printable(started[0]))}`{others}. For Python: "
            "mailnet.include_children() before it starts; for others: a port by mailnet.listen(...)"
        )


def _django() -> Iterator[str]:
    settings = getattr(sys.modules.get("django.conf"), "settings", None)
    if settings is None or not settings.configured:
        return
    backend = str(getattr(settings, "EMAIL_BACKEND", ""))
    if backend.startswith(_DJANGO) and backend != _SMTP:
        yield (
            f"Django's settings.EMAIL_BACKEND is {backend!r}, which connects to nobody; django.test sets it "
            f"in every test. In a test that has a mailnet: settings.EMAIL_BACKEND = {_SMTP!r}"
        )


def _flask_mail() -> Iterator[str]:
    state = getattr(sys.modules.get("flask_mail"), "_Mail", None)
    # An application's state is found nowhere else once its context is gone. By `type`, since `isinstance`
    # would wake the proxies of frameworks.
    if state is not None and any(type(it) is state and it.suppress for it in gc.get_objects()):
        yield (
            "Flask-Mail suppresses all mail, as it does where app.testing was true when Mail(app) was made: "
            "before that, app.config['MAIL_SUPPRESS_SEND'] = False"
        )
