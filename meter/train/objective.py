"""J = λe·L_e + λd·L_d + λr·L_r + λc·L_c (§3.4): each loss, and the weights that join them."""

from dataclasses import dataclass
from enum import Enum
from functools import reduce

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from meter.disc import GeneratorForm, Relaxation
from meter.enum_fields import EnumFields
from meter.model import EOS, PAD, PackedOutput
from meter.model.kernels.cross_entropy import cross_entropies


class ContextTargets(Enum):
    """Which words the context head is scored on (decision D4)."""

    words = "words"
    """The words of the sentence, no PAD and no EOS."""
    peter_compat = "peter_compat"
    """As PETER's code slices them: EOS counts too where the sentence is shorter than n."""


class SampleSource(Enum):
    """Where the logits come from that Ê and V̂ are chosen with (decision D2)."""

    teacher_forced = "teacher_forced"
    """The training pass itself: every choice follows the true past."""
    free_running = "free_running"
    """A greedy generation, then one parallel pass over what was generated."""


class DiscriminatorTraining(Enum):
    """When D learns (decision D3b)."""

    joint = "joint"
    """Beside the transformer, both from the first step on, as printed."""
    followed = "followed"
    """First on true pairs alone (``MatchingConfig``), then beside the transformer."""
    held = "held"
    """First on true pairs alone; then its weights stay."""


class SentenceGradient(Enum):
    """How L_d reaches what the model says about a borrowed feature (decision D3b)."""

    relaxed = "relaxed"
    """Through every choice of a word along the other record's sentence, by ``relaxation``."""
    self_critical = "self_critical"
    """A whole sentence is sampled and made likelier by as much as D likes it more than the greedy one (Rennie et al.,
    2017)."""
    best_of_samples = "best_of_samples"
    """Of ``num_samples`` sampled sentences the one that D likes best is taught as if it were true."""


@dataclass(kw_only=True, slots=True)
class ObjectiveConfig(EnumFields):
    """The weights of J and the readings of L_d."""

    lambda_e: float = 1.0
    """λe, weight of the explanation: words and codes."""
    lambda_d: float = 0.1
    """λd, weight of the text–image matching; 0 trains without a discriminator."""
    lambda_r: float = 0.1
    """λr, weight of the rating."""
    lambda_c: float = 1.0
    """λc, weight of the context words."""
    alpha: float = 1.0
    """α, weight of the codes against the words within L_e; 0 trains without pictures."""
    label_smoothing: float = 0.0
    """Share of each word of a sentence that is taught as any word of the vocabulary, all alike, in training alone
    (Szegedy et al., 2016)."""
    context_targets: ContextTargets = ContextTargets.words
    """Which words the context head is scored on (D4)."""
    relaxation: Relaxation = Relaxation.gumbel
    """How the gradient of L_d passes a choice of tokens (D2)."""
    temperature: float = 1.0
    """Temperature of that relaxation."""
    samples: SampleSource = SampleSource.teacher_forced
    """Where the generated tokens come from (D2)."""
    generator_form: GeneratorForm = GeneratorForm.non_saturating
    """What the transformer minimises of L_d (D3)."""
    discriminator_training: DiscriminatorTraining = DiscriminatorTraining.joint
    """When D learns (D3b)."""
    generated_negatives: bool = True
    """Whether D learns to tell what is generated from what is true, as printed (D3b)."""
    generated_pair_negatives: bool = False
    """Whether (Ê, V̂) is a negative too (D3)."""
    mismatched_negatives: bool = False
    """Whether (E, V of another item) is a negative too, of the same feature where the batch has one (D3, D3b)."""
    own_pairs: bool = True
    """Whether D scores what the model generates for the records themselves, as printed (D3b)."""
    borrowed_features: bool = False
    """Whether D also scores the sentences that the model writes about the feature of another record (D3b)."""
    sentence_gradient: SentenceGradient = SentenceGradient.relaxed
    """How L_d reaches the sentences about borrowed features (D3b)."""
    num_samples: int = 4
    """Sentences that ``best_of_samples`` chooses from."""
    matching_from: float = 0.0
    """Share of the training after which L_d counts (D3b)."""

    @property
    def uses_pictures(self) -> bool:
        """Pictures are read where they weigh anything: in L_e or in L_d."""
        return self.alpha > 0 or self.lambda_d > 0


