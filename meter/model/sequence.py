"""The sequence S0 = [u, i, f, BOS, e1 … en, BOI, v1 … vm]: where each token stands and what it may see.

EOS is predicted but never read back: BOI tells the picture that the sentence is over. The last code predicts
nothing and is not read either. So a sequence has 2 or 3 conditions, N + 1 text slots (BOS and N words) and, with
pictures, M visual slots (BOI and M − 1 codes); slot by slot they predict the N + 1 words (EOS among them) and the
M codes. A slot whose word is absent, because the sentence is shorter, is seen by nobody.
"""

from dataclasses import dataclass
from enum import Enum
from typing import assert_never

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from meter.special_words import EOS, PAD


class Mask(Enum):
    """What the user and item slots may see (decision D1); all other slots see themselves and the past."""

    peter = "peter"
    """u and i see each other and nothing else."""
    prefix = "prefix"
    """u, i and f see each other: the rating sees the feature word."""
    literal = "literal"
    """u and i see everything, as printed in §3.4: the future leaks; an ablation, refused for generation."""


class RatingFrom(Enum):
    """Which slot's state the rating is read from."""

    user = "user"
    """u, as printed in §3.4."""
    feature = "feature"
    """f, which sees u, i and itself under every mask: the rating sees the feature word, the context words do not."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """Slots of one sequence: conditions first, then text, then picture.

    has_feature: whether a feature word stands between item and BOS.
    text_length: n, the longest sentence in words; there are n + 1 text slots.
    visual_length: m, the codes of a picture; 0 without pictures.
    rating_from: where the rating is read.
    """

    has_feature: bool
    text_length: int
    visual_length: int
    rating_from: RatingFrom = RatingFrom.user

    @property
    def num_conditions(self) -> int:
        return 3 if self.has_feature else 2

    @property
    def rating(self) -> int:
        """The slot whose output predicts the rating."""
        return 2 if self.rating_from is RatingFrom.feature else 0

    @property
    def text(self) -> slice:
        """The slots whose outputs predict the words: BOS, e1 … en."""
        return slice(self.num_conditions, self.num_conditions + self.text_length + 1)

    @property
    def visual(self) -> slice:
        """The slots whose outputs predict the codes: BOI, v1 … v(m−1)."""
        return slice(self.text.stop, self.text.stop + self.visual_length)

    @property
    def length(self) -> int:
        """T, all slots."""
        return self.visual.stop


def visibility(layout: Layout, mask: Mask) -> Bool[Tensor, "T T"]:
    """Says for every slot (row) which slots (columns) it may see, padding aside (§3.4, D1)."""
    visible = torch.ones(layout.length, layout.length, dtype=torch.bool).tril()
    match mask:
        case Mask.peter:
            visible[0, 1] = True
        case Mask.prefix:
            visible[: layout.num_conditions, : layout.num_conditions] = True
        case Mask.literal:
            visible[:2, :] = True
        case _:
            assert_never(mask)
    return visible


def word_slots(words: Int[Tensor, "B S"]) -> Int[Tensor, " P"]:
    """The text slots that predict a word (EOS is one, PAD is none), counted through all sentences: row · S + column."""
    return (words != PAD).flatten().nonzero().squeeze(1)


def present_slots(layout: Layout, words: Int[Tensor, "B S"]) -> Bool[Tensor, "B T"]:
    """Says which slots hold a token: a text slot does while its sentence lasts, all others always do."""
    slots = torch.ones(words.shape[0], layout.length, dtype=torch.bool, device=words.device)
    start = layout.text.start + 1
    slots[:, start : layout.text.stop] = (words[:, :-1] != PAD) & (words[:, :-1] != EOS)
    return slots
