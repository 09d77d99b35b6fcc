"""Puts patches in place, finds out who tampered with them, and takes them away again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Patches"]

_MISSING: Any = object()


@dataclass(frozen=True, slots=True)
class _Patch:
    owner: Any
    name: str
    found: Any
    put: Any
    watched: bool

    @property
    def now(self) -> Any:
        return vars(self.owner).get(self.name, _MISSING)


class Patches:
    """Attributes that were replaced for as long as a net is active; nets nest, last in first out."""

    def __init__(self) -> None:
        self._patches: list[_Patch] = []

    def put(self, owner: Any, name: str, value: Any, *, watched: bool = True) -> None:
        """Replace an attribute of a module or class, remembering what its own namespace held.

        Args:
            owner: the module or class.
            name: the attribute.
            value: what takes its place.
            watched: whether nobody else may replace it while the net is active.
        """
        self._patches.append(_Patch(owner, name, vars(owner).get(name, _MISSING), value, watched))
        setattr(owner, name, value)

    @property
    def in_place(self) -> bool:
        """Whether anything is replaced at the moment."""
        return bool(self._patches)

    def tampered(self) -> list[str]:
        """For each patch that somebody has replaced since, what was replaced and by whom."""
        outermost = {(patch.owner, patch.name): patch for patch in self._patches}
        return [
            f"{_title(patch.owner)}.{patch.name} is now {_described(patch.now)}"
            for patch in outermost.values()
            if patch.watched and patch.now is not patch.put
        ]

    def undo(self) -> None:
        """Put everything back as it was found, whoever has replaced it since."""
        while self._patches:
            patch = self._patches.pop()
            if patch.found is _MISSING:
                if patch.now is not _MISSING:
                    delattr(patch.owner, patch.name)
            else:
                setattr(patch.owner, patch.name, patch.found)


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
