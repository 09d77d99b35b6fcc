"""How a child process asks its parent: the table of questions, and how arguments and answers are written.

The table is made from the annotations of `Network`: a question that is added there needs nothing here. A
question is a line of JSON, ["connections.dial", [1, 40321, ["192.0.2.10", 25]]], and so is its answer. Named
tuples are written as lists.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple, Union, get_args, get_origin, get_type_hints

from pytest_mailnet.entry.network import Network

__all__ = ["QUESTIONS", "Question"]

_Reader = Callable[[Any], Any]


class Question(NamedTuple):
    """How the values of one question are read from JSON.

    Attributes:
        arguments: a function for each argument, in their order.
        answer: a function for the answer.
    """

    arguments: tuple[_Reader, ...]
    answer: _Reader


def _as_it_is(value: Any) -> Any:
    return value


def _reader(hint: Any) -> _Reader:
    """What makes a value of an annotated type from what JSON has for it."""
    origin = get_origin(hint)
    if origin in {Union, types.UnionType}:
        [kind] = [it for it in get_args(hint) if it is not type(None)]
        read = _reader(kind)
        return lambda value: None if value is None else read(value)
    if isinstance(hint, type) and hasattr(hint, "_fields"):  # a named tuple
        readers = [_reader(it) for it in get_type_hints(hint).values()]
        return lambda value: hint(*(read(it) for read, it in zip(readers, value, strict=True)))
    if hint is bool:
        return bool
    return tuple if origin is tuple else _as_it_is


def _questions() -> Mapping[str, Question]:
    found = {}
    for kind, protocol in get_type_hints(Network).items():
        for name, function in vars(protocol).items():
            if name.startswith("_"):
                continue
            hints = get_type_hints(function)
            answer = _reader(hints.pop("return"))
            found[f"{kind}.{name}"] = Question(tuple(map(_reader, hints.values())), answer)
    return MappingProxyType(found)


QUESTIONS: Final = _questions()
"""Every question that a child process may ask, as "connections.dial"."""
