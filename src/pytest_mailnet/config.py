"""How strict a net is and what it leaves alone: made once, frozen."""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Self, get_args, get_origin, get_type_hints

from pytest_mailnet.errors import InvalidSetting, amongst
from pytest_mailnet.handles.attributes import steady

__all__ = ["WHERE_SET", "MailNetConfig"]


_NOTHING: Mapping[str, Any] = MappingProxyType({})

_PATTERN = re.compile(r"(?![\d.]+$)[^\s/:@,]+")  # no address, port or URL, which no name would match


@dataclass(frozen=True, slots=True, kw_only=True)
class MailNetConfig:
    """The settings of a net.

    Attributes:
        strict: whether a scripted answer that was not used up, and a connection to an address that is
            not in the net, fail the test at its end.
        unknown_names: "answer" says NXDOMAIN for a name that is not in the net, as the Internet would;
            "fail" also fails the test.
        other_ports: "open" leaves connections to other than mail ports to the machine; "closed" lets
            them fail, and fails the test.
        pass_names: names that are not in the net and are left to the machine, beside those of one label and
            of its hosts file: patterns as of file names, "*.internal". Where other ports are closed, they
            are open to these names. For a mail port every name is the net's.
        addresses: where hosts get theirs: from the "documentation" ranges, or "public" looking ones
            for applications that refuse addresses that are not global.
        trust_ca: whether TLS contexts that trust the machine's authorities, or certifi's, trust the net's own
            too, while it is active.
        enforce: rules, by name or family, that every provider that has them applies beside those that are
            on in a fresh net; "all" for all.
        providers: TOML files of providers, and folders with such files, beside those of the package.
        log: when the report of a test has the mailnet section: "failed", "always" or "never".
        log_lines: how many lines that section may have, 0 for any number. Of a longer one, what went wrong is
            shown first, and all of it is in a file that it names.
    """

    strict: bool = True
    unknown_names: Literal["answer", "fail"] = "answer"
    other_ports: Literal["open", "closed"] = "open"
    pass_names: tuple[str, ...] = ()
    addresses: Literal["documentation", "public"] = "documentation"
    trust_ca: bool = True
    enforce: tuple[str, ...] = ()
    providers: tuple[Path, ...] = ()
    log: Literal["failed", "always", "never"] = "failed"
    log_lines: int = 200

    if not TYPE_CHECKING:  # the type checker knows the settings that there are

        def __new__(cls, *given: object, **settings: object) -> Self:
            """Name the settings that there are, where Python would name this class's `__init__`."""
            __tracebackhide__ = True
            known = cls.__dataclass_fields__
            if given:
                raise InvalidSetting(
                    f"MailNetConfig({given[0]!r}) takes settings by name; there are: {', '.join(known)}"
                )
            for name in settings:
                if name not in known:
                    raise InvalidSetting(f"no setting {name!r}{amongst(name, known)}")
            return object.__new__(cls)

    def __post_init__(self) -> None:
        for name in ("strict", "trust_ca"):
            if not isinstance(getattr(self, name), bool):
                raise InvalidSetting(f"{name} takes True or False, not {getattr(self, name)!r}")
        if not isinstance(self.log_lines, int) or isinstance(self.log_lines, bool) or self.log_lines < 0:
            raise InvalidSetting(f"log_lines takes a number, 0 for no limit, not {self.log_lines!r}")
        for name, kind in (("pass_names", str), ("enforce", str), ("providers", Path)):
            given = getattr(self, name)
            if isinstance(given, str | Path) or not isinstance(given, Iterable):
                raise InvalidSetting(f"{name} takes several, as in ({given!r},), not {given!r}")
            object.__setattr__(self, name, tuple(map(kind, given)))
        for it in self.pass_names:
            if not _PATTERN.fullmatch(it):
                raise InvalidSetting(
                    f"pass_names takes names and patterns of names, as 'db.internal' and '*.corp', not {it!r}"
                )
        for name, choices in _choices().items():
            value = getattr(self, name)
            if value not in choices:
                raise InvalidSetting(f"{name} takes {' or '.join(map(repr, choices))}, not {value!r}")

    def but(self, settings: Mapping[str, Any] = _NOTHING, /, **more: Any) -> MailNetConfig:
        """The same with some settings changed: `config.but(strict=False)`.

        Raises:
            InvalidSetting: for a setting that there is not, with near misses, or a value it does not take.
        """
        changed = {**settings, **more}
        return dataclasses.replace(self, **changed) if changed else self


WHERE_SET: Mapping[str, str] = MappingProxyType(
    {
        field.name: f"it is a setting, which a net is made with: @pytest.mark.mailnet({field.name}=...), "
        f"make_mailnet({field.name}=...), MailNet({field.name}=...), or mailnet_{field.name} in the ini file"
        for field in dataclasses.fields(MailNetConfig)
    }
)
"""How each setting is written, for those who set it elsewhere."""

steady("a mailnet's config", WHERE_SET)(MailNetConfig)


@functools.cache  # a net a test has one, and reading annotations is slow
def _choices() -> Mapping[str, tuple[str, ...]]:
    hints = get_type_hints(MailNetConfig)
    return {name: get_args(hint) for name, hint in hints.items() if get_origin(hint) is Literal}
