"""Read-only lists of what a net holds at the moment: a change to one would have no effect on the net."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from pytest_mailnet.errors import ReadOnly

__all__ = ["Snapshot", "since"]

_T = TypeVar("_T")


def _refused(how: str) -> Callable[..., NoReturn]:
    def change(self: Snapshot[Any], *_: object, **__: object) -> NoReturn:
        __tracebackhide__ = True
        raise self._error(how)

    return change


class Snapshot(list[_T]):
    """A read-only list. Lists made from it, by slices, `sorted` or `list`, can be changed.

    Args:
        items: the items at the moment.
        name: the expression that the test has used, for messages: "mailnet.messages".
        instead: what to do in place of a change, for messages.
    """

    __slots__ = ("_instead", "_name")

    def __init__(self, items: Iterable[_T], name: str, instead: str) -> None:
        super().__init__(items)
        self._name, self._instead = name, instead

    def __reduce__(self) -> tuple[type[list[_T]], tuple[list[_T]]]:
        return list, (list(self),)

    def _error(self, how: str) -> ReadOnly:
        return ReadOnly(
            f"{how.format(self._name)} would change nothing: {self._name} is a new list each time. "
            f"{self._instead}"
        )

    if not TYPE_CHECKING:  # the type checker sees a list
        append = _refused("{}.append(...)")
        clear = _refused("{}.clear()")
        extend = _refused("{}.extend(...)")
        insert = _refused("{}.insert(...)")
        pop = _refused("{}.pop()")
        remove = _refused("{}.remove(...)")
        reverse = _refused("{}.reverse()")
        sort = _refused("{}.sort()")
        __delitem__ = _refused("del {}[...]")
        __iadd__ = _refused("{} += ...")
        __imul__ = _refused("{} *= ...")
        __setitem__ = _refused("{}[...] = ...")


def since(name: str) -> str:
    """The hint, for messages, how to find the new items of a list that only grows."""
    return f"What comes later: before = len({name}), and then {name}[before:]."
