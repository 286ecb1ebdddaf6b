"""Configs whose choices may be written as strings, as one does in a notebook: ``ModelConfig(mask="prefix")``."""

from dataclasses import fields
from enum import Enum
from typing import Any

from meter.errors import InputError


class EnumFields:
    """A dataclass whose enum fields take a member's name for the member, and nothing else.

    Raises InputError where a field is set to what is no member, with the members there are.
    """

    __slots__ = ()

    def __setattr__(self, name: str, value: Any) -> None:
        kind = next((field.type for field in fields(self) if field.name == name), None)  # pyright: ignore[reportArgumentType]
        if isinstance(kind, type) and issubclass(kind, Enum) and not isinstance(value, kind):
            value = _member(kind, value, f"{type(self).__name__}.{name}")
        object.__setattr__(self, name, value)


def _member(kind: type[Enum], value: Any, where: str) -> Enum:
    members = kind.__members__
    if isinstance(value, str) and value in members:
        return members[value]
    raise InputError(f"{where}: expected one of {', '.join(members)}, found {value!r}")
