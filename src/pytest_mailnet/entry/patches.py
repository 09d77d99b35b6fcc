"""Puts patches in place, notices when others replace them, and takes them away again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

__all__ = ["Patches"]

_MISSING: Any = object()


class _Patch(NamedTuple):
    owner: Any
    names: Mapping[str, Any]  # of the owner's own namespace, alive
    name: str
    found: Any
    put: Any
    watched: bool
    yields: bool


class Patches:
    """Attributes that are replaced for as long as any net is active.

    After they are undone, the patches are kept. They are put in place again by one assignment a name, as long
    as all attributes still hold what they held the first time.
    """

    def __init__(self) -> None:
        self._patches: list[_Patch] = []
        self._kept: list[_Patch] = []
        self._assumed: list[tuple[Any, str, Any]] = []

    def assume(self, owner: Any, name: str) -> None:
        """Note an attribute that is not replaced, but on whose present value the patches depend.

        Args:
            owner: the module or class.
            name: the attribute.
        """
        self._assumed.append((owner, name, vars(owner).get(name, _MISSING)))

    def keep(self) -> None:
        """Keep the patches that are in place now, for `put_again`."""
        self._kept = list(self._patches)

    def put_again(self) -> bool:
        """Put the kept patches in place; return False if that is no longer possible."""
        changed = (vars(owner).get(name, _MISSING) is not it for owner, name, it in self._assumed)
        if not self._kept or any(changed):
            return False
        for patch in self._kept:
            owner, names, name, found, put, watched, yields = patch
            now = names.get(name, _MISSING)
            as_it_was = now is found or now is put  # another tool may have restored our patch itself
            if not as_it_was and (watched or yields):
                self.undo()
                return False
            self._patches.append(patch if as_it_was else patch._replace(found=now))
            setattr(owner, name, put)
        return True

    def forget(self) -> None:
        """Drop the kept patches."""
        self._kept, self._assumed = [], []

    def put(self, owner: Any, name: str, value: Any, *, watched: bool = True, yields: bool = False) -> None:
        """Replace an attribute of a module or class, and remember what its own namespace held.

        Args:
            owner: the module or class.
            name: the attribute.
            value: the new value.
            watched: whether `tampered` reports that others have replaced it.
            yields: whether `undo` leaves the attribute alone if others have replaced it.
        """
        names = vars(owner)
        self._patches.append(_Patch(owner, names, name, names.get(name, _MISSING), value, watched, yields))
        setattr(owner, name, value)

    def put_note(self, owner: Any, name: str, value: Any) -> None:
        """Replace a function that starts or hands over work by one that notes this as well.

        Tests and their tools may replace it in turn; no connection gets past a net by that.

        Args:
            owner: the module or class.
            name: the attribute.
            value: the new function.
        """
        self.put(owner, name, value, watched=False, yields=True)

    @property
    def in_place(self) -> bool:
        """Whether anything is replaced at the moment."""
        return bool(self._patches)

    def tampered(self) -> list[str]:
        """A sentence for each watched patch that others have replaced: what was replaced, and by what."""
        changed = [it for it in self._patches if it.watched and it.names.get(it.name, _MISSING) is not it.put]
        if not changed:
            return []
        outermost = {(patch.owner, patch.name): patch for patch in self._patches}
        return [
            f"{_title(patch.owner)}.{patch.name} is now {_described(patch.names.get(patch.name, _MISSING))}"
            for patch in changed
            if outermost[patch.owner, patch.name] is patch
        ]

    def undo(self, *, yielding: bool = False) -> None:
        """Put everything back as it was found, even if others have replaced it since.

        Args:
            yielding: whether to leave alone what others have replaced.
        """
        while self._patches:
            owner, names, name, found, put, _, yields = self._patches.pop()
            if (yielding or yields) and names.get(name, _MISSING) is not put:
                continue
            if found is not _MISSING:
                setattr(owner, name, found)
            elif name in names:
                delattr(owner, name)


def _title(owner: Any) -> str:
    name = getattr(owner, "__qualname__", None)
    return f"{owner.__module__}.{name}" if name else str(owner.__name__)


def _described(value: Any) -> str:
    if value is _MISSING:
        return "gone"
    module = getattr(value, "__module__", None) or "?"
    name = getattr(value, "__qualname__", None) or repr(value)
    code = getattr(value, "__code__", None)
    where = f" ({code.co_filename}:{code.co_firstlineno})" if code else ""
    return f"{module}.{name}{where}"
