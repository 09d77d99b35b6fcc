"""A little Internet for mail in your tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_mailnet.net import MailNet

__all__ = ["MailNet"]


def __getattr__(name: str) -> Any:
    """Import on first use: a test run that has the plugin but no mail pays for nothing."""
    if name == "MailNet":
        from pytest_mailnet.net import MailNet

        return MailNet
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
