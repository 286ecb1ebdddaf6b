"""The pairs that D judges in one step, each sentence and picture encoded once."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from meter.disc.discriminator import PAD, Discriminator
from meter.disc.loss import MatchScores


@dataclass(kw_only=True, slots=True)
class RelaxedPairs:
    """Ê and V̂ as (one-hot or soft) probabilities, and where Ê holds words.

    borrowed_words, borrowed_present: the same of sentences about a feature that another record asks for.
    """

    words: Float[Tensor, "B S W"]
    present: Bool[Tensor, "B S"]
    codes: Float[Tensor, "B M K"]
    borrowed_words: Float[Tensor, "B S W"] | None = None
    borrowed_present: Bool[Tensor, "B S"] | None = None


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
        embed_words, embed_codes = judge.text_encoder.embed, judge.image_encoder.embed
        sentences, present = [words, generated.words], [words != PAD, generated.present]
        if generated.borrowed_words is not None and generated.borrowed_present is not None:
            sentences.append(generated.borrowed_words)
            present.append(generated.borrowed_present)
        texts = judge.text_encoder(
            torch.cat([embed_words(sentence) for sentence in sentences]),
            judge.text_positions,
            torch.cat(present),
        )
        images = judge.image_encoder(
            torch.cat([embed_codes(codes.clamp(min=0)), embed_codes(generated.codes)]),
            judge.image_positions(),
        )
        true_text, text, *borrowed = texts.chunk(len(sentences))
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
