"""The exception family: every error says what was given, what was expected, and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable

from pytest_mailnet.printable import printable

__all__ = [
    "AddressInUse",
    "EvidenceError",
    "ExpectationFailed",
    "InvalidAddress",
    "InvalidReply",
    "InvalidSetting",
    "MailNetError",
    "MailNetTampered",
    "MissingExtra",
    "NothingArrived",
    "OutlivedItsNet",
    "ProviderFileError",
    "ReadOnly",
    "UnknownAttribute",
    "UnknownExport",
    "UnknownName",
    "WouldHang",
    "ZoneError",
]


class MailNetError(Exception):
    """What every error of this package is."""


class InvalidReply(MailNetError, ValueError):
    """A text that is no SMTP reply (RFC 5321, 4.2), or one that makes no sense at its stage."""


class InvalidAddress(MailNetError, ValueError):
    """A mail address without a domain, an IP address that is none, a host name that cannot be one."""


class InvalidSetting(MailNetError, ValueError):
    """An option, mark or argument with a value that is not one of those it takes."""


class UnknownAttribute(MailNetError, AttributeError):
    """An attribute that there is not."""


class UnknownExport(MailNetError, ImportError):
    """A name that cannot be imported from `pytest_mailnet`."""


class ReadOnly(MailNetError, AttributeError):
    """Something that can only be read, and was to be changed; says what to do instead."""


class AddressInUse(MailNetError, ValueError):
    """An IP address that another host of the same net has already."""


class ZoneError(MailNetError, ValueError):
    """A DNS record or zone file with an error in it; names the line."""


class ProviderFileError(MailNetError, ValueError):
    """A provider's TOML with an error in it; names the file and the key."""


class EvidenceError(MailNetError, ValueError):
    """Evidence from production that is not there, or in which no failure is found; says what was missing."""


class UnknownName(MailNetError, LookupError):
    """A mailbox, domain, host, provider or reply that the net does not hold.

    Args:
        kind: what was looked for, in the user's words ("mailbox").
        given: the name that was asked for.
        known: the names that exist.
        cure: what to do if the name was meant; ends the message.
    """

    def __init__(self, kind: str, given: str, known: Iterable[str], cure: str) -> None:
        self.kind, self.given, self.known, self.cure = kind, given, tuple(known), cure
        super().__init__(f"no {kind} {given!r}{amongst(given, self.known)}. {cure}")

    def __reduce__(self) -> tuple[type[UnknownName], tuple[str, str, tuple[str, ...], str]]:
        return type(self), (self.kind, self.given, self.known, self.cure)


class NothingArrived(MailNetError, TimeoutError):
    """Fewer messages than waited for had arrived when the time was over."""


class WouldHang(MailNetError):
    """A wait that would never end, or one that would hold up the event loop which is waited for."""


class ExpectationFailed(MailNetError, AssertionError):
    """What the net saw in a test was not what the test allowed: raised at the end of the test."""


class MailNetTampered(MailNetError):
    """Somebody replaced a function that the net had patched while the net was active."""


class OutlivedItsNet(UserWarning):
    """A thread, task or job that a test has started was still at work when the test's net was gone."""


class MissingExtra(MailNetError, ImportError):
    """A library that only some tests need, and that is not installed.

    Args:
        wanted: what it was to be used for, in the user's words.
        library: its name.
        extra: the extra of this package that brings it.
    """

    def __init__(self, wanted: str, library: str, extra: str) -> None:
        self.wanted, self.library, self.extra = wanted, library, extra
        super().__init__(f"{wanted} takes {library}: pip install 'pytest-mailnet[{extra}]'")

    def __reduce__(self) -> tuple[type[MissingExtra], tuple[str, str, str]]:
        return type(self), (self.wanted, self.library, self.extra)


def behind(error: BaseException) -> list[BaseException]:
    """An exception and all that it came of: causes, contexts, the members of groups."""
    found: list[BaseException] = []
    left: list[BaseException | None] = [error]
    while left:
        each = left.pop()
        if each is not None and all(each is not it for it in found):
            found.append(each)
            left += [each.__cause__, each.__context__, *getattr(each, "exceptions", ())]
    return found


def near_misses(given: str, known: Iterable[str], most: int = 3) -> list[str]:
    """Names that look like the given one, nearest first."""
    by_lower = {name.lower(): name for name in known}
    close = difflib.get_close_matches(given.lower(), list(by_lower), n=most, cutoff=0.6)
    return [by_lower[name] for name in close]


def amongst(
    given: str, known: Iterable[str], most: int = 8, *, shown: Callable[[str], str] | None = None
) -> str:
    """The part of a message that tells what there was instead, nearest first; no sentence of its own.

    Args:
        given: what was asked for.
        known: what there is.
        most: how many are listed.
        shown: how a name is written, where it is not as it stands.
    """
    names = list(dict.fromkeys(known))
    near = " or ".join(map(shown or repr, near_misses(given, names)))
    if not names:
        return " (there is none)"
    if near and len(names) > most:
        return f" (did you mean {near}?)"
    listed = printable(", ".join(map(shown or str, sorted(names)[:most])))
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f" (did you mean {near}? There is: {listed})" if near else f" (there is: {listed}{more})"