@dataclass(slots=True)
class Losses:
    """The parts of J for one batch, unweighted; None where the model does not predict it, one of them at least is not.

    There is a visual loss only where there is one of the text.
    """

    text: Float[Tensor, ""] | None
    visual: Float[Tensor, ""] | None
    rating: Float[Tensor, ""] | None
    context: Float[Tensor, ""] | None
    generator: Float[Tensor, ""] | None

    def total(self, config: ObjectiveConfig) -> Float[Tensor, ""]:
        """J."""
        explanation = self.text
        if self.text is not None and self.visual is not None:
            explanation = self.text + config.alpha * self.visual
        weighted = [
            weight * part
            for weight, part in (
                (config.lambda_e, explanation),
                (config.lambda_r, self.rating),
                (config.lambda_c, self.context),
                (config.lambda_d, self.generator),
            )
            if part is not None
        ]
        return reduce(torch.add, weighted)

    def named(self) -> dict[str, Tensor]:
        """The parts that exist, by name, cut from the graph."""
        parts = {name: getattr(self, name) for name in ("text", "visual", "rating", "context", "generator")}
        return {name: part.detach() for name, part in parts.items() if part is not None}


def text_loss(
    logits: Float[Tensor, "... W"], words: Int[Tensor, "..."], label_smoothing: float = 0.0
) -> Float[Tensor, ""]:
    """First term of L_e: mean over words, EOS among them, of −log p_e.

    label_smoothing: ε of (1 − ε) · (−log p_e) + ε · its mean over all words of the vocabulary.
    """
    logits, words = logits.flatten(0, -2), words.flatten()
    losses, present = cross_entropies(logits, words), words != PAD
    if label_smoothing > 0:
        # log p of a word is its logit less a normalizer that all words share.
        own = logits.gather(1, words[:, None]).squeeze(1).float()
        losses = losses + label_smoothing * (own - logits.mean(dim=1, dtype=torch.float32))
    return (losses * present).sum() / present.sum()


def visual_loss(logits: Float[Tensor, "B M K"], codes: Int[Tensor, "B M"]) -> Float[Tensor, ""]:
    """Second term of L_e: mean over codes of −log p_v; pictures that do not exist (−1) count for nothing (D11)."""
    exists = codes.flatten() >= 0
    losses = cross_entropies(logits.flatten(0, 1), codes.flatten().clamp(min=0))
    return (losses * exists).sum() / exists.sum().clamp(min=1)


def rating_loss(predicted: Float[Tensor, " B"], true: Float[Tensor, " B"]) -> Float[Tensor, ""]:
    """L_r: mean squared error."""
    return F.mse_loss(predicted.float(), true)


def context_loss(
    logits: Float[Tensor, "B W"], words: Int[Tensor, "B S"], targets: ContextTargets
) -> Float[Tensor, ""]:
    """L_c: mean over the words of the sentences of −log p_c, one distribution for a whole sentence."""
    counted = context_words(words, targets)
    picked = F.log_softmax(logits.float(), dim=-1).gather(1, words)
    return -(picked * counted).sum() / counted.sum().clamp(min=1)


def context_words(words: Int[Tensor, "B S"], targets: ContextTargets) -> Bool[Tensor, "B S"]:
    """Which words L_c is the mean over (D4)."""
    counted = words != PAD
    if targets is ContextTargets.peter_compat:
        counted[:, -1] = False
        return counted
    return counted & (words != EOS)


def supervised_losses(
    output: PackedOutput,
    words: Int[Tensor, "B S"],
    ratings: Float[Tensor, " B"],
    codes: Int[Tensor, "B M"] | None,
    config: ObjectiveConfig,
) -> Losses:
    """All parts of J but L_d, of what the model predicts."""
    losses = Losses(text=None, visual=None, rating=None, context=None, generator=None)
    if output.text is not None:
        spoken = words.flatten()[output.word_slots]
        losses.text = text_loss(output.text, spoken, config.label_smoothing)
    if output.visual is not None and codes is not None:
        losses.visual = visual_loss(output.visual, codes)
    if output.rating is not None:
        losses.rating = rating_loss(output.rating, ratings)
    if output.context is not None:
        losses.context = context_loss(output.context, words, config.context_targets)
    return losses
