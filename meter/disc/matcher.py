"""A judge that never sees anything generated: trained on true pairs only, to tell a pair from in-batch mismatches."""

from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float, Int
from torch import Tensor

from meter.disc.discriminator import Discriminator

PICTURES = "pictures.safetensors"


@dataclass(kw_only=True, slots=True)
class Matcher:
    """The judge, and the pictures of other items that a pair is held against.

    network: encodes sentences and pictures; its sigmoid means nothing, only comparisons do.
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
        from safetensors.torch import save_file

        self.network.save_pretrained(folder)
        save_file({"others": self.others.cpu().contiguous()}, Path(folder) / PICTURES)

    @classmethod
    def from_pretrained(cls, folder: Path | str) -> "Matcher":
        """Opens what ``save_pretrained`` wrote."""
        from safetensors.torch import load_file

        return cls(
            network=Discriminator.from_pretrained(folder), others=load_file(Path(folder) / PICTURES)["others"]
        )
