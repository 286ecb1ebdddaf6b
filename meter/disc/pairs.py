"""The pairs that D judges in one step, each sentence and picture encoded once."""

from dataclasses import dataclass

from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from meter.disc.discriminator import Discriminator
from meter.disc.loss import MatchScores


@dataclass(kw_only=True, slots=True)
class RelaxedPairs:
    """Ê and V̂ as (one-hot or soft) probabilities, and where Ê holds words."""

    words: Float[Tensor, "B S W"]
    present: Bool[Tensor, "B S"]
    codes: Float[Tensor, "B M K"]

    def detach(self) -> "RelaxedPairs":
        """The same pairs, with no way back to the transformer."""
        return RelaxedPairs(words=self.words.detach(), present=self.present, codes=self.codes.detach())


class PairScorer(nn.Module):
    """Scores true and generated pairs in a single pass, so that it can be wrapped for several devices.

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
        true_text = judge.encode_text(words)
        true_image = judge.encode_image(codes.clamp(min=0))
        text = judge.encode_text(generated.words, generated.present)
        image = judge.encode_image(generated.codes)
        return MatchScores(
            true=judge.score(true_text, true_image),
            generated_image=judge.score(true_text, image),
            generated_text=judge.score(text, true_image),
            generated_pair=judge.score(text, image) if self.generated_pair else None,
            mismatched=judge.score(true_text, true_image.roll(1, dims=0)) if self.mismatched else None,
            weight=(codes[:, 0] >= 0).to(true_text.dtype),
        )
