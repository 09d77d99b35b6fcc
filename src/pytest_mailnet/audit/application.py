"""An application as an audit calls it: by a function, or by a command."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Protocol

from pytest_mailnet.audit.beliefs import Mail, Said
from pytest_mailnet.crashes.crasher import Crasher

__all__ = ["Application"]


class Application(Protocol):
    """An application that sends a mail.

    Attributes:
        name: how the command line names it.
        several: whether it can send a mail to two recipients.
        kept: whether calls share a process.
    """

    name: str
    several: bool
    kept: bool

    def prepare(self, now: Callable[[], datetime], folder: Path) -> None:
        """Do what comes before each case.

        Args:
            now: tells the time of the net, for an application that takes a clock.
            folder: an empty folder of this case.
        """
        ...

    def send(self, mail: Mail, crasher: Crasher | None = None) -> Said:
        """Have it send a mail, and return what it says.

        Args:
            mail: the mail.
            crasher: has it die, and starts it again; None for one that lives.
        """
        ...

    def retry(self, mail: Mail) -> Said:
        """Have it try again, and return what it says."""
        ...
