"""A picture without drawing: of the item's own photos, the one that the matcher finds to suit the sentence best."""

from functools import cached_property
from pathlib import Path

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from meter.disc import Discriminator
from meter.errors import InputError
from meter.storage.pretrained import read_tensors, write_tensors

PHOTOS = "photos.safetensors"
NUM_ENCODED = 256
"""Photos that are encoded at once."""


class PhotoChooser(nn.Module):
    """The P photos that sentences may get, and the network that chooses among those of an item.

    network: the matcher's.
    items: the item of each photo, a row of the items' table.
    codes: the photos as the VQ-GAN writes them, row by row.
    """

    items: Tensor
    codes: Tensor

    def __init__(self, network: Discriminator, items: Int[Tensor, " P"], codes: Int[Tensor, "P M"]) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("items", items.int())
        self.register_buffer("codes", codes.int())

    @cached_property
    def images(self) -> Float[Tensor, "P D"]:
        """The vectors of all photos."""
        encoded = [self.network.encode_image(some.long()) for some in self.codes.split(NUM_ENCODED)]
        return torch.cat(encoded)

    @torch.no_grad()
    def choose(
        self, items: Int[Tensor, " B"], words: Int[Tensor, "B S"], features: Int[Tensor, " B"]
    ) -> Int[Tensor, "B M"]:
        """The codes of a photo of each item; −1 throughout where it has none. Of equal scores the first photo wins.

        features: word ids of those that the sentences were asked for; only a gated network reads them.
        """
        chosen = self.codes.new_full((len(items), self.codes.shape[1]), -1)
        # The measure scores in full precision, too.
        with torch.autocast(items.device.type, enabled=False):
            texts = self.network.encode_text(words, features)
            for item in items.unique():
                asked, own = items == item, (self.items == item).nonzero().squeeze(1)
                if len(own):
                    best = self.network.score_all(texts[asked], self.images[own]).argmax(dim=1)
                    chosen[asked] = self.codes[own[best]]
        return chosen.long()

    def save_pretrained(self, folder: Path | str) -> None:
        """Writes the network and the photos."""
        self.network.save_pretrained(folder)
        write_tensors(Path(folder) / PHOTOS, {"items": self.items, "codes": self.codes})

    @classmethod
    def from_pretrained(cls, folder: Path | str) -> "PhotoChooser":
        """Opens what ``save_pretrained`` wrote.

        Raises InputError where the files are missing, damaged or of something else.
        """
        path = Path(folder) / PHOTOS
        network, tensors = Discriminator.from_pretrained(folder), read_tensors(path)
        if tensors.keys() != {"items", "codes"}:
            raise InputError(
                f"{path}: expected the tensors codes and items, found {', '.join(sorted(tensors)) or 'none'}"
            )
        return cls(network, tensors["items"], tensors["codes"]).eval()
