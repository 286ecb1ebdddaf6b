"""Opens PETER's weights (Li, Zhang & Chen, ACL 2021) as a model without pictures: PETER is a special case of METER."""

import re
from collections.abc import Mapping

import torch
from jaxtyping import Int
from torch import Tensor

from meter.errors import InputError
from meter.model.embedding import Positions, sinusoids
from meter.model.initialisation import Initialisation
from meter.model.meter import Meter, ModelConfig

POSITIONS = "pos_encoder.pe"
NAMES = {
    "embedding.users.weight": "user_embeddings.weight",
    "embedding.items.weight": "item_embeddings.weight",
    "embedding.words.weight": "word_embeddings.weight",
    "heads.text.weight": "hidden2token.weight",
    "heads.text.bias": "hidden2token.bias",
    "heads.rating.hidden.weight": "recommender.linear1.weight",
    "heads.rating.hidden.bias": "recommender.linear1.bias",
    "heads.rating.output.weight": "recommender.linear2.weight",
    "heads.rating.output.bias": "recommender.linear2.bias",
}
"""Our name of a weight and PETER's, outside the layers."""
LAYER_NAMES = {
    "attention.project_in.weight": "self_attn.in_proj_weight",
    "attention.project_in.bias": "self_attn.in_proj_bias",
    "attention.project_out.weight": "self_attn.out_proj.weight",
    "attention.project_out.bias": "self_attn.out_proj.bias",
    "attention_norm.weight": "norm1.weight",
    "attention_norm.bias": "norm1.bias",
    "feedforward.0.weight": "linear1.weight",
    "feedforward.0.bias": "linear1.bias",
    "feedforward.3.weight": "linear2.weight",
    "feedforward.3.bias": "linear2.bias",
    "feedforward_norm.weight": "norm2.weight",
    "feedforward_norm.bias": "norm2.bias",
}
"""Our name of a weight and PETER's, inside a layer."""
PER_WORD = ("embedding.words.weight", "heads.text.weight", "heads.text.bias")
"""Weights with a row for every word."""


def from_state_dict(
    state_dict: Mapping[str, Tensor],
    *,
    text_length: int,
    heads: int,
    pad: int = 2,
    bos: int = 0,
    eos: int = 1,
    unk: int | None = None,
    has_feature: bool = False,
    dropout: float = 0.2,
) -> Meter:
    """Opens the ``state_dict()`` of PETER's model, trained with its own mask (``--peter_mask``).

    All sizes are read from the weights but what they do not show:

    text_length: n, the longest sentence in words.
    heads: the number of attention heads.
    pad, bos, eos, unk: PETER's numbers of the special words; its code's by default. ``word_order`` says how all
        words are numbered afterwards.
    has_feature: True for PETER+, which reads a feature word.
    dropout: for training on; PETER's by default.

    Raises:
        InputError: a weight is missing, unexpected or of another shape, or the words cannot be numbered.
    """
    layers = _num_layers(state_dict)
    names = NAMES | {
        f"transformer.blocks.{layer}.{ours}": f"transformer_encoder.layers.{layer}.{peters}"
        for layer in range(layers)
        for ours, peters in LAYER_NAMES.items()
    }
    _check_names(set(names.values()), set(state_dict) - {POSITIONS})
    num_words, width = _matrix_shape(state_dict, "word_embeddings.weight")
    model = Meter(
        ModelConfig(
            num_users=_matrix_shape(state_dict, "user_embeddings.weight")[0],
            num_items=_matrix_shape(state_dict, "item_embeddings.weight")[0],
            num_words=num_words,
            text_length=text_length,
            has_feature=has_feature,
            width=width,
            layers=layers,
            heads=heads,
            feedforward=_matrix_shape(state_dict, "transformer_encoder.layers.0.linear1.weight")[0],
            dropout=dropout,
            positions=Positions.sinusoidal,
            scale_embeddings=True,
            shared_word_head=True,
            initialisation=Initialisation.peter,
        )
    )
    own = model.state_dict()
    _check_shapes({peters: own[ours].shape for ours, peters in names.items()}, state_dict)
    _check_positions(state_dict.get(POSITIONS), model)
    order = word_order(num_words, pad=pad, bos=bos, eos=eos, unk=unk)
    weights = {ours: state_dict[peters] for ours, peters in names.items()}
    weights |= {name: weights[name][order.to(weights[name].device)] for name in PER_WORD}
    model.load_state_dict(own | weights, strict=True)
    return model.eval()


