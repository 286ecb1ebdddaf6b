"""The matcher: a discriminator trained on true pairs alone, to tell a pair from in-batch mismatches."""

from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float, Int
from torch import Tensor

from meter.disc.discriminator import Discriminator
from meter.errors import InputError
from meter.storage.pretrained import read_tensors, write_tensors

PICTURES = "pictures.safetensors"


@dataclass(kw_only=True, slots=True)
class Matcher:
    """A trained network, and the pictures of other items that a pair is compared with.

    network: encodes sentences and pictures; only comparisons of its scores mean something, their sigmoid does not.
    others: the codes of up to 99 true pictures.
    """

    network: Discriminator
    others: Int[Tensor, "P M"]

    @torch.no_grad()
    def match(self, words: Int[Tensor, "B S"], codes: Int[Tensor, "B M"]) -> Float[Tensor, " B"]:
        """Share of the other pictures that suit the sentence less than its own does: 0.5 is chance, 1 the best."""
        texts = self.network.encode_text(words)
        own = self.network.score(texts, self.network.encode_image(codes))[:, None]
        others = self.network.score_all(texts, self.network.encode_image(self.others))
        return ((own > others).float() + 0.5 * (own == others).float()).mean(dim=1)

    def save_pretrained(self, folder: Path | str) -> None:
        """Writes the network and the other pictures."""
        self.network.save_pretrained(folder)
        write_tensors(Path(folder) / PICTURES, {"others": self.others})

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
        return cls(network=network, others=tensors["others"])
