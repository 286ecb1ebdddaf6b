"""Examples on the device, and the order in which an epoch visits them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from meter.model import PAD


@dataclass(kw_only=True, slots=True)
class Batch:
    """B examples. features and codes are None for a model without them, and codes where no example has a photo; of some
    that have one, codes are −1 for those that have none.

    indices: of the examples among all records.

    word_slots: where words stand in the sentences, EOS among them (``meter.model.word_slots``).
    """

    indices: Int[Tensor, " B"]
    users: Int[Tensor, " B"]
    items: Int[Tensor, " B"]
    features: Int[Tensor, " B"] | None
    words: Int[Tensor, "B S"]
    word_slots: Int[Tensor, " P"]
    ratings: Float[Tensor, " B"]
    codes: Int[Tensor, "B M"] | None


class Examples:
    """All examples of some splits as tensors on one device; batches are gathered there, without workers.

    Numbers are kept in 32 bits, which is half the memory, and widened batch by batch.

    codes: the codes of every photo (P, M), or None without pictures.
    """

    def __init__(
        self,
        *,
        users: np.ndarray,
        items: np.ndarray,
        features: np.ndarray | None,
        words: np.ndarray,
        ratings: np.ndarray,
        photos: np.ndarray,
        codes: np.ndarray | None,
        device: torch.device,
    ) -> None:
        def on_device(array: np.ndarray, dtype: torch.dtype) -> Tensor:
            return torch.from_numpy(np.array(array)).to(device=device, dtype=dtype)

        self.device = device
        self.users = on_device(users, torch.int32)
        self.items = on_device(items, torch.int32)
        self.features = None if features is None else on_device(features, torch.int32)
        self.words = on_device(words, torch.int32)
        # This and pictured stay in the host's memory: counting on an accelerator would make it wait at every step.
        self.present = torch.from_numpy(np.array(words) != PAD)
        self.ratings = on_device(ratings, torch.float32)
        self.photos = on_device(photos, torch.long)
        self.pictured = torch.from_numpy(np.array(photos) >= 0)
        self.codes = None
        if codes is not None:
            # The last row means "no photo": index −1 finds it.
            absent = np.full((1, codes.shape[1]), -1, dtype=codes.dtype)
            self.codes = on_device(np.concatenate([codes, absent]), torch.int32)

    def batch(self, indices: Int[Tensor, " B"]) -> Batch:
        """Gathers examples by their indices, which lie in the host's memory."""
        word_slots = self.present[indices].flatten().nonzero().squeeze(1).to(self.device, non_blocking=True)
        indices = indices.to(self.device, non_blocking=True)
        return Batch(
            indices=indices,
            users=self.users[indices].long(),
            items=self.items[indices].long(),
            features=None if self.features is None else self.features[indices].long(),
            words=self.words[indices].long(),
            word_slots=word_slots,
            ratings=self.ratings[indices],
            codes=None if self.codes is None else self.codes[self.photos[indices]].long(),
        )

    def by_picture(self, indices: Int[Tensor, " B"]) -> list[Batch]:
        """The examples without a picture, which then take no picture's time, and those with one, as a batch each."""
        if self.codes is None:
            return [self.batch(indices)]
        pictured = self.pictured[indices]
        batches = []
        if not pictured.all():
            batches.append(replace(self.batch(indices[~pictured]), codes=None))
        if pictured.any():
            batches.append(self.batch(indices[pictured]))
        return batches


def num_steps(num_examples: int, batch_size: int) -> int:
    """Steps of one training epoch: whole batches only, but at least one."""
    return max(1, num_examples // batch_size)


def epoch_order(indices: np.ndarray, *, epoch: int, seed: int) -> Int[Tensor, " R"]:
    """The order of an epoch, a function of seed and epoch alone, so that a resumed run continues in the same order."""
    order = np.random.default_rng([seed, epoch]).permutation(len(indices))
    return torch.from_numpy(indices[order].astype(np.int64))


def training_batches(
    examples: Examples,
    indices: np.ndarray,
    *,
    batch_size: int,
    epoch: int,
    seed: int,
    start: int = 0,
    rank: int = 0,
    world_size: int = 1,
    parts: int = 1,
) -> Iterator[list[Batch]]:
    """The batches of an epoch from step ``start`` on, each in parts.

    Each of ``world_size`` processes gets its share of every batch. Where there is one process alone, a part holds
    either records with a picture or records without one; several must all use the same weights in a part.
    """
    order = epoch_order(indices, epoch=epoch, seed=seed)
    for step in range(start, num_steps(len(indices), batch_size)):
        whole = order[step * batch_size : (step + 1) * batch_size]
        shares = whole[rank::world_size].tensor_split(parts)
        if world_size > 1:
            yield [examples.batch(share) for share in shares]
        else:
            yield [batch for share in shares for batch in examples.by_picture(share)]


def ordered_batches(examples: Examples, indices: np.ndarray, *, batch_size: int) -> Iterator[Batch]:
    """The given examples in their order."""
    for chunk in torch.from_numpy(np.array(indices, dtype=np.int64)).split(batch_size):
        yield examples.batch(chunk)