def word_order(
    num_words: int, *, pad: int = 2, bos: int = 0, eos: int = 1, unk: int | None = None
) -> Int[Tensor, " W"]:
    """PETER's number of each of our words: PAD, BOS, EOS and UNK first, then all others as PETER orders them.

    Where PETER's special words are its first four, as in its code, every other word keeps its number.
    ``word_order(…).argsort()`` turns PETER's numbers into ours.

    unk: the one of the first four that is left over where None.

    Raises:
        InputError: two special words share a number, or one is no word at all.
    """
    if unk is None:
        left_over = set(range(4)) - {pad, bos, eos}
        if len(left_over) != 1:
            raise InputError(
                f"pad={pad}, bos={bos}, eos={eos} leave open which word is unknown: give unk=… too"
            )
        (unk,) = left_over
    special = [pad, bos, eos, unk]  # in our order: PAD 0, BOS 1, EOS 2, UNK 3
    if len(set(special)) < 4 or not all(0 <= number < num_words for number in special):
        raise InputError(
            f"pad={pad}, bos={bos}, eos={eos}, unk={unk}: expected four different numbers below {num_words}"
        )
    others = [number for number in range(num_words) if number not in special]
    return torch.tensor(special + others)


def _num_layers(names: Mapping[str, Tensor]) -> int:
    matches = (re.match(r"transformer_encoder\.layers\.(\d+)\.", name) for name in names)
    return 1 + max((int(match[1]) for match in matches if match), default=0)


def _matrix_shape(state_dict: Mapping[str, Tensor], name: str) -> tuple[int, int]:
    """The shape of a matrix whose sizes nothing else tells."""
    shape = tuple(state_dict[name].shape)
    if len(shape) != 2:
        raise InputError(f"not PETER's weights: {name}: expected a matrix, found shape {shape}")
    return shape


def _check_names(expected: set[str], found: set[str]) -> None:
    faults = [f"{name} is missing" for name in sorted(expected - found)]
    faults += [f"{name} is unexpected" for name in sorted(found - expected)]
    _refuse(faults)


def _check_shapes(expected: Mapping[str, torch.Size], found: Mapping[str, Tensor]) -> None:
    _refuse(
        [
            f"{name}: expected shape {tuple(shape)}, found {tuple(found[name].shape)}"
            for name, shape in expected.items()
            if shape != found[name].shape
        ]
    )


def _check_positions(table: Tensor | None, model: Meter) -> None:
    """PETER's checkpoint may hold its fixed positions, (T, 1, D); ours are computed and must be the same."""
    if table is None:
        return
    width, length = model.config.width, model.layout.length
    if table.ndim != 3 or table.shape[1:] != (1, width) or len(table) < length:
        _refuse([f"{POSITIONS}: expected shape (at least {length}, 1, {width}), found {tuple(table.shape)}"])
    if not torch.allclose(table[:length, 0].cpu().float(), sinusoids(length, width), atol=1e-5):
        _refuse([f"{POSITIONS}: expected sines and cosines (Vaswani et al., 2017), found other values"])


def _refuse(faults: list[str]) -> None:
    if not faults:
        return
    more = f"; and {len(faults) - 5} more" if len(faults) > 5 else ""
    raise InputError(f"not PETER's weights: {'; '.join(faults[:5])}{more}")
