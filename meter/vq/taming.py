"""Published VQ-GANs: checkpoints of taming-transformers, opened without running anything that they hold.

Such a file is a pickle of PyTorch-Lightning: beside the weights it holds classes of callbacks and whatever else its
training kept. Only what rebuilds tensors is looked up here; everything else becomes an object that does nothing.
"""

import pickle
import re
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor
from torch._utils import _rebuild_parameter, _rebuild_tensor_v2

from meter.errors import InputError
from meter.vq.vqgan import VQGAN, VQConfig

NAMES = {
    "encoder.": "encoder.",
    "decoder.": "decoder.",
    "quant_conv.": "to_code.",
    "post_quant_conv.": "from_code.",
    "quantize.embedding.weight": "codebook.vectors",
}
"""What taming's weights are called here."""
LEFT_OUT = ("loss.",)
"""The discriminator and the perceptual network, which only the training needs."""
REBUILDING = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor_v2,
    ("torch._utils", "_rebuild_parameter"): _rebuild_parameter,
    **{("torch", name): getattr(torch, name) for name in ("FloatStorage", "HalfStorage", "LongStorage")},
    **{("torch", name): getattr(torch, name) for name in ("DoubleStorage", "IntStorage", "BoolStorage")},
}
"""All that is ever called or looked up."""


def open_taming(path: Path | str, image_size: int = 256) -> VQGAN:
    """The codec of a checkpoint, for photos of ``image_size`` pixels; its sizes are read off its weights.

    image_size: attention stays at the levels that it was trained at, whatever the size of the photos.
    Raises InputError where the file is not there or torn, or holds another network than taming's VQModel.
    """
    path = Path(path)
    weights = renamed(read_weights(path), path)
    config = config_of(weights, image_size, path)
    vq = VQGAN(config)
    expected = {name: tuple(weight.shape) for name, weight in vq.state_dict().items()}
    found = {name: tuple(weight.shape) for name, weight in weights.items()}
    if expected != found:
        wrong = sorted(name for name in expected | found if expected.get(name) != found.get(name))
        raise InputError(
            f"{path}: {len(wrong)} weights are not those of taming's VQModel, {wrong[0]} among them: expected "
            f"{expected.get(wrong[0])}, found {found.get(wrong[0])}"
        )
    vq.load_state_dict({name: weight.float() for name, weight in weights.items()})
    return vq.eval()


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a checkpoint by name; nothing of the file is executed."""
    if not path.is_file():
        raise InputError(f"{path}: expected a checkpoint of taming-transformers, found no such file")
    try:
        held = torch.load(path, map_location="cpu", pickle_module=INERT, weights_only=False)
    except Exception as fault:  # a torn file can end in nearly any exception
        raise InputError(f"{path}: not a whole checkpoint ({type(fault).__name__}: {fault})") from None
    state = held.get("state_dict", held) if isinstance(held, Mapping) else {}
    weights = {
        name: weight
        for name, weight in (state.items() if isinstance(state, Mapping) else ())
        if isinstance(name, str) and isinstance(weight, Tensor)
    }
    if not weights:
        raise InputError(f"{path}: expected weights under state_dict, found none")
    return weights


def renamed(weights: Mapping[str, Tensor], path: Path) -> dict[str, Tensor]:
    """The codec's weights under the names they have here. Raises InputError for a weight that has no place."""
    found = {}
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
        found[ours] = weight
    return found


def config_of(weights: Mapping[str, Tensor], image_size: int, path: Path) -> VQConfig:
    """The sizes that these weights have."""
    try:
        channels = weights["encoder.conv_in.weight"].shape[0]
        levels = _count(weights, r"encoder\.down\.(\d+)\.")
        num_codes, code_width = weights["codebook.vectors"].shape
        return VQConfig(
            image_size=image_size,
            channels=channels,
            multipliers=[
                weights[f"encoder.down.{level}.block.0.conv1.weight"].shape[0] // channels
                for level in range(levels)
            ],
            num_residual_blocks=_count(weights, r"encoder\.down\.0\.block\.(\d+)\."),
            attention_sizes=[
                image_size // 2**level
                for level in range(levels)
                if f"encoder.down.{level}.attn.0.norm.weight" in weights
            ],
            latent_width=weights["encoder.conv_out.weight"].shape[0],
            num_codes=num_codes,
            code_width=code_width,
        )
    except KeyError as fault:
        raise InputError(
            f"{path}: expected the weights of taming's VQModel, found no {fault.args[0]}"
        ) from None


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
