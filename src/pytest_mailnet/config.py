"""The settings of a net: how strict it is, and what it leaves to the machine."""

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
from pytest_mailnet.handles.names import RuleName

__all__ = ["WHERE_SET", "MailNetConfig"]


_NOTHING: Mapping[str, Any] = MappingProxyType({})

_PATTERN = re.compile(r"(?![\d.]+$)[^\s/:@,]+")  # no address, port or URL, which no name would match


@dataclass(frozen=True, slots=True, kw_only=True)
class MailNetConfig:
    """The settings of a net. They are frozen.

    Attributes:
        strict: whether the test fails at its end for scripted answers that were not used up, and for
            connections to addresses that are not in the net.
        unknown_names: "answer" answers NXDOMAIN for a name that is not in the net, as the Internet would;
            "fail" also fails the test.
        other_ports: "open" leaves connections to other than mail ports to the machine; "closed" makes them
            fail, and fails the test.
        pass_names: names that are left to the machine, besides those of one label and those in its hosts
            file; with wildcards as in file names, "*.internal". Names of the net are never left to it, and
            at mail ports no name is. With other ports closed, ports of these names are open.
        addresses: the kind of addresses that hosts get: from the "documentation" ranges; or "public" looking
            ones, for applications that refuse addresses that are not global.
        trust_ca: whether TLS contexts that trust the machine's authorities, or certifi's, also trust the
            net's own while it is active.
        enforce: rules to turn on at every provider that has them, by name or family, besides those that are
            on in a fresh net; "all" for all.
        providers: TOML files of providers, and folders with such files, besides those of the package.
        log: when the report of a test has the mailnet section: "failed", "always" or "never".
        log_lines: how many lines that section may have; 0 for no limit. A longer one is shortened, with what
            went wrong first; it names a file with the whole text.
    """

    strict: bool = True
    unknown_names: Literal["answer", "fail"] = "answer"
    other_ports: Literal["open", "closed"] = "open"
    pass_names: tuple[str, ...] = ()
    addresses: Literal["documentation", "public"] = "documentation"
    trust_ca: bool = True
    enforce: tuple[RuleName, ...] = ()
    providers: tuple[Path, ...] = ()
    log: Literal["failed", "always", "never"] = "failed"
    log_lines: int = 200

    if not TYPE_CHECKING:  # the type checker knows the settings

        def __new__(cls, *given: object, **settings: object) -> Self:
            """Check the settings' names, for better errors than Python's about `__init__`."""
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

        Args:
            settings: settings to change, by name.
            more: further ones; these win.

        Raises:
            InvalidSetting: for an unknown setting, with near misses, or an invalid value.
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
"""Where each setting can be given, for errors about attempts to set it elsewhere."""

steady("a mailnet's config", WHERE_SET)(MailNetConfig)


@functools.cache  # every net has a config, and reading annotations is slow
def _choices() -> Mapping[str, tuple[str, ...]]:
    hints = get_type_hints(MailNetConfig)
    return {name: get_args(hint) for name, hint in hints.items() if get_origin(hint) is Literal}
