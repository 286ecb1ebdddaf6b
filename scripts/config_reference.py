"""The page of every setting, from the dataclasses themselves: names, types, defaults, and what each field says.

python scripts/config_reference.py > docs/configuration.md
"""

import ast
import inspect
import textwrap
import typing
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from typing import Any

from meter.compare.systems import written
from meter.config import RunConfig


@dataclass(kw_only=True, slots=True)
class Setting:
    """A field: its dotted key, what it may be, its default, and what its docstring says."""

    key: str
    kind: str
    default: str
    says: str


def docstrings(schema: type) -> dict[str, str]:
    """What stands under each field of a dataclass and of those it inherits from."""
    found: dict[str, str] = {}
    for part in reversed(schema.__mro__[:-1]):
        (body,) = ast.parse(textwrap.dedent(inspect.getsource(part))).body
        assert isinstance(body, ast.ClassDef)
        for line, following in zip(body.body, [*body.body[1:], None], strict=True):
            if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
                found[line.target.id] = ""
                if isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant):
                    found[line.target.id] = " ".join(str(following.value.value).split())
    return found


def sections(schema: type, key: str = "") -> Iterator[tuple[str, type, list[Setting]]]:
    """Each dataclass of a config with its dotted key and its own fields, the outer ones first."""
    hints, says, default = typing.get_type_hints(schema), docstrings(schema), schema()
    own, inner = [], []
    for field in fields(schema):
        value, path = getattr(default, field.name), f"{key}.{field.name}" if key else field.name
        if is_dataclass(value):
            inner.append((path, type(value)))
        else:
            own.append(
                Setting(key=path, kind=kind_of(hints[field.name]), default=said(value), says=says[field.name])
            )
    yield key, schema, own
    for path, part in inner:
        yield from sections(part, path)


def kind_of(hint: Any) -> str:
    """A type in words: the choices of an enum, else its name."""
    if isinstance(hint, type) and issubclass(hint, Enum):
        return ", ".join(choice.name for choice in hint)
    arguments = typing.get_args(hint)
    if typing.get_origin(hint) is list:
        return f"list of {kind_of(arguments[0])}"
    if typing.get_origin(hint) is dict:
        return f"{kind_of(arguments[0])} → {kind_of(arguments[1])}"
    if arguments:
        return " or ".join("null" if each is type(None) else kind_of(each) for each in arguments)
    return hint.__name__


def said(value: Any) -> str:
    """A default as the command line would say it."""
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, list):
        return f"[{','.join(map(said, value))}]"
    return written(value) or "''"


def page() -> str:
    """The page as Markdown."""
    parts = [
        "# Every setting",
        "",
        "`key=value` on the command line, or the same in a YAML file of your own (`--config-dir`). The defaults are "
        "the paper's; choices such as `dataset=` and `experiment=` set several at once. This page is made from the "
        "dataclasses (`python scripts/config_reference.py`).",
    ]
    for key, schema, settings in sections(RunConfig):
        about = " ".join((inspect.getdoc(schema) or "").split("\n\n")[0].split())
        parts += ["", f"## {key or 'The run'}", "", cell(about)]
        if settings:
            parts += ["", "| key | may be | default | |", "|---|---|---|---|"]
            parts += [
                f"| `{one.key}` | {cell(one.kind)} | `{one.default}` | {cell(one.says)} |" for one in settings
            ]
    return "\n".join(parts) + "\n"


def cell(text: str) -> str:
    """Text that stays in its cell; a docstring's double backquotes become Markdown's."""
    return text.replace("``", "`").replace("|", "\\|")


if __name__ == "__main__":
    print(page(), end="")
