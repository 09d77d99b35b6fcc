"""Finds likely causes why no mail reached a net."""

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
    """The likely causes why no mail reached a net, one line each, with the remedy.

    Only modules that are already imported are looked at; nothing is imported.

    Args:
        started: the commands of processes that were started outside of the net.
    """
    for look in (_django, _flask_mail):
        # Looking at other libraries may raise or warn; that is no part of a report.
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
    # Without the application's context its state can only be found like this. By `type`, since `isinstance`
    # would resolve the lazy proxies of frameworks.
    if state is not None and any(type(it) is state and it.suppress for it in gc.get_objects()):
        yield (
            "Flask-Mail suppresses all mail, as it does where app.testing was true when Mail(app) was made: "
            "before that, app.config['MAIL_SUPPRESS_SEND'] = False"
        )
