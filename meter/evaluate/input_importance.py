"""What the model uses: how much its losses rise when one of its inputs is replaced by another record's.

This is permutation importance (Breiman, 2001; Fisher, Rudin and Dominici, 2019) within groups of records. Attention
says what a prediction may draw on; this says what it loses without it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor

from meter.baselines import Baseline
from meter.evaluate.other_records import draw_other_records
from meter.model import Meter
from meter.train.batches import Batch, Examples
from meter.train.systems import training_pass


@dataclass(kw_only=True, slots=True)
class SwapEffect:
    """How one swap changes one loss, over the examples that have another record to swap with.

    swapped: user, item, feature, sentence, or sentence_and_item.
    own, with_swap: the loss in nats per word or per code, before and after the swap. rise: their difference.
    worse: share of examples whose loss rises; those where it stays the same count half.
    """

    swapped: str
    own: float
    with_swap: float
    rise: float
    worse: float
    count: int


@dataclass(kw_only=True, slots=True)
class InputImportance:
    """How much the loss of the words, and that of the codes, depends on each input; picture is empty without codes.

    count: examples, with or without a photo.
    """

    count: int
    text: list[SwapEffect]
    picture: list[SwapEffect]


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
"""What is taken from the other record."""
PICTURE_ONLY = {"sentence", "sentence_and_item"}
"""Swaps of the sentence, which is an input of the picture and not of its own words."""


def measure_input_importance(
    model: Meter | Baseline,
    examples: Examples,
    records: Int64[np.ndarray, "R"],
    features: Int64[np.ndarray, "R"],
    generator: np.random.Generator,
    batch_size: int,
) -> InputImportance:
    """Swaps each input of held-out true examples with that of another of them.

    A swapped item or sentence is that of a record with the same feature and another item, so that what changes is
    what is said of the feature. A swapped user is that of any record of another user, a swapped feature that of any
    record of another feature.

    records: which examples. features: of these records, whether the model is told them or not.
    """
    users, items = (values[torch.from_numpy(records)].tolist() for values in (examples.users, examples.items))
    all_alike, asked = [0] * len(records), features.tolist()
    # The order of these draws decides what each of them gives.
    of_item = draw_other_records(asked, items, generator)
    others = {
        "user": draw_other_records(all_alike, users, generator),
        "item": of_item,
        "sentence": of_item,
        "sentence_and_item": of_item,
    }
    if examples.features is not None:
        others["feature"] = draw_other_records(all_alike, asked, generator)
    own = _losses(model, examples, records, records, None, batch_size)
    importance = InputImportance(count=len(records), text=[], picture=[])
    for name, swap in SWAPS.items():
        chosen = np.flatnonzero(others[name] >= 0) if name in others else np.array([], dtype=np.int64)
        if len(chosen) == 0:
            continue
        swapped = _losses(model, examples, records[chosen], records[others[name][chosen]], swap, batch_size)
        before = {key: values[chosen] for key, values in own.items()}
        if name not in PICTURE_ONLY:
            importance.text += _compare(name, before["text"], swapped["text"], before["words"])
        importance.picture += _compare(name, before["picture"], swapped["picture"], before["codes"])
    return importance


def _losses(
    model: Meter | Baseline,
    examples: Examples,
    records: Int64[np.ndarray, "R"],
    others: Int64[np.ndarray, "R"],
    swap: Swap | None,
    batch_size: int,
) -> Mapping[str, Float[np.ndarray, "R"]]:
    parts: dict[str, list[Tensor]] = {"text": [], "words": [], "picture": [], "codes": []}
    for start in range(0, len(records), batch_size):
        batch, other = (
            examples.batch(torch.from_numpy(chosen[start : start + batch_size]).to(examples.device))
            for chosen in (records, others)
        )
        losses = example_losses(model, batch, batch if swap is None else swap(batch, other))
        for name, values in parts.items():
            of_part = getattr(losses, name)
            values.append(torch.zeros(len(batch.indices)) if of_part is None else of_part.cpu())
    return {name: torch.cat(values).double().numpy() for name, values in parts.items()}


@torch.no_grad()
def example_losses(model: Meter | Baseline, batch: Batch, given: Batch) -> ExampleLosses:
    """The losses of the words and codes of ``batch``, predicted from the inputs in ``given``.

    Where ``given`` has another sentence, the loss of the words is meaningless.
    """
    output = training_pass(model)(
        given.users, given.items, given.features, given.words, batch.codes, batch.word_slots
    )
    assert output.text is not None
    of_words = F.cross_entropy(output.text.float(), batch.words.flatten()[batch.word_slots], reduction="none")
    sentences = batch.word_slots // batch.words.shape[1]
    text, words = of_words.new_zeros(2, len(batch.indices)).unbind()
    text.index_add_(0, sentences, of_words)
    words.index_add_(0, sentences, torch.ones_like(of_words))
    picture, codes = None, torch.zeros(len(batch.indices))
    if output.visual is not None and batch.codes is not None:
        each = F.cross_entropy(
            output.visual.float().flatten(0, 1), batch.codes.flatten(), ignore_index=-1, reduction="none"
        )
        picture, codes = each.view_as(batch.codes).sum(dim=1), (batch.codes >= 0).sum(dim=1).float()
    return ExampleLosses(
        text=text,
        words=words,
        picture=picture,
        codes=codes,
    )


def _compare(
    name: str,
    own: Float[np.ndarray, "R"],
    swapped: Float[np.ndarray, "R"],
    sizes: Float[np.ndarray, "R"],
) -> list[SwapEffect]:
    """Means over words or codes; nothing where no example has any."""
    counted = sizes > 0
    if not counted.any():
        return []
    before, after = (values[counted].sum() / sizes.sum() for values in (own, swapped))
    changes = swapped[counted] - own[counted]
    return [
        SwapEffect(
            swapped=name,
            own=float(before),
            with_swap=float(after),
            rise=float(after - before),
            worse=float(((changes > 0) + 0.5 * (changes == 0)).mean()),
            count=int(counted.sum()),
        )
    ]
