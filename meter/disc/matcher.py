"""The matcher: a discriminator trained on true pairs alone, to find a sentence's picture among others."""

from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float, Int
from torch import Tensor

from meter.disc.discriminator import Discriminator
from meter.errors import InputError
from meter.storage.json_file import read_json, write_json
from meter.storage.pretrained import read_tensors, write_tensors

PICTURES, QUALITY = "pictures.safetensors", "quality.json"


@dataclass(kw_only=True, slots=True)
class Matcher:
    """A trained network, and the pictures of other items that a pair is compared with.

    network: encodes sentences and pictures; only comparisons of its scores mean something, their sigmoid does not.
    others: the codes of up to 99 true pictures.
    auc: how often, on validation pairs, a record's own photo scores above another item's; 0.5 is chance. None where
        there was nothing to compare.
    above_chance: whether it is surely better than chance there. Where it is not, what it says means nothing.
    """

    network: Discriminator
    others: Int[Tensor, "P M"]
    auc: float | None
    above_chance: bool

    @torch.no_grad()
    def match(
        self, words: Int[Tensor, "B S"], codes: Int[Tensor, "B M"], features: Int[Tensor, " B"] | None = None
    ) -> Float[Tensor, " B"]:
        """Share of the other pictures that suit the sentence less than its own does: 0.5 is chance, 1 the best.

        features: word ids of the features that were asked for, for a model with features.
        """
        texts = self.network.encode_text(words, features)
        own = self.network.score(texts, self.network.encode_image(codes))[:, None]
        others = self.network.score_all(texts, self.network.encode_image(self.others))
        return ((own > others).float() + 0.5 * (own == others).float()).mean(dim=1)

    def save_pretrained(self, folder: Path | str) -> None:
        """Writes the network and the other pictures."""
        self.network.save_pretrained(folder)
        write_tensors(Path(folder) / PICTURES, {"others": self.others})
        write_json(Path(folder) / QUALITY, {"auc": self.auc, "above_chance": self.above_chance})

    @classmethod
    def from_pretrained(cls, folder: Path | str) -> "Matcher":
        """Opens what ``save_pretrained`` wrote.

        Raises InputError where the files are missing, damaged or of something else.
        """
        path = Path(folder) / PICTURES
        network, tensors = Discriminator.from_pretrained(folder), read_tensors(path)
        if tensors.keys() != {"others"}:
            raise InputError(
                f"{path}: expected the tensor others, found {', '.join(sorted(tensors)) or 'none'}"
            )
        quality = read_json(Path(folder) / QUALITY)
        return cls(network=network, others=tensors["others"], **quality)
