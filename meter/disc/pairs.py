"""The pairs that D judges in one step, each sentence and picture encoded once."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from meter.disc.discriminator import Discriminator
from meter.disc.loss import MatchScores
from meter.special_words import PAD


@dataclass(kw_only=True, slots=True)
class RelaxedSentences:
    """B sentences whose P words are (one-hot or soft) probabilities.

    places: where each word stands, row · S + column.  present: the same as a mask.
    """

    words: Float[Tensor, "P W"]
    places: Int[Tensor, " P"]
    present: Bool[Tensor, "B S"]

    def embedded(self, table: Float[Tensor, "W D"]) -> Float[Tensor, "B S D"]:
        """Mixes the rows of a word table; 0 where no word stands."""
        nothing = table.new_zeros(self.present.numel(), table.shape[1])
        return nothing.index_copy(0, self.places, self.words @ table).view(*self.present.shape, -1)


@dataclass(kw_only=True, slots=True)
class RelaxedPairs:
    """Ê and V̂; the codes are (one-hot or soft) probabilities as the words are.

    borrowed: sentences about a feature that another record asks for.
    """

    sentences: RelaxedSentences
    codes: Float[Tensor, "B M K"]
    borrowed: RelaxedSentences | None = None


class PairScorer(nn.Module):
    """Scores true and generated pairs in a single pass of each encoder.

    generated_pair, mismatched: whether the extra negatives of D3 are scored too.
    """

    def __init__(self, discriminator: Discriminator, *, generated_pair: bool, mismatched: bool) -> None:
        super().__init__()
        self.discriminator = discriminator
        self.generated_pair = generated_pair
        self.mismatched = mismatched

    def forward(
        self, words: Int[Tensor, "B S"], codes: Int[Tensor, "B M"], generated: RelaxedPairs
    ) -> MatchScores:
        """codes: −1 where an example has no picture; its pairs get weight 0."""
        judge = self.discriminator
        table, embed_codes = judge.text_encoder.table.weight, judge.image_encoder.embed
        sentences = [generated.sentences, *([generated.borrowed] if generated.borrowed else [])]
        texts = judge.text_encoder(
            torch.cat([judge.text_encoder.embed(words), *(each.embedded(table) for each in sentences)]),
            judge.text_positions,
            torch.cat([words != PAD, *(each.present for each in sentences)]),
        )
        images = judge.image_encoder(
            torch.cat([embed_codes(codes.clamp(min=0)), embed_codes(generated.codes)]),
            judge.image_positions(),
        )
        true_text, text, *borrowed = texts.chunk(1 + len(sentences))
        true_image, image = images.chunk(2)
        return MatchScores(
            true=judge.score(true_text, true_image),
            generated_image=judge.score(true_text, image),
            generated_text=judge.score(text, true_image),
            generated_pair=judge.score(text, image) if self.generated_pair else None,
            mismatched=judge.score(true_text, true_image.roll(1, dims=0)) if self.mismatched else None,
            borrowed_text=judge.score(borrowed[0], true_image) if borrowed else None,
            weight=(codes[:, 0] >= 0).to(true_text.dtype),
        )
