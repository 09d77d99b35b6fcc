"""The exceptions of the package. Each message says what was given, what was expected, and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ClassVar

from pytest_mailnet.printable import printable

__all__ = [
    "AddressInUse",
    "Crash",
    "EvidenceError",
    "ExpectationFailed",
    "InvalidAddress",
    "InvalidReply",
    "InvalidSetting",
    "MailNetError",
    "MailNetTampered",
    "MissingExtra",
    "NoNamespace",
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


_TROUBLESHOOTING = "https://pytest-mailnet.readthedocs.io/en/latest/troubleshooting.html#"


class MailNetError(Exception):
    """The base class of all errors of this package.

    Args:
        args: the message.
        section: in place of that of the class, below.
    """

    section: ClassVar[str] = ""
    """The section of the page on troubleshooting to which a note below the message links; "" for none."""

    def __init__(self, *args: object, section: str | None = None) -> None:
        super().__init__(*args)
        if linked := self.section if section is None else section:
            self.add_note(_TROUBLESHOOTING + linked)


class InvalidReply(MailNetError, ValueError):
    """A text that is no SMTP reply (RFC 5321, 4.2), or a reply that makes no sense at its stage."""


class InvalidAddress(MailNetError, ValueError):
    """A malformed mail address, IP address or host name."""


class InvalidSetting(MailNetError, ValueError):
    """An option, mark or argument with a value that it does not take."""


class UnknownAttribute(MailNetError, AttributeError):
    """An attribute that does not exist."""


class UnknownExport(MailNetError, ImportError):
    """A name that cannot be imported from `pytest_mailnet`."""


class ReadOnly(MailNetError, AttributeError):
    """An attempt to change something that can only be read; the message says what to do instead."""


class AddressInUse(MailNetError, ValueError):
    """An IP address that another host or sender of the net has already, or no address left for a host."""


class ZoneError(MailNetError, ValueError):
    """An error in a DNS name, record or zone file; of a file, the message names the line."""


class ProviderFileError(MailNetError, ValueError):
    """An error in a provider's TOML file; the message names the file and the key."""


class EvidenceError(MailNetError, ValueError):
    """Evidence from production that is missing, or in which no failure is found."""


class UnknownName(MailNetError, LookupError):
    """The name of something that does not exist in the net: a mailbox, domain, host, provider or reply.

    Args:
        kind: the kind of thing, in the user's words ("mailbox").
        given: the name that was asked for.
        known: the names that exist.
        cure: what to do to have something of that name; the last sentence of the message.
    """

    def __init__(self, kind: str, given: str, known: Iterable[str], cure: str) -> None:
        self.kind: str = kind
        self.given: str = given
        self.known: tuple[str, ...] = tuple(known)
        self.cure: str = cure
        super().__init__(f"no {kind} {given!r}{amongst(given, self.known)}. {cure}")

    def __reduce__(self) -> tuple[type[UnknownName], tuple[str, str, tuple[str, ...], str]]:
        return type(self), (self.kind, self.given, self.known, self.cure)


class NoNamespace(MailNetError, OSError):
    """The machine has no namespaces for programs; the message says why in one line."""

    section = "no-namespaces"


class NothingArrived(MailNetError, TimeoutError):
    """Fewer messages than expected arrived before the time was over."""

    section = "nothing-has-arrived"


class WouldHang(MailNetError):
    """A wait that would never end, or that would block the event loop it waits for."""

    section = "a-wait-that-would-hang"


class ExpectationFailed(MailNetError, AssertionError):
    """The failure of a test whose net saw something that the test does not allow; raised at its end."""

    section = "a-test-fails-at-its-end"


class MailNetTampered(MailNetError):
    """A function that an active net had patched was replaced by somebody else."""

    section = "a-patched-function-was-replaced"


class Crash(SystemExit):
    """The death of the application, for a function that `mailnet_crash.call` runs.

    It is a `SystemExit`, which event loops let through, and no `Exception`: what catches it is at fault.
    """


class OutlivedItsNet(UserWarning):
    """A thread, task or job of a test that was still at work after the test's net had ended."""


class MissingExtra(MailNetError, ImportError):
    """A library that is not installed, and that only some tests need.

    Args:
        wanted: what needs the library, in the user's words.
        library: the name of the library.
        extra: the extra of this package that installs it.
    """

    def __init__(self, wanted: str, library: str, extra: str) -> None:
        self.wanted: str = wanted
        self.library: str = library
        self.extra: str = extra
        super().__init__(f"{wanted} takes {library}: pip install 'pytest-mailnet[{extra}]'")

    def __reduce__(self) -> tuple[type[MissingExtra], tuple[str, str, str]]:
        return type(self), (self.wanted, self.library, self.extra)


def behind(error: BaseException) -> list[BaseException]:
    """An exception with its causes and contexts, and the members of exception groups among them."""
    found: list[BaseException] = []
    left: list[BaseException | None] = [error]
    while left:
        each = left.pop()
        if each is not None and all(each is not it for it in found):
            found.append(each)
            left += [each.__cause__, each.__context__, *getattr(each, "exceptions", ())]
    return found


def near_misses(given: str, known: Iterable[str], most: int = 3) -> list[str]:
    """Names that look like the given one, nearest first.

    Args:
        given: the name that was asked for.
        known: the names that exist.
        most: how many to return at most.
    """
    import difflib  # noqa: PLC0415  # few names are misspelt

    by_lower = {name.lower(): name for name in known}
    close = difflib.get_close_matches(given.lower(), list(by_lower), n=most, cutoff=0.6)
    return [by_lower[name] for name in close]


def amongst(
    given: str, known: Iterable[str], most: int = 8, *, shown: Callable[[str], str] | None = None
) -> str:
    """The part of a message that lists the existing names, nearest first; to stand within a sentence.

    Args:
        given: the name that was asked for.
        known: the names that exist.
        most: how many names to list at most.
        shown: writes a name; None writes it as it is.
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
