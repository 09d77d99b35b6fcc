"""The module and the function of an application, or what is wrong with them."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import operator
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from pytest_mailnet.errors import InvalidSetting, amongst, near_misses

__all__ = ["compiled", "function_in", "module_at", "takes_several"]

_SEVERAL = frozenset({"recipients", "to_addrs", "rcpt_tos", "rcpttos", "to_list", "tos"})
_LISTS = ("list[", "sequence[", "iterable[", "tuple[")


def module_at(where: str) -> ModuleType:
    """Import a module: a file, "app.py", or a name, "shop.mail".

    Raises:
        InvalidSetting: if there is none, or it raises as it is imported.
    """
    path = Path(where)
    if path.suffix == ".py" and not path.is_file():
        there = [it.name for it in path.parent.glob("*.py")] if path.parent.is_dir() else []
        raise InvalidSetting(f"no file {where!r}{amongst(path.name, there)}")
    for folder in dict.fromkeys([str(Path.cwd()), str(path.parent.resolve())]):
        if folder not in sys.path:
            sys.path.insert(0, folder)
    try:
        return _executed(path) if path.suffix == ".py" else importlib.import_module(where)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        name = error.name if isinstance(error, ModuleNotFoundError) else None
        if name is not None and (where == name or where.startswith(f"{name}.")):
            raise InvalidSetting(
                f"no module {name!r} in {Path.cwd()}; a file is named with its ending, as in app.py:deliver"
            ) from None
        frames = traceback.extract_tb(error.__traceback__)
        place = f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""
        raise InvalidSetting(
            f"{where} raises as it is imported: {type(error).__name__}: {error}{place}"
        ) from error


def _executed(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def function_in(module: ModuleType, where: str, name: str) -> Callable[..., Any]:
    """A function of a module, by its name.

    Args:
        module: the module.
        where: how the user has named it.
        name: the function's name, with dots for one within an object; "" for none given.

    Raises:
        InvalidSetting: if there is no such function; names the near misses.
    """
    own = [
        key
        for key, it in vars(module).items()
        if callable(it) and not key.startswith("_") and getattr(it, "__module__", "") == module.__name__
    ]
    if not name:
        raise InvalidSetting(
            f"which function of {where}? As in {where}:{(own or ['deliver'])[-1]}{amongst('', own)}"
        )
    try:
        found = operator.attrgetter(name)(module)
    except AttributeError:
        near = [f": {where}:{it}" for it in near_misses(name, own)[:1]]
        raise InvalidSetting(f"{where} has no function {name!r}{amongst(name, own)}{''.join(near)}") from None
    if not callable(found):
        raise InvalidSetting(f"{where}:{name} is {found!r}, and no function")
    function: Callable[..., Any] = found
    return function


def takes_several(function: Callable[..., Any], name: str) -> bool:
    """Whether a function takes several recipients, by the name or the type of its second parameter.

    Args:
        function: the function.
        name: how the user has named it.

    Raises:
        InvalidSetting: if it cannot be called with a sender, recipients and a mail.
    """
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # of a function in C
        return False
    try:
        bound = signature.bind("sender", "recipient", b"message")
    except TypeError as error:
        raise InvalidSetting(
            f"{name}{signature} is called with sender, recipient and message (bytes): {error}. Another call: "
            f"call = '{name.rpartition(':')[2]}(...)' in [tool.mailnet.audit] of pyproject.toml, with the "
            "names sender, recipient, recipients, message and message_id"
        ) from None
    second = list(bound.arguments)[1]
    written = str(signature.parameters[second].annotation).lower()
    return second in _SEVERAL or any(it in written for it in _LISTS)


def compiled(key: str, text: str, mode: str = "eval") -> CodeType:
    """An expression, or statements, of the settings.

    Args:
        key: the key.
        text: what is written there.
        mode: "eval" for an expression, "exec" for statements.

    Raises:
        InvalidSetting: if it is none.
    """
    try:
        return compile(text, f"[tool.mailnet.audit] {key}", mode)
    except SyntaxError as error:
        raise InvalidSetting(f"[tool.mailnet.audit] {key} = {text!r} is not Python: {error.msg}") from None
