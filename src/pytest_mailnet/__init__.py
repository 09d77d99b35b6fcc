"""A little Internet for mail in your tests."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_mailnet.clock import Clock
    from pytest_mailnet.config import MailNetConfig
    from pytest_mailnet.crashes.crasher import Crasher
    from pytest_mailnet.crashes.place import CrashPlace
    from pytest_mailnet.errors import (
        AddressInUse,
        Crash,
        EvidenceError,
        ExpectationFailed,
        InvalidAddress,
        InvalidReply,
        InvalidSetting,
        MailNetError,
        MailNetTampered,
        MissingExtra,
        NoNamespace,
        NothingArrived,
        OutlivedItsNet,
        ProviderFileError,
        ReadOnly,
        UnknownAttribute,
        UnknownExport,
        UnknownName,
        WouldHang,
        ZoneError,
    )
    from pytest_mailnet.evidence import Failure
    from pytest_mailnet.faults import FAULTS, DnsFault, Fault, FaultSchedule
    from pytest_mailnet.mailboxes.mailbox import Mailbox
    from pytest_mailnet.net.mailnet import MailNet, MakeMailNet
    from pytest_mailnet.net.process import MailNetProcess
    from pytest_mailnet.providers import Host, Provider, Server
    from pytest_mailnet.record.journal import Query
    from pytest_mailnet.record.session import Message, Session
    from pytest_mailnet.relay.retries import RetrySchedule
    from pytest_mailnet.senders.sender import Sender
    from pytest_mailnet.values import Envelope, Reply

__all__ = [
    "FAULTS",
    "AddressInUse",
    "Clock",
    "Crash",
    "CrashPlace",
    "Crasher",
    "DnsFault",
    "Envelope",
    "EvidenceError",
    "ExpectationFailed",
    "Failure",
    "Fault",
    "FaultSchedule",
    "Host",
    "InvalidAddress",
    "InvalidReply",
    "InvalidSetting",
    "MailNet",
    "MailNetConfig",
    "MailNetError",
    "MailNetProcess",
    "MailNetTampered",
    "Mailbox",
    "MakeMailNet",
    "Message",
    "MissingExtra",
    "NoNamespace",
    "NothingArrived",
    "OutlivedItsNet",
    "Provider",
    "ProviderFileError",
    "Query",
    "ReadOnly",
    "Reply",
    "RetrySchedule",
    "Sender",
    "Server",
    "Session",
    "UnknownAttribute",
    "UnknownExport",
    "UnknownName",
    "WouldHang",
    "ZoneError",
]

_HOMES: Mapping[str, str] = MappingProxyType(
    {
        "Clock": "clock",
        "CrashPlace": "crashes.place",
        "Crasher": "crashes.crasher",
        "DnsFault": "faults",
        "Envelope": "values",
        "FAULTS": "faults",
        "Failure": "evidence",
        "Fault": "faults",
        "FaultSchedule": "faults",
        "Host": "providers",
        "MailNet": "net.mailnet",
        "MailNetConfig": "config",
        "MailNetProcess": "net.process",
        "MakeMailNet": "net.mailnet",
        "Mailbox": "mailboxes.mailbox",
        "Message": "record.session",
        "Provider": "providers",
        "Query": "record.journal",
        "Reply": "values",
        "RetrySchedule": "relay.retries",
        "Sender": "senders.sender",
        "Server": "providers",
        "Session": "record.session",
    }
)
"""In which module each name is; all others are exceptions."""


if not TYPE_CHECKING:  # a type checker is to find misspelt names

    def __getattr__(name: str) -> Any:
        """Import on first use: a test run that has the plugin but no mail pays for nothing."""
        if name in __all__:
            found = getattr(import_module(f"{__name__}.{_HOMES.get(name, 'errors')}"), name)
            globals()[name] = found
            return found
        if name[0].isupper():
            # `from pytest_mailnet import Mesage` hides the text of an AttributeError.
            from pytest_mailnet.errors import UnknownExport, amongst

            raise UnknownExport(f"pytest_mailnet has no {name!r}{amongst(name, __all__)}")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """The names to import."""
    return [name for name in globals() if name.startswith("__")] + __all__
