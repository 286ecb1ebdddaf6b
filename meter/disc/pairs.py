"""The pairs that D scores in one step, each sentence and picture encoded once."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from meter.disc.discriminator import Discriminator
from meter.disc.loss import MatchScores


@dataclass(kw_only=True, slots=True)
class RelaxedSentences:
    """B sentences whose P words, in all, are (one-hot or soft) probabilities.

    features: the feature word that each sentence was asked for; None in a model without features.
    word_slots: the index of each word's slot in all B · S slots.  present: the same as a mask.
    """

    features: Int[Tensor, " B"] | None
    words: Float[Tensor, "P W"]
    word_slots: Int[Tensor, " P"]
    present: Bool[Tensor, "B S"]

    def embedded(self, table: Float[Tensor, "W D"]) -> Float[Tensor, "B S D"]:
        """The words' weighted means of the rows of a word table; 0 where there is no word."""
        nothing = table.new_zeros(self.present.numel(), table.shape[1])
        return nothing.index_copy(0, self.word_slots, self.words @ table).view(*self.present.shape, -1)


@dataclass(kw_only=True, slots=True)
class GeneratedPairs:
    """Ê and V̂ of a batch, through which a gradient reaches the transformer.

    codes: (one-hot or soft) probabilities, as the words are.
    """

    sentences: RelaxedSentences
    codes: Float[Tensor, "B M K"]


@dataclass(kw_only=True, slots=True)
class Generated:
    """What the transformer generates for a batch and D scores; None where it is not scored.

    own: of the records themselves.  borrowed: sentences about the feature of another record.
    """

    own: GeneratedPairs | None = None
    borrowed: RelaxedSentences | None = None


@dataclass(kw_only=True, slots=True)
class TruePairs:
    """E and V of a batch.

    codes: −1 where an example has no picture; its pairs get weight 0.
    features: the feature word of each record; None in a model without features.
    """

    items: Int[Tensor, " B"]
    features: Int[Tensor, " B"] | None
    words: Int[Tensor, "B S"]
    codes: Int[Tensor, "B M"]


class PairScorer(nn.Module):
    """D with all pairs of a batch that it scores, true and generated, each sentence and picture encoded once.

    generated_pair, mismatched: whether the extra negatives of D3 are scored too.
    """

    def __init__(self, discriminator: Discriminator, *, generated_pair: bool, mismatched: bool) -> None:
        super().__init__()
        self.discriminator = discriminator
        self.generated_pair = generated_pair
        self.mismatched = mismatched

    def forward(self, true: TruePairs, generated: Generated) -> MatchScores:
        discriminator = self.discriminator
        true_text = discriminator.encode_text(true.words, true.features)
        true_image = discriminator.encode_image(true.codes.clamp(min=0))
        scores = MatchScores(
            true=discriminator.score(true_text, true_image),
            weight=(true.codes[:, 0] >= 0).to(true_text.dtype),
        )
        if generated.own is not None:
            text = self.encode_relaxed(generated.own.sentences)
            image = discriminator.encode_image(generated.own.codes)
            scores.generated_image = discriminator.score(true_text, image)
            scores.generated_text = discriminator.score(text, true_image)
            if self.generated_pair:
                scores.generated_pair = discriminator.score(text, image)
        if generated.borrowed is not None:
            scores.borrowed_text = discriminator.score(self.encode_relaxed(generated.borrowed), true_image)
        if self.mismatched:
            partners = mismatched_partners(true)
            scores.mismatched = discriminator.score(true_text, true_image[partners.clamp(min=0)])
            scores.mismatched_weight = (partners >= 0).to(true_text.dtype)
        return scores

    def encode_relaxed(self, sentences: RelaxedSentences) -> Float[Tensor, "B D"]:
        """One vector a sentence."""
        encoder = self.discriminator.text_encoder
        encoded = encoder(sentences.embedded(encoder.table.weight), sentences.present)
        return self.discriminator.gated(encoded, sentences.features)


def mismatched_partners(pairs: TruePairs) -> Int[Tensor, " B"]:
    """For each example the nearest one before it (cyclically) with a picture of another item; −1 where there is none.

    One that speaks of the same feature comes first: there only what is said tells the two pictures apart.
    """
    exists = pairs.codes[:, 0] >= 0
    fits = (pairs.items[:, None] != pairs.items) & exists[:, None] & exists
    order = torch.arange(len(exists), device=exists.device)
    # How many steps back each other example is; those of another feature are farther than any of the same one.
    distance = (order[:, None] - order) % len(order)
    if pairs.features is not None:
        distance = distance + len(order) * (pairs.features[:, None] != pairs.features)
    nearest = distance.masked_fill(~fits, 2 * len(order)).argmin(dim=1)
    return torch.where(fits.any(dim=1), nearest, -1)
