"""What the baselines share: sizes that the data decide, a training pass, sentences written by a recurrent network."""

from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from meter.baselines.recurrence import RecurrentDecoder, write_sentences
from meter.errors import InputError
from meter.model.generation.config import DecodingConfig
from meter.model.generation.generate import Generated
from meter.model.packed import PackedOutput
from meter.model.system import System
from meter.special_words import BOS, UNK
from meter.storage.pretrained import read_pretrained


@dataclass(kw_only=True, slots=True)
class BaselineConfig:
    """The sizes that a training run fills in, as its data decides."""

    num_users: int = 0
    """Rows of the users' table."""
    num_items: int = 0
    """Rows of the items' table."""
    num_words: int = 0
    """W, words of the vocabulary, special words included."""
    text_length: int = 0
    """n, the longest sentence in words."""

    def check(self) -> None:
        """Raises InputError where these sizes cannot make a model."""
        least = {"num_users": 1, "num_items": 1, "num_words": UNK + 1, "text_length": 1}
        for name, size in least.items():
            if getattr(self, name) < size:
                raise InputError(
                    f"{type(self).__name__}.{name}: expected at least {size}, found {getattr(self, name)}"
                )


@dataclass(kw_only=True, slots=True)
class Phase:
    """A part of a baseline that is trained by itself, to its own early stop, with its best weights kept.

    network: its training pass, called as a ``PackedMeter`` is.  trained: what holds the weights that move.
    name: of the folder of its checkpoint and journal; empty for the last phase, whose files are the run's.
    weight_decay: in place of the optimizer's; None for that.
    """

    network: nn.Module
    trained: nn.Module
    name: str = ""
    weight_decay: float | None = None


class Baseline(System):
    """A model with a recurrent network that writes; its own ``forward`` is its training pass.

    Raises InputError where the sizes do not fit together.
    """

    config_class: ClassVar[type[Any]]
    needs_feature: ClassVar[bool]

    def __init__(self, config: Any) -> None:
        super().__init__()
        config.check()
        self.config = config

    @property
    def has_feature(self) -> bool:
        """Whether it is given the feature word."""
        return self.needs_feature

    @abstractmethod
    def forward(
        self,
        users: Int[Tensor, " B"],
        items: Int[Tensor, " B"],
        features: Int[Tensor, " B"] | None,
        words: Int[Tensor, "B S"],
        codes: Int[Tensor, "B M"] | None,
        word_slots: Int[Tensor, " P"],
        ratings: Float[Tensor, " B"] | None = None,
    ) -> PackedOutput:
        """Predicts the words in ``word_slots`` from those before them, and what else the model predicts.

        codes: not read.  ratings: the true ones, while the model learns.
        """

    @abstractmethod
    def begin(
        self, users: Int[Tensor, " B"], items: Int[Tensor, " B"], features: Int[Tensor, " B"] | None
    ) -> tuple[Float[Tensor, " B"] | None, RecurrentDecoder]:
        """The predicted rating, None where it predicts none, and the decoder that has read nothing yet."""

    def phases(self) -> list[Phase]:
        """What is trained one after the other."""
        return [Phase(network=self, trained=self)]

    @torch.no_grad()
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
        """Predicts the rating, where it does, and writes the sentence; there is neither context nor picture."""
        was_training = self.training
        self.eval()
        try:
            rating, decoder = self.begin(users, items, features)
            words = write_sentences(
                decoder, len(users), users.device, decoding or DecodingConfig(), generator
            )
            return Generated(rating=rating, context=None, words=words, codes=None)
        finally:
            self.train(was_training)

    @classmethod
    def from_pretrained(cls, folder: Path | str) -> "Baseline":
        """Opens what ``save_pretrained`` wrote, ready to predict and generate.

        Raises InputError where the files are missing, damaged or of another model.
        """
        saved = read_pretrained(folder, cls.config_class)
        return saved.load_into(cls(saved.config))


def words_before(words: Int[Tensor, "B S"]) -> Int[Tensor, "B S"]:
    """The word before each: BOS, then all but the last. A sentence's words are read up to the one before its EOS."""
    return torch.cat([torch.full_like(words[:, :1], BOS), words[:, :-1]], dim=1)
