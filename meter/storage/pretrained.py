"""Networks on disk: a config as ``config.json``, and the weights as ``model.safetensors``, in one folder.

Only files are read: a folder that does not exist is an error, and never the name of a model on the network, as it is
for huggingface_hub's mixin of the same methods.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from meter.errors import InputError
from meter.storage.json_file import read_json, write_json

CONFIG, WEIGHTS = "config.json", "model.safetensors"
NUM_NAMED = 3
"""Faults that an error names; it counts the others."""

Config = TypeVar("Config")
Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True, kw_only=True, slots=True)
class SavedNetwork(Generic[Config]):
    """What a folder holds: the config that a network is made from, and its weights by name."""

    folder: Path
    config: Config
    weights: dict[str, Tensor]

    def load_into(self, network: Network) -> Network:
        """Gives its weights to a network of this config and returns it, ready to be used (``eval``).

        Raises InputError where a weight is missing, unknown, or of another shape.
        """
        expected = {name: weight.shape for name, weight in network.state_dict().items()}
        found = {name: weight.shape for name, weight in self.weights.items()}
        faults = [f"no {name}" for name in expected.keys() - found.keys()]
        faults += [f"unknown {name}" for name in found.keys() - expected.keys()]
        faults += [
            f"{name} of shape {tuple(found[name])}, not {tuple(shape)}"
            for name, shape in expected.items()
            if name in found and found[name] != shape
        ]
        if faults:
            named, others = sorted(faults)[:NUM_NAMED], len(faults) - NUM_NAMED
            raise InputError(
                f"{self.folder / WEIGHTS}: expected the weights of a {type(network).__name__} with the sizes in "
                f"{CONFIG}, found {', '.join(named)}{f' and {others} more' if others > 0 else ''}"
            )
        network.load_state_dict(self.weights, strict=True)
        return network.eval()


def save_pretrained(folder: Path | str, config: Any, weights: Mapping[str, Tensor]) -> None:
    """Writes a network's config, a dataclass, and its weights (``state_dict``) to a folder, which is made if needed."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / CONFIG, config, indent=1)
    write_tensors(folder / WEIGHTS, weights)


def read_pretrained(folder: Path | str, config: type[Config]) -> SavedNetwork[Config]:
    """Reads what ``save_pretrained`` wrote.

    config: the config's dataclass, all of whose fields have defaults: one that did not exist when the network was saved
        keeps its own. Choices are converted from their names where it has ``EnumFields``.

    Raises InputError where a file is missing or damaged, or where the config has a field that the dataclass has not.
    """
    folder = Path(folder)
    for name in (CONFIG, WEIGHTS):
        if not (folder / name).exists():
            raise InputError(f"{folder}: expected {CONFIG} and {WEIGHTS}, found no {name}")
    return SavedNetwork(
        folder=folder, config=_read_config(folder / CONFIG, config), weights=read_tensors(folder / WEIGHTS)
    )


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Writes tensors by name, from any device, as safetensors; whole or not at all."""
    partial = path.with_name(f"{path.name}.partial")
    save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, partial)
    partial.replace(path)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Reads what ``write_tensors`` wrote. Raises InputError where there is no such file."""
    try:
        return load_file(path)
    except (OSError, SafetensorError) as fault:
        raise InputError(
            f"{path}: expected tensors in the safetensors format, found none: {fault}"
        ) from fault


def _read_config(path: Path, config: type[Config]) -> Config:
    try:
        values = read_json(path)
    except ValueError as fault:
        raise InputError(f"{path}: expected JSON, found none: {fault}") from fault
    known = {field.name for field in fields(cast(Any, config))}
    if not isinstance(values, dict) or not values.keys() <= known:
        unknown = ", ".join(sorted(values.keys() - known)) if isinstance(values, dict) else repr(values)
        raise InputError(f"{path}: expected fields of {config.__name__}, found {unknown}")
    filled = config()
    try:
        for name, value in values.items():
            setattr(filled, name, value)
    except InputError as fault:
        raise InputError(f"{path}: {fault}") from fault
    return filled
