"""What evaluation, explaining and saving ask of a model that explains, METER or one that it is compared with."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import torch
from jaxtyping import Int
from torch import Tensor, nn

from meter.model.generation.config import DecodingConfig
from meter.model.generation.generate import Generated
from meter.storage.pretrained import save_pretrained


class System(nn.Module, ABC):
    """A model that writes why an item suits a user, and that may predict a rating and draw a picture.

    config: its dataclass, from which ``from_pretrained`` makes it again.
    """

    config: Any
    image_source: ClassVar[str] = "generated"
    """The caption of its pictures."""

    @property
    @abstractmethod
    def has_feature(self) -> bool:
        """Whether it is given the feature word that the sentence is to be about."""

    @abstractmethod
    def generate(
        self,
        users: Int[Tensor, " B"],
        items: Int[Tensor, " B"],
        features: Int[Tensor, " B"] | None = None,
        *,
        decoding: DecodingConfig | None = None,
        generator: torch.Generator | None = None,
        pictures: bool = True,
    ) -> Generated:
        """Explains B pairs, without dropout; what it does not predict is None.

        features: None for a model without a feature word.
        decoding: how words and codes are chosen; greedily where None.
        generator: what random choices are drawn from, on the CPU; needed where ``decoding`` samples.
        pictures: whether pictures are wanted, from a system that has any; False ends with the sentence.
        """

    def generate_stepwise(
        self,
        users: Int[Tensor, " B"],
        items: Int[Tensor, " B"],
        features: Int[Tensor, " B"] | None = None,
        *,
        decoding: DecodingConfig | None = None,
        generator: torch.Generator | None = None,
    ) -> Iterator[Generated]:
        """What ``generate`` returns, preceded by what there is while it is generated, where a system can tell.

        Words that are not chosen yet are PAD, codes −1.
        """
        yield self.generate(users, items, features, decoding=decoding, generator=generator)

    def save_pretrained(self, folder: Path | str, weights: dict[str, Tensor] | None = None) -> None:
        """Writes ``config.json`` and ``model.safetensors``.

        weights: the whole state, where this module holds a part of it only (FSDP); its own where None.
        """
        save_pretrained(folder, self.config, self.state_dict() if weights is None else weights)

    @classmethod
    @abstractmethod
    def from_pretrained(cls, folder: Path | str) -> "System":
        """Opens what ``save_pretrained`` wrote, ready to predict and generate.

        Raises InputError where the files are missing, damaged or of another model.
        """
