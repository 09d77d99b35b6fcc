"""Checked attributes: to set one that has no effect, or an invalid value, is an error at once."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from types import FunctionType, MappingProxyType
from typing import Any, Generic, Self, TypeGuard, TypeVar, overload

from pytest_mailnet.errors import InvalidSetting, ReadOnly, UnknownAttribute, amongst, near_misses

__all__ = ["Flag", "Setting", "flag", "is_number", "is_whole", "steady"]

_C = TypeVar("_C", bound=type)
_T = TypeVar("_T")


class Setting(Generic[_T]):
    """An attribute of a `steady` class that a test can set; its values are checked.

    Args:
        default: its value until it is set.
        checked: called with the new value and the attribute's name for messages; returns the value to keep.
        then: called with the object after the attribute has been set.
    """

    def __init__(
        self, default: _T, checked: Callable[[Any, str], _T], then: Callable[[Any], object] = bool
    ) -> None:
        self._default, self._checked, self._then = default, checked, then

    def __set_name__(self, owner: type, name: str) -> None:
        # The default is a class attribute, so that it costs objects nothing.
        self._name, self._kept = name, f"_{name}"
        setattr(owner, self._kept, self._default)

    @overload
    def __get__(self, holder: None, kind: type) -> Self: ...

    @overload
    def __get__(self, holder: object, kind: type) -> _T: ...

    def __get__(self, holder: object | None, kind: type) -> Self | _T:
        if holder is None:
            return self
        kept: _T = getattr(holder, self._kept)
        return kept

    def __set__(self, holder: object, value: _T) -> None:
        __tracebackhide__ = True
        setattr(holder, self._kept, self._checked(value, f"{self._name} of {_noun(type(holder))}"))
        self._then(holder)


class Flag(Setting[bool]):
    """A setting that is True or False; False until it is set.

    Args:
        then: called with the object after the attribute has been set.
    """

    def __init__(self, then: Callable[[Any], object] = bool) -> None:
        super().__init__(default=False, checked=flag, then=then)


def flag(value: object, what: str) -> bool:
    """Return a value that must be True or False.

    Args:
        value: the value.
        what: the setting's name, for the message.

    Raises:
        InvalidSetting: for any other value; the text "no", say, would count as true.
    """
    __tracebackhide__ = True
    if not isinstance(value, bool):
        raise InvalidSetting(f"{what} takes True or False, not {value!r}")
    return value


def is_whole(value: object) -> TypeGuard[int]:
    """Whether a value is a whole number; True and False are not."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether a value is a number, whole or not; True and False are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def steady(told: str, instead: Mapping[str, str] = MappingProxyType({})) -> Callable[[_C], _C]:
    """Make a decorator of classes, by which only attributes with setters can be set.

    Names that begin with "_" are not checked. Python's own errors about wrong calls of methods get the names
    that tests use, too: "mailnet.add_server() missing 1 required positional argument".

    Args:
        told: what messages call an object of the class: "a mailnet".
        instead: for attributes that cannot be set or do not exist: what to do instead, for the message.
    """

    def settled(kind: _C) -> _C:
        for name, found in vars(kind).items():
            method = inspect.unwrap(found) if callable(found) else found
            if isinstance(method, FunctionType) and not name.startswith("_"):
                method.__qualname__ = f"{_called(told)}.{name}"
        own = {"_noun": told, "_instead": instead, "__setattr__": _set, "__delattr__": _delete}
        if "__getattr__" not in vars(kind):
            own["__getattr__"] = _missing
        for name, value in own.items():
            setattr(kind, name, value)
        return kind

    return settled


def _set(self: object, name: str, value: object) -> None:
    __tracebackhide__ = True
    if name[0] != "_" and not _settable(type(self), name):
        raise _refusal(self, name)
    object.__setattr__(self, name, value)


def _delete(self: object, name: str) -> None:
    if name[0] != "_":
        __tracebackhide__ = True
        raise ReadOnly(f"{name!r} of {_noun(type(self))} cannot be deleted")
    object.__delattr__(self, name)


def _missing(self: object, name: str) -> Any:
    kind = type(self)
    if hasattr(kind, name):
        return object.__getattribute__(self, name)  # its property has failed: show that error
    if name[:1] == "_":
        raise AttributeError(f"{kind.__name__!r} object has no attribute {name!r}", name=name, obj=self)
    __tracebackhide__ = True
    told = _cure(kind, name) or amongst(name, _public(kind))
    raise UnknownAttribute(f"{_noun(kind)} has no attribute {name!r}{told}")


def _refusal(self: object, name: str) -> ReadOnly | UnknownAttribute:
    kind = type(self)
    told, cure = _noun(kind), _cure(kind, name)
    found = getattr(kind, name, None)
    if found is None:
        able = [it for it in _public(kind) if _settable(kind, it)]
        if cure or able:
            return UnknownAttribute(f"{told} has no attribute {name!r} to set{cure or amongst(name, able)}")
        near = " or ".join(map(repr, near_misses(name, _public(kind))))
        meant = f" (did you mean {near}?)" if near else ""
        return UnknownAttribute(f"{told} has no attribute {name!r}{meant}, and none that can be set")
    if callable(found):
        return ReadOnly(f"{name}() of {told} is a method: it is called, and cannot be set{cure}")
    return ReadOnly(f"{name!r} of {told} can only be read{cure}")


def _public(kind: type) -> list[str]:
    return [name for name in dir(kind) if not name.startswith("_")]


def _settable(kind: type, name: str) -> bool:
    found = getattr(kind, name, None)
    return isinstance(found, Setting) or (isinstance(found, property) and found.fset is not None)


def _noun(kind: type) -> str:
    return str(getattr(kind, "_noun", kind.__name__))


def _cure(kind: type, name: str) -> str:
    instead: Mapping[str, str] = kind._instead  # type: ignore[attr-defined]  # noqa: SLF001
    return f": {instead[name]}" if name in instead else ""


def _called(told: str) -> str:
    return told.partition(" ")[2].replace("'s ", ".")
