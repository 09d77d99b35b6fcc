"""Patches libraries that are imported while a net is active, as soon as they are."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType

__all__ = ["OnImport"]


class OnImport(importlib.abc.MetaPathFinder):
    """Calls a function after a module has been imported. An importer of `sys.meta_path`.

    Args:
        then: the functions, by the names of the modules.
    """

    def __init__(self, then: Mapping[str, Callable[[], None]]) -> None:
        self._then = then

    def install(self) -> None:
        """Watch imports from now on."""
        sys.meta_path.insert(0, self)

    def uninstall(self) -> None:
        """Stop watching."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        """Find a watched module by the other importers (`importlib.abc.MetaPathFinder.find_spec`)."""
        if fullname not in self._then:
            return None
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(fullname, path, target)
            if spec is not None and spec.loader is not None:
                spec.loader = _Loader(spec.loader, self._then[fullname])
                return spec
        return None


class _Loader(importlib.abc.Loader):
    def __init__(self, loader: importlib.abc.Loader, then: Callable[[], None]) -> None:
        self._loader = loader
        self._then = then

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        # First: code that reads the module's resources later asks the module's own loader.
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        module.__loader__ = self._loader
        self._loader.exec_module(module)
        self._then()
