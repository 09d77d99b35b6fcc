"""Frozen values with fields, as dataclasses are, without methods that Python compiles for each class."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, dataclass_transform

__all__ = ["FrozenFields"]


@dataclass_transform(frozen_default=True, kw_only_default=True, eq_default=False)
class FrozenFields:
    """Makes each subclass a frozen dataclass, whose objects are made by keywords and compared by identity.

    A dataclass compiles its methods when its class is made, and a first test would wait for some forty rules
    and other facts of a provider. The methods here are slower at making an object; there is one a run.
    """

    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]

    def __init_subclass__(cls) -> None:
        dataclasses.dataclass(init=False, repr=False, eq=False)(cls)

    def __init__(self, **settings: object) -> None:
        kind = type(self).__name__
        values: dict[str, object] = {}
        for field in dataclasses.fields(self):
            if field.name in settings:
                values[field.name] = settings.pop(field.name)
            elif field.default is not dataclasses.MISSING:
                values[field.name] = field.default
            else:
                raise TypeError(f"{kind} takes {field.name}=...")
        if settings:
            raise TypeError(f"{kind} takes {', '.join(values)}, not {', '.join(settings)}")
        vars(self).update(values)
        self.__post_init__()

    def __post_init__(self) -> None:
        """Check the values."""

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in vars(self).items())})"
        )

    def __setattr__(self, name: str, value: object) -> None:
        raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> None:
        raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")
