"""Imports of this package's modules: as pip has compiled them, past pytest's rewriting and the collector."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

__all__ = ["AsCompiled", "uncollected"]


@contextmanager
def uncollected() -> Iterator[None]:
    """Import without collecting garbage: what modules make stays, and would be walked again and again."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class AsCompiled:
    """A finder that goes before pytest's, which would compile the modules again: every plugin's are marked.

    Where Python writes no bytecode, as in many containers, pytest would do so in each run.
    """

    @classmethod
    def install(cls) -> None:
        """Put the finder first, unless it is there."""
        if cls not in sys.meta_path:
            sys.meta_path.insert(0, cls)

    @classmethod
    def find_spec(
        cls, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module as Python itself finds it; None for modules of others."""
        return (
            PathFinder.find_spec(fullname, path, target) if fullname.startswith("pytest_mailnet.") else None
        )
