"""Published VQ-GANs: checkpoints of taming-transformers, opened without running anything that they hold.

Such a file is a pickle of PyTorch-Lightning: beside the weights it holds classes of callbacks and whatever else its
training kept. Only what rebuilds tensors is looked up here; everything else becomes an object that does nothing.
"""

import pickle
import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor
from torch._utils import _rebuild_parameter, _rebuild_tensor_v2

from meter.errors import InputError

NAMES = {
    "encoder.": "encoder.",
    "decoder.": "decoder.",
    "quant_conv.": "to_code.",
    "post_quant_conv.": "from_code.",
    "quantize.embedding.weight": "codebook.vectors",
}
"""What taming's weights are called here."""
LEFT_OUT = ("loss.",)
"""The discriminator and the perceptual network, which only training needs."""
REBUILDING = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor_v2,
    ("torch._utils", "_rebuild_parameter"): _rebuild_parameter,
    **{("torch", name): getattr(torch, name) for name in ("FloatStorage", "HalfStorage", "LongStorage")},
    **{("torch", name): getattr(torch, name) for name in ("DoubleStorage", "IntStorage", "BoolStorage")},
}
"""All that unpickling may call or look up."""


@dataclass(kw_only=True, slots=True)
class TamingCheckpoint:
    """A VQModel of taming-transformers: the sizes read off its weights, and the weights under the names used here.

    attention_levels: the resolution levels, counted from the full resolution, that have self-attention.
    """

    channels: int
    multipliers: list[int]
    num_residual_blocks: int
    attention_levels: list[int]
    latent_width: int
    num_codes: int
    code_width: int
    weights: dict[str, Tensor]


def read_taming(path: Path) -> TamingCheckpoint:
    """Reads a checkpoint of taming-transformers.

    Raises InputError where the file is missing or damaged, or holds another network than taming's VQModel.
    """
    weights = rename_weights(read_weights(path), path)
    try:
        channels = weights["encoder.conv_in.weight"].shape[0]
        num_levels = _count(weights, r"encoder\.down\.(\d+)\.")
        num_codes, code_width = weights["codebook.vectors"].shape
        return TamingCheckpoint(
            channels=channels,
            multipliers=[
                weights[f"encoder.down.{level}.block.0.conv1.weight"].shape[0] // channels
                for level in range(num_levels)
            ],
            num_residual_blocks=_count(weights, r"encoder\.down\.0\.block\.(\d+)\."),
            attention_levels=[
                level for level in range(num_levels) if f"encoder.down.{level}.attn.0.norm.weight" in weights
            ],
            latent_width=weights["encoder.conv_out.weight"].shape[0],
            num_codes=num_codes,
            code_width=code_width,
            weights=weights,
        )
    except KeyError as fault:
        raise InputError(
            f"{path}: expected the weights of taming's VQModel, found no {fault.args[0]}"
        ) from None


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a checkpoint by name; nothing of the file is executed."""
    if not path.is_file():
        raise InputError(f"{path}: expected a checkpoint of taming-transformers, found no such file")
    try:
        content = torch.load(path, map_location="cpu", pickle_module=INERT, weights_only=False)
    except Exception as fault:  # a damaged file can raise nearly any exception
        raise InputError(f"{path}: not a whole checkpoint ({type(fault).__name__}: {fault})") from None
    state = content.get("state_dict", content) if isinstance(content, Mapping) else {}
    weights = {
        name: weight
        for name, weight in (state.items() if isinstance(state, Mapping) else ())
        if isinstance(name, str) and isinstance(weight, Tensor)
    }
    if not weights:
        raise InputError(f"{path}: expected weights under state_dict, found none")
    return weights


def rename_weights(weights: Mapping[str, Tensor], path: Path) -> dict[str, Tensor]:
    """The codec's weights under the names used here. Raises InputError for a weight of another network."""
    renamed = {}
    for name, weight in weights.items():
        if name.startswith(LEFT_OUT):
            continue
        ours = next(
            (here + name[len(there) :] for there, here in NAMES.items() if name.startswith(there)), None
        )
        if ours is None:
            raise InputError(
                f"{path}: {name} belongs to no VQModel; checkpoints with a Gumbel quantizer or of a transformer are "
                "not opened"
            )
        renamed[ours] = weight
    return renamed


def _count(weights: Mapping[str, Tensor], pattern: str) -> int:
    return len({match[1] for name in weights if (match := re.match(pattern, name))})


class _Nothing:
    """Stands in for whatever a pickle asks for: takes all that is given to it and does nothing."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __setstate__(self, _: Any) -> None:
        pass

    def __setitem__(self, _: Any, __: Any) -> None:
        pass

    def append(self, _: Any) -> None:
        pass

    def extend(self, _: Any) -> None:
        pass


class _InertUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        return REBUILDING.get((module, name), _Nothing)


def _inert_load(file: Any, **options: Any) -> Any:
    return _InertUnpickler(file, **options).load()


INERT = SimpleNamespace(Unpickler=_InertUnpickler, load=_inert_load, __name__="inert")
"""What torch.load takes as its pickle module."""
