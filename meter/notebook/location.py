"""Where in a picture a word of its sentence is found: by the attention that the codes give to the word.

Attention is not explanation (Jain and Wallace, 2019): it tells where the model looked while it drew. What the word
does to the picture is asked with ``what_if``.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from PIL import Image
from torch import Tensor

from meter.model import Meter
from meter.model.attention_maps import attention_maps

DIMMED = 0.2
"""Brightness of a place that gives the word no attention."""


@dataclass(kw_only=True, slots=True)
class Location:
    """A word in a picture.

    weights: of every place of the grid of codes, from 0 to 1 for the place that gives the word the most attention.
    attention: the mean attention that a code gives to the word, over all codes.
    image: the picture, dark where the weight is small.
    """

    word: str
    weights: Float[np.ndarray, "rows columns"]
    attention: float
    image: UInt8[np.ndarray, "S S 3"]

    def _repr_html_(self) -> str:
        from meter.report.rendering import render

        return render("location_notebook.html.j2", location=self)


@torch.no_grad()
def word_attention(
    model: Meter,
    users: Int[Tensor, " 1"],
    items: Int[Tensor, " 1"],
    features: Int[Tensor, " 1"] | None,
    words: Int[Tensor, "1 S"],
    codes: Int[Tensor, "1 M"],
    index: int,
) -> Float[np.ndarray, "rows columns"]:
    """The attention that each code gives to a word of the sentence while it is chosen: mean over layers and heads.

    index: of the word in the sentence, 0 for the first.
    """
    with attention_maps(model.transformer) as maps:
        model(users, items, features, words, codes)
    slot = model.layout.text.start + 1 + index
    to_word = torch.stack([weights[0, :, model.layout.visual, slot] for weights in maps])
    rows, columns = model.config.grid
    return to_word.float().mean(dim=(0, 1)).view(rows, columns).cpu().numpy()


def located(
    word: str, attention: Float[np.ndarray, "rows columns"], picture: UInt8[np.ndarray, "S S 3"]
) -> Location:
    """The picture, lit where it attends to the word."""
    strongest = attention.max()
    weights = attention / strongest if strongest > 0 else np.zeros_like(attention)
    height, width = picture.shape[:2]
    light = Image.fromarray(weights.astype(np.float32)).resize((width, height), Image.Resampling.BILINEAR)
    brightness = DIMMED + (1 - DIMMED) * np.asarray(light)[..., None]
    return Location(
        word=word,
        weights=weights,
        attention=float(attention.mean()),
        image=np.round(picture * brightness).clip(0, 255).astype(np.uint8),
    )
