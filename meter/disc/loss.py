"""L_d = E[log D(E,V)] + E[log(1 − D(E,V̂))] + E[log(1 − D(Ê,V))], and what each network optimises of it (§3.4, D3).

E and V are true, Ê and V̂ generated. Printed inside J = min_θ (… + λd·L_d …) without saying which network ascends it:
here D ascends it, and the transformer descends it through V̂ and Ê.
"""

from dataclasses import dataclass
from enum import Enum

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor


class GeneratorForm(Enum):
    """What the transformer minimises (D3)."""

    non_saturating = "non_saturating"
    """−log D(E,V̂) − log D(Ê,V): the same aim with a gradient that does not vanish (Goodfellow et al., 2014)."""
    minimax = "minimax"
    """log(1 − D(E,V̂)) + log(1 − D(Ê,V)), L_d as printed."""


@dataclass(kw_only=True, slots=True)
class MatchScores:
    """D's logits for the pairs of a batch; None where they are not scored.

    true: (E, V).  generated_image: (E, V̂).  generated_text: (Ê, V).  generated_pair: (Ê, V̂).
    borrowed_text: (Ê about the feature of another record, V).  mismatched: (E, V of another item).
    weight: 1 where the example has a picture, 0 where it has none and counts for nothing (D11).
    mismatched_weight: 1 where the example has a mismatched picture, else 0; given where mismatched is.
    """

    true: Float[Tensor, " B"]
    generated_image: Float[Tensor, " B"] | None = None
    generated_text: Float[Tensor, " B"] | None = None
    generated_pair: Float[Tensor, " B"] | None = None
    mismatched: Float[Tensor, " B"] | None = None
    borrowed_text: Float[Tensor, " B"] | None = None
    weight: Float[Tensor, " B"]
    mismatched_weight: Float[Tensor, " B"] | None = None

    def mean(self, values: Float[Tensor, " B"]) -> Float[Tensor, ""]:
        """The mean over examples that have a picture; 0 where none has."""
        return weighted_mean(values, self.weight)


def matching_value(scores: MatchScores, *, generated_negatives: bool = True) -> Float[Tensor, ""]:
    """L_d as printed, plus the terms of the extra negatives that are given; D ascends it. At most 0.

    generated_negatives: False leaves out all that is generated: D then learns from true sentences and pictures alone.
    """
    negatives = generated(scores) if generated_negatives else []
    terms = [F.logsigmoid(scores.true), *(F.logsigmoid(-logits) for logits in negatives)]
    means = [scores.mean(term) for term in terms]
    if scores.mismatched is not None:
        assert scores.mismatched_weight is not None
        means.append(weighted_mean(F.logsigmoid(-scores.mismatched), scores.mismatched_weight))
    return torch.stack(means).sum()


def generator_loss(scores: MatchScores, form: GeneratorForm) -> Float[Tensor, ""]:
    """What the transformer minimises of L_d: its terms over the pairs that hold something generated; 0 without any."""
    logits = generated(scores)
    if form is GeneratorForm.minimax:
        terms = [F.logsigmoid(-each) for each in logits]
    else:
        terms = [-F.logsigmoid(each) for each in logits]
    if not terms:
        return scores.true.new_zeros(())
    return torch.stack([scores.mean(term) for term in terms]).sum()


def generated(scores: MatchScores) -> list[Float[Tensor, " B"]]:
    """The scores of the pairs that hold something generated."""
    every = [scores.generated_image, scores.generated_text, scores.generated_pair, scores.borrowed_text]
    return [logits for logits in every if logits is not None]


def weighted_mean(values: Float[Tensor, " B"], weight: Float[Tensor, " B"]) -> Float[Tensor, ""]:
    """The mean over the examples of weight 1; 0 where all weigh 0."""
    return (values * weight).sum() / weight.sum().clamp(min=1)
