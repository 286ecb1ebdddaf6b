"""The pairs that D scores in one step, each sentence and picture encoded once."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from meter.disc.discriminator import Discriminator
from meter.disc.loss import MatchScores
from meter.special_words import PAD


@dataclass(kw_only=True, slots=True)
class RelaxedSentences:
    """B sentences whose P words, in all, are (one-hot or soft) probabilities.

    word_slots: the index of each word's slot in all B · S slots.  present: the same as a mask.
    """

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
    borrowed: sentences about the feature of another record; None where they are not scored.
    """

    sentences: RelaxedSentences
    codes: Float[Tensor, "B M K"]
    borrowed: RelaxedSentences | None = None


class PairScorer(nn.Module):
    """D with all pairs of a batch that it scores, true and generated, in one pass of each encoder.

    generated_pair, mismatched: whether the extra negatives of D3 are scored too.
    """

    def __init__(self, discriminator: Discriminator, *, generated_pair: bool, mismatched: bool) -> None:
        super().__init__()
        self.discriminator = discriminator
        self.generated_pair = generated_pair
        self.mismatched = mismatched

    def forward(
        self, words: Int[Tensor, "B S"], codes: Int[Tensor, "B M"], generated: GeneratedPairs
    ) -> MatchScores:
        """codes: −1 where an example has no picture; its pairs get weight 0."""
        discriminator = self.discriminator
        table, embed_codes = discriminator.text_encoder.table.weight, discriminator.image_encoder.embed
        sentences = [generated.sentences, *([generated.borrowed] if generated.borrowed else [])]
        texts = discriminator.text_encoder(
            torch.cat(
                [discriminator.text_encoder.embed(words), *(each.embedded(table) for each in sentences)]
            ),
            discriminator.text_positions,
            torch.cat([words != PAD, *(each.present for each in sentences)]),
        )
        images = discriminator.image_encoder(
            torch.cat([embed_codes(codes.clamp(min=0)), embed_codes(generated.codes)]),
            discriminator.image_positions(),
        )
        true_text, text, *borrowed = texts.chunk(1 + len(sentences))
        true_image, image = images.chunk(2)
        scores = MatchScores(
            true=discriminator.score(true_text, true_image),
            generated_image=discriminator.score(true_text, image),
            generated_text=discriminator.score(text, true_image),
            generated_pair=discriminator.score(text, image) if self.generated_pair else None,
            borrowed_text=discriminator.score(borrowed[0], true_image) if borrowed else None,
            weight=(codes[:, 0] >= 0).to(true_text.dtype),
        )
        if self.mismatched:
            partners = other_pictures(codes)
            scores.mismatched = discriminator.score(true_text, true_image[partners.clamp(min=0)])
            scores.mismatched_weight = (partners >= 0).to(true_text.dtype)
        return scores


def other_pictures(codes: Int[Tensor, "B M"]) -> Int[Tensor, " B"]:
    """For each example the nearest one before it (cyclically) that has another picture; −1 where there is none.

    codes: −1 where an example has no picture. Pictures are the same where all their codes are.
    """
    exists = codes[:, 0] >= 0
    differs = (codes[:, None] != codes).any(dim=-1) & exists[:, None] & exists
    # Row b of these holds b, b − 1, …, b − (B − 1), modulo B.
    order = torch.arange(len(codes), device=codes.device)
    before = (order[:, None] - order) % len(codes)
    fits = differs.gather(1, before)
    nearest = fits.int().argmax(dim=1, keepdim=True)
    return torch.where(fits.any(dim=1), before.gather(1, nearest).squeeze(1), -1)
