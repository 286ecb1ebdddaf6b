"""What the model uses: how much its losses rise when one of its inputs is that of another record.

Attention says where a model looks; this says what would become of its predictions without it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor

from meter.evaluate.partners import draw_partners
from meter.model import PAD, Meter
from meter.train.batches import Batch, Examples


@dataclass(kw_only=True, slots=True)
class Reliance:
    """One loss under one swap, over the examples that have a partner to swap with.

    swapped: user, item, feature, sentence, or sentence_and_item.
    own, with_swap: the loss in nats per word or per code. rise: their difference.
    worse: share of examples whose own loss rises, half of those where it stays.
    """

    swapped: str
    own: float
    with_swap: float
    rise: float
    worse: float
    count: int


@dataclass(kw_only=True, slots=True)
class Reliances:
    """How much the loss of the words, and that of the codes, rests on each input; no codes, no picture.

    count: examples that were asked, with or without a photo.
    """

    count: int
    text: list[Reliance]
    picture: list[Reliance]


@dataclass(kw_only=True, slots=True)
class ExampleLosses:
    """−log p of all words (EOS among them) and of all codes of each example, and how many there are."""

    text: Float[Tensor, " B"]
    words: Float[Tensor, " B"]
    picture: Float[Tensor, " B"] | None
    codes: Float[Tensor, " B"]


Swap = Callable[[Batch, Batch], Batch]
SWAPS: dict[str, Swap] = {
    "user": lambda batch, other: replace(batch, users=other.users),
    "item": lambda batch, other: replace(batch, items=other.items),
    "feature": lambda batch, other: replace(batch, features=other.features),
    "sentence": lambda batch, other: replace(batch, words=other.words),
    "sentence_and_item": lambda batch, other: replace(batch, words=other.words, items=other.items),
}
"""What is taken from the partner."""
OF_PICTURES = {"sentence", "sentence_and_item"}
"""Swaps of what the sentence itself does not depend on."""


def rely(
    model: Meter,
    examples: Examples,
    rows: Int64[np.ndarray, "R"],
    features: Int64[np.ndarray, "R"],
    generator: np.random.Generator,
    batch_size: int,
) -> Reliances:
    """Swaps each input of held-out true examples with that of a partner among them.

    The partner of a swapped item or sentence has the same feature and another item, so that what changes is what is
    said of the feature. That of a swapped user is any record of another user, that of a swapped feature any record
    of another feature.

    rows: of the examples. features: of the records, whether the model is told them or not.
    """
    users, items = (values[torch.from_numpy(rows)].tolist() for values in (examples.users, examples.items))
    everyone, asked = [0] * len(rows), features.tolist()
    of_item = draw_partners(asked, items, generator)
    partners = {
        "user": draw_partners(everyone, users, generator),
        "item": of_item,
        "sentence": of_item,
        "sentence_and_item": of_item,
    }
    if examples.features is not None:
        partners["feature"] = draw_partners(everyone, asked, generator)
    own = _losses(model, examples, rows, rows, None, batch_size)
    found: dict[str, list[Reliance]] = {"text": [], "picture": []}
    for name, swap in SWAPS.items():
        places = np.flatnonzero(partners[name] >= 0) if name in partners else []
        if len(places) == 0:
            continue
        swapped = _losses(model, examples, rows[places], rows[partners[name][places]], swap, batch_size)
        kept = {key: values[places] for key, values in own.items()}
        if name not in OF_PICTURES:
            found["text"] += _compare(name, kept["text"], swapped["text"], kept["words"])
        found["picture"] += _compare(name, kept["picture"], swapped["picture"], kept["codes"])
    return Reliances(count=len(rows), **found)


def _losses(
    model: Meter,
    examples: Examples,
    rows: Int64[np.ndarray, "R"],
    partners: Int64[np.ndarray, "R"],
    swap: Swap | None,
    batch_size: int,
) -> Mapping[str, Float[np.ndarray, "R"]]:
    parts: dict[str, list[Tensor]] = {"text": [], "words": [], "picture": [], "codes": []}
    for start in range(0, len(rows), batch_size):
        batch, other = (
            examples.batch(torch.from_numpy(chosen[start : start + batch_size]).to(examples.device))
            for chosen in (rows, partners)
        )
        losses = example_losses(model, batch, batch if swap is None else swap(batch, other))
        for name, values in parts.items():
            of_part = getattr(losses, name)
            values.append(torch.zeros(len(batch.rows)) if of_part is None else of_part.cpu())
    return {name: torch.cat(values).double().numpy() for name, values in parts.items()}


@torch.no_grad()
def example_losses(model: Meter, batch: Batch, given: Batch) -> ExampleLosses:
    """The losses of the words and codes of ``batch``, predicted from the inputs in ``given``.

    Where ``given`` has another sentence, the loss of the words means nothing.
    """
    output = model(given.users, given.items, given.features, given.words, batch.codes)
    text = F.cross_entropy(
        output.text.float().flatten(0, 1), batch.words.flatten(), ignore_index=PAD, reduction="none"
    )
    picture, codes = None, torch.zeros(len(batch.rows))
    if output.visual is not None and batch.codes is not None:
        each = F.cross_entropy(
            output.visual.float().flatten(0, 1), batch.codes.flatten(), ignore_index=-1, reduction="none"
        )
        picture, codes = each.view_as(batch.codes).sum(dim=1), (batch.codes >= 0).sum(dim=1).float()
    return ExampleLosses(
        text=text.view_as(batch.words).sum(dim=1),
        words=(batch.words != PAD).sum(dim=1).float(),
        picture=picture,
        codes=codes,
    )


def _compare(
    name: str,
    own: Float[np.ndarray, "R"],
    swapped: Float[np.ndarray, "R"],
    sizes: Float[np.ndarray, "R"],
) -> list[Reliance]:
    """Means over words or codes; nothing where no example has any."""
    counted = sizes > 0
    if not counted.any():
        return []
    before, after = (values[counted].sum() / sizes.sum() for values in (own, swapped))
    changes = swapped[counted] - own[counted]
    return [
        Reliance(
            swapped=name,
            own=float(before),
            with_swap=float(after),
            rise=float(after - before),
            worse=float(((changes > 0) + 0.5 * (changes == 0)).mean()),
            count=int(counted.sum()),
        )
    ]
