"""Choices written as strings mean what they name, in every config; anything else is refused by name."""

import subprocess
import sys
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

import pytest

from meter.config import RunConfig
from meter.errors import InputError
from tests.conftest import ROOT


def enum_fields(config: Any) -> list[tuple[Any, str, type[Enum]]]:
    """Every enum field of a config and of all configs within: the config, the field's name, the enum."""
    found = []
    for field in fields(config):
        value = getattr(config, field.name)
        if is_dataclass(value):
            found += enum_fields(value)
        elif isinstance(value, Enum):
            found.append((config, field.name, type(value)))
    return found


FIELDS = enum_fields(RunConfig())


AS_IN_A_NOTEBOOK = """
from meter.model import Mask, ModelConfig
from meter.errors import InputError
assert ModelConfig(mask="peter").mask is Mask.peter
assert ModelConfig(mask="prefix").mask is Mask.prefix
try:
    ModelConfig(mask="wrong")
except InputError as refusal:
    print(refusal)
"""


def test_a_config_is_made_with_strings() -> None:
    """In a process of its own: the tests check types at every call, and a string is not of the declared type."""
    done = subprocess.run([sys.executable, "-c", AS_IN_A_NOTEBOOK], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "ModelConfig.mask: expected one of peter, prefix, literal, found 'wrong'", (
        done.stderr
    )


def test_there_are_enum_fields_to_try() -> None:
    assert {kind.__name__ for _, _, kind in FIELDS} >= {
        "Mask",
        "Pairing",
        "Relaxation",
        "OptimizerKind",
        "Wandb",
    }


@pytest.mark.parametrize(
    ("config", "name", "kind"), FIELDS, ids=lambda each: each if isinstance(each, str) else ""
)
def test_every_choice_of_every_config_may_be_a_string(config: Any, name: str, kind: type[Enum]) -> None:
    fresh = type(config)()
    for member in kind:
        setattr(fresh, name, member.name)
        assert getattr(fresh, name) is member
    for wrong in ("wrong", None):
        with pytest.raises(
            InputError, match=rf"{type(config).__name__}\.{name}: expected one of .*, found {wrong!r}"
        ):
            setattr(fresh, name, wrong)
